"""Single values as they stand in files of the league's data: ids, days, seasons, teams, counts."""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, ClassVar, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from tasks.printable import MAX_VALUE_CHARACTERS
from tasks.teams import league_code

_BLANK = frozenset({"", "nan", "na", "null", "none"})
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00:00(?:\.0+)?)?", re.ASCII)
_LONG_DAY = re.compile(r"([A-Za-z]{3}) (\d{1,2}), (\d{4})", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WHOLE = re.compile(r"(\d+)(?:\.0+)?", re.ASCII)
_GAME_ID = re.compile(r"00[1-6]\d{7}", re.ASCII)
_SEASON_ID = re.compile(r"[1-6](\d{4})", re.ASCII)
_SEASON_NAME = re.compile(r"(\d{4})(?:-\d{2})?", re.ASCII)

FIRST_SEASON = 1946
"""The league's first season; two-digit years before it belong to the 2000s."""

FUTURE_DAYS = 400
"""How far ahead of today a game can be: schedules are published for one season."""

SEASON_OPENS = (7, 1)
SEASON_CLOSES = (10, 15)
"""Month and day between which a season's games are; 2019-20 ended on 11 October 2020, later than any other."""

MAX_INT64 = 2**63 - 1

Cells = Mapping[str, object]
"""The values of a row by column, the column's name in capitals."""


class Problem(NamedTuple):
    """What is wrong with one value of a row."""

    column: str
    value: str
    reason: str


def clean(value: object) -> object:
    """Return a cell without surrounding spaces; None if it is blank, NaN or a word for nothing."""
    if isinstance(value, str):
        value = value.strip()
        return None if value.lower() in _BLANK else value
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


@lru_cache(maxsize=65536)
def _game_id(text: str) -> str:
    game_id = text.zfill(10)
    if not _GAME_ID.fullmatch(game_id):
        raise ValueError("must be ten digits: 001 to 006 for the kind of game, two of the year, five more")
    return game_id


def _id_text(value: object) -> str | None:
    """Write an id as text, whether it was read as text or as a number."""
    if isinstance(value, float) and math.isinf(value):
        raise ValueError("must be a finite number")
    text = None if value is None else str(value)
    return whole[1] if text is not None and (whole := _WHOLE.fullmatch(text)) else text


def parse_game_id(value: object) -> str | None:
    """Return a game id as ten digits; one that was read as a number gets its leading zeros back.

    Raises:
        ValueError: It is not the id of a game.
    """
    text = _id_text(value)
    return None if text is None else _game_id(text)


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    if iso := _ISO_DAY.fullmatch(text):
        return date.fromisoformat(iso[1])
    if (long := _LONG_DAY.fullmatch(text)) and long[1].lower() in _MONTHS:
        return date(int(long[3]), _MONTHS.index(long[1].lower()) + 1, int(long[2]))
    raise ValueError("must be a day: 2022-10-18, 2022-10-18T00:00:00 or Oct 18, 2022")


def parse_day(value: object) -> date:
    """Return the league's calendar day of a date, a timestamp at midnight without a time zone, or a text.

    Raises:
        ValueError: It is not a day, or not a day only.
    """
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time():
            raise ValueError("must be a day: a timestamp at midnight, without a time zone")
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return _day(value)
    raise ValueError("must be a day")


def parse_season(value: object) -> int | None:
    """Return the year in which a season starts: of ``22022`` (SEASON_ID), ``2022`` or ``2022-23``.

    Raises:
        ValueError: It is not a season.
    """
    text = _id_text(value)
    if text is None:
        return None
    if season := _SEASON_ID.fullmatch(text) or _SEASON_NAME.fullmatch(text):
        return int(season[1])
    raise ValueError("must be a season: 22022, 2022 or 2022-23")


def season_of(game_id: str) -> int:
    """Return the year in which a game's season starts, from digits 4 and 5 of its id."""
    year = 1900 + int(game_id[3:5])
    return year if year >= FIRST_SEASON else year + 100


def day_problem(game_id: str, game_date: date) -> Problem | None:
    """Say so if a day cannot belong to the season that the game's id names."""
    year = season_of(game_id)
    if date(year, *SEASON_OPENS) <= game_date <= date(year + 1, *SEASON_CLOSES):
        return None
    return Problem("GAME_DATE", f"{game_date}", f"is not in season {season_name(year)} of game {game_id}")


def future_problem(game_date: date, as_of: date) -> Problem | None:
    """Say so if a day is further ahead than any schedule is."""
    if game_date - as_of <= timedelta(days=FUTURE_DAYS):
        return None
    return Problem("GAME_DATE", f"{game_date}", f"is more than {FUTURE_DAYS} days after today, {as_of}")


def season_problem(column: str, game_id: str, season: int | None) -> Problem | None:
    """Say so if a season column contradicts the game's id."""
    if season is None or season == season_of(game_id):
        return None
    return Problem(column, f"{season}", f"is not the season {season_name(season_of(game_id))} of game {game_id}")


def season_name(year: int) -> str:
    """Return a season as people write it: 2022-23."""
    return f"{year}-{(year + 1) % 100:02d}"


def must_match(pattern: str, what: str) -> AfterValidator:
    """Return the check that a whole text is of the pattern; ``what`` it must be is said if it is not."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"must {what}")
        return text

    return AfterValidator(check)


def _fits(text: str) -> str:
    """Refuse a number that no column of a warehouse holds."""
    if text.isdecimal() and int(text) > MAX_INT64:
        raise ValueError(f"must be at most {MAX_INT64}, the largest INT64, if it is a number")
    return text


GameId = Annotated[str, BeforeValidator(parse_game_id)]
GameDay = Annotated[date, BeforeValidator(parse_day)]
SeasonYear = Annotated[int, BeforeValidator(parse_season)]
PlayerId = Annotated[
    str,
    BeforeValidator(_id_text),
    must_match(r"[A-Za-z0-9_-]{1,64}", "be letters, digits, _ or -, at most 64"),
    AfterValidator(_fits),
]


def team_of(code: str, info: ValidationInfo) -> str:
    """Return the league's code of a team in the season of the row's game; one that is no alias, as it is."""
    game_id = info.data.get("game_id")
    return league_code(code, season_of(game_id)) if game_id else code


def _team(value: object, info: ValidationInfo) -> object:
    return team_of(value, info) if isinstance(value, str) else value


Team = Annotated[str, BeforeValidator(_team), must_match(r"[A-Z]{3}", "be three capital letters")]
Count = Annotated[int, Field(ge=0, le=250)]


class FileRow(BaseModel):
    """A row of an input file; a field's alias is the name of its column, and columns without a field are ignored.

    A field without a default is a column that must be there.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=str.upper)

    flags: ClassVar[frozenset[str]] = frozenset()
    """The columns that may be boolean."""

    one_of: ClassVar[tuple[frozenset[str], ...]] = ()
    """Sets of columns of which at least one must be there as a whole."""

    other_names: ClassVar[Mapping[str, str]] = {}
    """Other names that a column may have, and the name that is used for it here."""

    @classmethod
    def columns(cls) -> dict[str, bool]:
        """Return the columns that are read, and whether each must be there."""
        return {str(field.alias): field.is_required() for field in cls.model_fields.values()}

    def problems(self) -> list[Problem]:
        """Say what is wrong between values that are each valid by themselves."""
        raise NotImplementedError


_Row = TypeVar("_Row", bound=FileRow)


def read_row(model: type[_Row], cells: Cells) -> _Row | list[Problem]:
    """Return a row of a file as a checked model, or all that is wrong with it.

    Args:
        model: What to make of the row.
        cells: The row's values.
    """
    try:
        row = model.model_validate({column: clean(value) for column, value in cells.items()})
    except ValidationError as error:
        return [
            Problem(column=str(detail["loc"][0]), value=_shown(detail["input"]), reason=_reason(detail))
            for detail in error.errors(include_url=False, include_context=False)
        ]
    return row.problems() or row


def _shown(value: object) -> str:
    return "" if value is None else str(value)[:MAX_VALUE_CHARACTERS]


def _reason(detail: ErrorDetails) -> str:
    if detail["input"] is None:
        return "is empty"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message.replace("should ", "must ", 1) if message.startswith("should ") else message
