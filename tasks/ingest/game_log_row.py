"""One row of a player game log, as stats.nba.com's LeagueGameLog names its columns."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, ClassVar, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from tasks.ingest.cells import (
    Count,
    FileRow,
    GameDay,
    GameId,
    PlayerId,
    Problem,
    SeasonYear,
    Team,
    day_problem,
    must_match,
    season_of,
    season_problem,
    team_of,
)
from tasks.ingest.names import player_lookup, repair_name
from tasks.ingest.usage import Plays

MAX_MINUTES = 80.0
"""No player has been on the floor longer: 69 minutes, in 1989."""

MAX_PLUS_MINUS = 150

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3})(?:\.0+)?:([0-5]\d)", re.ASCII)  # box scores also have 34.000000:12
_DURATION = re.compile(r"PT(\d{1,3})M(?:([0-5]\d(?:\.\d+)?)S)?", re.ASCII)
_MATCHUP = re.compile(r"([A-Z]{2,4})\s+(@|vs\.?)\s+([A-Z]{2,4})")
_DID_NOT_PLAY = re.compile(r"(?:DNP|DND|NWT)\b", re.IGNORECASE)
_NOT_IN_UNIFORM = re.compile(r"(?:DND|NWT)\b", re.IGNORECASE)

_COUNTS = {
    "pts": "points",
    "fgm": "fg_makes",
    "fga": "fg_attempts",
    "fg3m": "three_pt_makes",
    "fg3a": "three_pt_attempts",
    "ftm": "ft_makes",
    "fta": "ft_attempts",
    "oreb": "offensive_rebounds",
    "dreb": "defensive_rebounds",
    "ast": "assists",
    "stl": "steals",
    "blk": "blocks",
    "tov": "turnovers",
    "pf": "personal_fouls",
    "paint_fgm": "paint_makes",
    "paint_fga": "paint_attempts",
    "mid_range_fgm": "mid_range_makes",
    "mid_range_fga": "mid_range_attempts",
}
"""The column of player_game_summary that each counting statistic of a row goes to."""

_OTHER_NAMES = {
    "TO": "TOV",
    "FG": "FGM",
    "FG3": "FG3M",
    "3P": "FG3M",
    "3PM": "FG3M",
    "3PA": "FG3A",
    "FT": "FTM",
    "ORB": "OREB",
    "DRB": "DREB",
    "+/-": "PLUS_MINUS",
    "MP": "MIN",
    "MINUTES": "MIN",
    "MINUTES_PLAYED": "MIN",
    "TEAM_ABBR": "TEAM_ABBREVIATION",
    "TEAM_TRICODE": "TEAM_ABBREVIATION",
    "TEAM": "TEAM_ABBREVIATION",
    "PLAYER": "PLAYER_NAME",
    "PLAYER_FULL_NAME": "PLAYER_NAME",
    "UNIVERSAL_PLAYER_ID": "PLAYER_ID",
    "DATE": "GAME_DATE",
} | {target.upper(): name.upper() for name, target in _COUNTS.items()}
"""What box scores of other sources, and player_game_summary, name these columns."""

_AT_MOST = (
    ("fgm", "fga"),
    ("fg3m", "fg3a"),
    ("ftm", "fta"),
    ("fg3m", "fgm"),
    ("fg3a", "fga"),
)
"""Pairs of statistics of which the first is a part of the second."""

_CHART = ("paint_fgm", "paint_fga", "mid_range_fgm", "mid_range_fga")
"""What a shot chart tells; it is counted apart from the box score, and can contradict it."""


class Matchup(NamedTuple):
    """The two sides of a game."""

    home: str
    away: str

    def opponent_of(self, team: str) -> str | None:
        """Return the other side; None if the team is neither."""
        return {self.home: self.away, self.away: self.home}.get(team)


@lru_cache(maxsize=8192)
def parse_matchup(text: str) -> Matchup:
    """Read ``DEN @ CLE`` or ``CLE vs. DEN``: Denver plays at Cleveland.

    Raises:
        ValueError: The text names no two teams in this form.
    """
    found = _MATCHUP.fullmatch(text)
    if not found or found[1] == found[3]:
        raise ValueError("must name two teams: 'DEN @ CLE' or 'CLE vs. DEN'")
    return Matchup(home=found[3], away=found[1]) if found[2] == "@" else Matchup(home=found[1], away=found[3])


def parse_minutes(value: object) -> object:
    """Return minutes as a number: of ``34``, ``34.2``, ``34:12`` or ``PT34M12.00S``.

    Raises:
        ValueError: The text is none of these.
    """
    if not isinstance(value, str):
        return value
    if clock := _CLOCK.fullmatch(value):
        return int(clock[1]) + int(clock[2]) / 60
    if duration := _DURATION.fullmatch(value):
        return int(duration[1]) + float(duration[2] or 0) / 60
    if _NUMBER.fullmatch(value):
        return float(value)
    raise ValueError("must be minutes: 34, 34.2, 34:12 or PT34M12.00S")


def _matchup(value: object, info: ValidationInfo) -> object:
    """Read a matchup in the league's own codes of the season."""
    if not isinstance(value, str):
        return value
    home, away = (team_of(code, info) for code in parse_matchup(value))
    if len(home) != 3 or len(away) != 3 or home == away:
        raise ValueError("must name two teams: 'DEN @ CLE' or 'CLE vs. DEN'")
    return Matchup(home=home, away=away)


