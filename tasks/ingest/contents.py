"""Input files as a whole: what is asked for, how rows become accepted or rejected, and what is reported."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.ingest.cells import Cells, FileRow, Problem, clean, parse_game_id, season_of
from tasks.parameters import WHOLE_NUMBER, Request
from tasks.teams import league_code

Kind = Literal["schedule", "game log"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


MAX_REPORTED_REJECTIONS = 10_000
Rejections = Annotated[int, Field(ge=1, le=MAX_REPORTED_REJECTIONS), WHOLE_NUMBER]


class IngestRequest(Request):
    """What a run of the ingest was asked to do; the flow's docstring says what each parameter means."""

    schedules: tuple[str, ...]
    game_logs: tuple[str, ...]
    dry_run: bool
    allow_shrink: bool
    max_reported_rejections: Rejections

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.schedules and not self.game_logs:
            raise ValueError("game_logs=[], schedules=[]: at least one must name a Parquet or CSV file")
        return self


class InputFile(_Frozen):
    """One file to load, known to be readable and to have the columns that it needs."""

    path: str
    kind: Kind


class Rejection(_Frozen):
    """One thing wrong with one row of a file."""

    file: str
    line: int
    """Counted from 1: in CSV the line of the file, in Parquet the row."""
    column: str
    value: str
    reason: str


class KeptBack(_Frozen):
    """A game of a file that was not loaded, as what the warehouse has of it is better."""

    file: str
    game_id: str
    game_date: date
    reason: str


class FileReport(_Frozen):
    """What became of one file."""

    file: str
    kind: Kind
    table: str
    rows_read: int = 0
    rows_rejected: int = 0
    rows_written: int = 0
    rows_replaced: int = 0
    games: int = 0
    days: int = 0
    first_date: date | None = None
    last_date: date | None = None
    warnings: tuple[str, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    rejected_games: tuple[str, ...] = ()
    rejected_without_game: int = 0
    """Rejected rows of which the game cannot be read."""
    kept_back: tuple[KeptBack, ...] = ()
    error: str | None = None


class IngestReport(_Frozen):
    """What became of a run."""

    files: tuple[FileReport, ...]
    dry_run: bool

    @property
    def is_complete(self) -> bool:
        """Every row of every file was good, and nothing stopped a load."""
        return not any(file.error or file.rows_rejected or file.kept_back for file in self.files)

    @property
    def kept_back(self) -> list[KeptBack]:
        """The games that were not loaded, as what the warehouse has of them is better."""
        return [game for file in self.files for game in file.kept_back]

    @property
    def summary(self) -> str:
        """The run in one line."""
        read, rejected = sum(file.rows_read for file in self.files), sum(file.rows_rejected for file in self.files)
        loaded = f"{sum(file.rows_written for file in self.files):,} loaded"
        done = f"dry run, nothing loaded, {read - rejected:,} good" if self.dry_run else loaded
        text = f"{len(self.files)} files, {read:,} rows: {done}, {rejected:,} rejected"
        if rejected:
            text += " (listed in the artifact ingest-rejections)"
        if kept := self.kept_back:
            text += f"; {len(kept):,} games kept as they were (listed in the artifact ingest-kept-back), the first: "
            text += f"{kept[0].game_id} on {kept[0].game_date}: {kept[0].reason}"
        failed = [f"{file.file}: {file.error}" for file in self.files if file.error]
        return f"{text}; {len(failed)} files not loaded, the first: {failed[0]}" if failed else text


class Contents(Protocol):
    """The rows of one kind of file, and what must hold between them.

    Args:
        as_of: Today in the league's calendar; games far after it are rejected.
    """

    def __init__(self, as_of: date = ...) -> None: ...

    model: ClassVar[type[FileRow]]
    table: ClassVar[str]
    kind: ClassVar[Kind]

    @property
    def games(self) -> Collection[str]:
        """The games that have an accepted row."""
        ...

    @property
    def days(self) -> Collection[date]:
        """The days that have an accepted row."""
        ...

    @property
    def match(self) -> tuple[str, ...]:
        """The columns by which the file's rows replace those that the table has."""
        ...

    def accept(self, line: int, cells: Cells) -> dict[str, object] | list[Problem]:
        """Return a row's values by column of the table, or all that is wrong with it."""
        ...

    def miss(self, game_id: str, team: str) -> None:
        """Remember that a row of this team in this game was rejected."""
        ...

    def warnings(self) -> list[str]:
        """Return what looks wrong, but stops no row; after the last row."""
        ...


class FileReader:
    """Reads the rows of one file in turn, counts them, and keeps why some are rejected."""

    def __init__(self, file: str, contents: Contents, max_reported_rejections: int) -> None:
        self._file = file
        self._contents = contents
        self._max_reported = max_reported_rejections
        self._rejected_games: set[str] = set()
        self._without_game = 0
        self._rejections: list[Rejection] = []
        self._read = 0
        self._rejected = 0

    def read(self, line: int, cells: Cells | Problem) -> dict[str, object] | None:
        """Return a row's values by column of the table; None if the row is rejected.

        Args:
            line: Where the row is in the file.
            cells: Its values by column, or why there are none.
        """
        self._read += 1
        result = [cells] if isinstance(cells, Problem) else self._contents.accept(line, cells)
        if isinstance(result, dict):
            return result
        self._rejected += 1
        self._note_game({} if isinstance(cells, Problem) else cells)
        room = self._max_reported - len(self._rejections)
        self._rejections += [Rejection(file=self._file, line=line, **p._asdict()) for p in result[:room]]
        return None

    def report(self) -> FileReport:
        """Return the report after the last row, before anything is written."""
        days = self._contents.days
        return FileReport(
            file=self._file,
            kind=self._contents.kind,
            table=self._contents.table,
            rows_read=self._read,
            rows_rejected=self._rejected,
            games=len(self._contents.games),
            days=len(days),
            first_date=min(days, default=None),
            last_date=max(days, default=None),
            warnings=tuple(self._contents.warnings()),
            rejections=tuple(self._rejections),
            rejected_games=tuple(sorted(self._rejected_games)),
            rejected_without_game=self._without_game,
        )

    def _note_game(self, cells: Cells) -> None:
        """Remember the game of a rejected row, if its id can be read."""
        try:
            game_id = parse_game_id(clean(cells.get("GAME_ID")))
        except ValueError:
            game_id = None
        if game_id is None:
            self._without_game += 1
            return
        self._rejected_games.add(game_id)
        team = str(clean(cells.get("TEAM_ABBREVIATION")))
        self._contents.miss(game_id, league_code(team, season_of(game_id)))