StartPosition = Annotated[str, must_match("(?:PG|SG|SF|PF|[GFC])(?:-[GFC])?", "be a position: G, F, C, PG, G-F, ...")]
Minutes = Annotated[float, BeforeValidator(parse_minutes), Field(ge=0, le=MAX_MINUTES)]


class GameLogRow(FileRow):
    """One player in one game.

    DNP rows are marked by COMMENT, as box scores have it (``DNP - Coach's Decision``, ``DND - Injury/Illness``: did not
    dress, ``NWT - ...``: not with the team), by IS_DNP, or by empty minutes. Who started is in START_POSITION (empty:
    from the bench) or STARTER. Shots by zone, where a shot chart exists, are in PAINT_FGM and PAINT_FGA (with the
    restricted area), MID_RANGE_FGM and MID_RANGE_FGA.
    """

    flags: ClassVar[frozenset[str]] = frozenset({"IS_DNP", "STARTER"})
    other_names: ClassVar[Mapping[str, str]] = _OTHER_NAMES

    game_id: GameId
    game_date: GameDay
    player_id: PlayerId
    player_name: Annotated[str, Field(max_length=100), AfterValidator(repair_name)]
    team_abbreviation: Team
    matchup: Annotated[Matchup, BeforeValidator(_matchup)]
    minutes: Minutes | None = Field(alias="MIN")
    pts: Count | None = None
    fgm: Count | None = None
    fga: Count | None = None
    fg3m: Count | None = None
    fg3a: Count | None = None
    ftm: Count | None = None
    fta: Count | None = None
    oreb: Count | None = None
    dreb: Count | None = None
    ast: Count | None = None
    stl: Count | None = None
    blk: Count | None = None
    tov: Count | None = None
    pf: Count | None = None
    plus_minus: Annotated[int, Field(ge=-MAX_PLUS_MINUS, le=MAX_PLUS_MINUS)] | None = None
    paint_fgm: Count | None = None
    paint_fga: Count | None = None
    mid_range_fgm: Count | None = None
    mid_range_fga: Count | None = None
    season_id: SeasonYear | None = None
    comment: str | None = None
    is_dnp: bool | None = None
    start_position: StartPosition | None = None
    starter: bool | None = None

    @property
    def lookup(self) -> str:
        """The key of the player's name."""
        return player_lookup(self.player_name)

    @property
    def chart_problem(self) -> str | None:
        """What the shot chart has more of than the box score, or than itself."""
        paint_makes, paint_attempts, mid_range_makes, mid_range_attempts = (getattr(self, name) for name in _CHART)
        return next(
            (
                f"{what}: {part} of {whole}"
                for what, part, whole in (
                    ("PAINT_FGM of PAINT_FGA", paint_makes, paint_attempts),
                    ("MID_RANGE_FGM of MID_RANGE_FGA", mid_range_makes, mid_range_attempts),
                    ("makes by zone of FGM", (paint_makes or 0) + (mid_range_makes or 0), self.fgm),
                    ("attempts by zone of FGA", (paint_attempts or 0) + (mid_range_attempts or 0), self.fga),
                )
                if part is not None and whole is not None and part > whole
            ),
            None,
        )

    @property
    def did_not_play(self) -> bool:
        """The comment or the flag says so, or there are no minutes."""
        return self.minutes is None or bool(self.is_dnp) or bool(_DID_NOT_PLAY.match(self.comment or ""))

    @property
    def started(self) -> bool | None:
        """Whether the player started; None if the file does not say."""
        if self.starter is not None:
            return self.starter
        return self.start_position is not None if "start_position" in self.model_fields_set else None

    def problems(self) -> list[Problem]:
        """Say what is wrong between values that are each valid by themselves."""
        found = [
            day_problem(self.game_id, self.game_date),
            season_problem("SEASON_ID", self.game_id, self.season_id),
        ]
        if not self.lookup:
            found.append(Problem("PLAYER_NAME", self.player_name, "has no Latin letter or digit"))
        if self.matchup.opponent_of(self.team_abbreviation) is None:
            sides = f"{self.matchup.away} @ {self.matchup.home}"
            found.append(Problem("MATCHUP", sides, f"does not name the player's team {self.team_abbreviation}"))
        for part, whole in _AT_MOST:
            least, most = getattr(self, part), getattr(self, whole)
            if least is not None and most is not None and least > most:
                found.append(Problem(part.upper(), f"{least}", f"is more than {whole.upper()}, {most}"))
        found += self._dnp_problems()
        return [problem for problem in found if problem]

    def to_summary(self) -> dict[str, object]:
        """Return the row's values by column of player_game_summary, all but usage_rate and processed_at."""
        return {
            "player_lookup": self.lookup,
            "universal_player_id": self.player_id,
            "player_full_name": self.player_name,
            "game_id": self.game_id,
            "game_date": self.game_date,
            "team_abbr": self.team_abbreviation,
            "opponent_team_abbr": self.matchup.opponent_of(self.team_abbreviation),
            "season_year": season_of(self.game_id),
            "minutes_played": None if self.did_not_play else self.minutes,
            "plus_minus": self.plus_minus,
            "starter_flag": self.started,
            "is_active": not _NOT_IN_UNIFORM.match(self.comment or ""),
            "is_dnp": self.did_not_play,
        } | {target: self._count(name) for name, target in _COUNTS.items()}

    @property
    def plays(self) -> Plays:
        """What the player's usage is computed from."""
        return Plays(self.minutes, self.fga, self.fta, self.tov)

    def _count(self, name: str) -> int | None:
        """Return a statistic; that of a shot chart which cannot be right is unknown."""
        count: int | None = None if name in _CHART and self.chart_problem else getattr(self, name)
        return count

    def _dnp_problems(self) -> list[Problem]:
        """A player who did not play has no minutes and no statistics; a row that says both is not guessed at."""
        if not self.did_not_play:
            return []
        why = "MIN is empty" if self.minutes is None else "the row says that the player did not play"
        minutes = [Problem("MIN", f"{self.minutes:g}", f"is not 0, although {why}")] if self.minutes else []
        return minutes + [
            Problem(name.upper(), f"{value}", f"is not 0, although {why}")
            for name in (*_COUNTS, "plus_minus")
            if (value := getattr(self, name))
        ]
