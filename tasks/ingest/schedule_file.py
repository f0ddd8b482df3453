"""One row of a schedule: a list of games with scores, or the warehouse's own columns."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from tasks.ingest.cells import (
    Cells,
    Count,
    FileRow,
    GameDay,
    GameId,
    Problem,
    SeasonYear,
    Team,
    day_problem,
    future_problem,
    read_row,
    season_of,
    season_problem,
)
from tasks.ingest.contents import Kind

SCHEDULED, FINAL = 1, 3

_ALL_STAR, _REGULAR_SEASON, _PLAYOFFS = "003", "002", "004"
"""What a game id starts with; 001 is preseason, 005 play-in, 006 the final of the in-season cup."""


class ScheduleRow(FileRow):
    """One game.

    A game is final if the file has both its scores, unless GAME_STATUS (1 scheduled, 2 live, 3 final) says otherwise; a
    postponed game has neither, and is scheduled.
    """

    flags: ClassVar[frozenset[str]] = frozenset({"IS_REGULAR_SEASON", "IS_PLAYOFFS", "IS_ALL_STAR"})
    one_of: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"HOME_PTS", "AWAY_PTS"}), frozenset({"GAME_STATUS"}))
    other_names: ClassVar[Mapping[str, str]] = {
        "HOME_TEAM_ABBREVIATION": "HOME_TEAM",
        "AWAY_TEAM_ABBREVIATION": "AWAY_TEAM",
        "VISITOR_TEAM": "AWAY_TEAM",
        "HOME_TEAM_SCORE": "HOME_PTS",
        "AWAY_TEAM_SCORE": "AWAY_PTS",
        "HOME_SCORE": "HOME_PTS",
        "AWAY_SCORE": "AWAY_PTS",
        "DATE": "GAME_DATE",
        "HOME_TEAM_TRICODE": "HOME_TEAM",
        "AWAY_TEAM_TRICODE": "AWAY_TEAM",
        "GAME_STATUS_ID": "GAME_STATUS",
        "STATUS_TEXT": "GAME_STATUS_TEXT",
    }

    game_id: GameId
    game_date: GameDay
    home_team: Team
    away_team: Team
    season_year: SeasonYear | None = None
    home_pts: Count | None = None
    away_pts: Count | None = None
    game_status: Annotated[int, Field(ge=1, le=3)] | None = None
    game_status_text: str | None = None
    is_regular_season: bool | None = None
    is_playoffs: bool | None = None
    is_all_star: bool | None = None

    @property
    def status(self) -> int:
        """1 scheduled, 2 live, 3 final."""
        if self.game_status is not None:
            return self.game_status
        return FINAL if self.home_pts or self.away_pts else SCHEDULED

    def problems(self) -> list[Problem]:
        """Say what is wrong between values that are each valid by themselves."""
        found = [
            day_problem(self.game_id, self.game_date),
            season_problem("SEASON_YEAR", self.game_id, self.season_year),
        ]
        if self.home_team == self.away_team:
            found.append(Problem("AWAY_TEAM", self.away_team, "is the home team, too"))
        if self.game_status is None:
            found.append(self._score_problem())
        return [problem for problem in found if problem]

    def to_schedule(self) -> dict[str, object]:
        """Return the row's values by column of nba_schedule."""
        kind, is_final = self.game_id[:3], self.status == FINAL

        def flag(given: bool | None, own: str) -> bool:
            return kind == own if given is None else given

        return {
            "game_id": self.game_id,
            "game_date": self.game_date,
            "season_year": season_of(self.game_id),
            "game_status": self.status,
            "game_status_text": self.game_status_text,
            "home_team_tricode": self.home_team,
            "away_team_tricode": self.away_team,
            "home_team_score": self.home_pts or None if is_final else None,
            "away_team_score": self.away_pts or None if is_final else None,
            "is_regular_season": flag(self.is_regular_season, _REGULAR_SEASON),
            "is_playoffs": flag(self.is_playoffs, _PLAYOFFS),
            "is_all_star": flag(self.is_all_star, _ALL_STAR),
        }

    def _score_problem(self) -> Problem | None:
        """Without a status, the scores must tell whether the game was played."""
        if not {"home_pts", "away_pts"} <= self.model_fields_set:
            return Problem("GAME_STATUS", "", "is empty")
        if (self.home_pts is None) != (self.away_pts is None):
            return Problem("HOME_PTS" if self.home_pts is None else "AWAY_PTS", "", "is empty, the other score is not")
        if self.home_pts and self.home_pts == self.away_pts:
            return Problem("AWAY_PTS", f"{self.away_pts}", "is the score of both teams; no game ends level")
        return None


class ScheduleContents:
    """The rows of a schedule: one a game and day; a game that was moved may stand on both of its days."""

    model: ClassVar[type[FileRow]] = ScheduleRow
    table: ClassVar[str] = "nba_schedule"
    kind: ClassVar[Kind] = "schedule"
    match = ("game_id",)

    def __init__(self, as_of: date = date.max) -> None:
        self._as_of = as_of
        self.games: set[str] = set()
        self.days: set[date] = set()
        self._lines: dict[tuple[str, date], int] = {}

    def accept(self, line: int, cells: Cells) -> dict[str, object] | list[Problem]:
        """Return a row's values by column of nba_schedule, or all that is wrong with it."""
        row = read_row(ScheduleRow, cells)
        if isinstance(row, list):
            return row
        if problem := future_problem(row.game_date, self._as_of):
            return [problem]
        first = self._lines.setdefault((row.game_id, row.game_date), line)
        if first != line:
            return [Problem("GAME_ID", row.game_id, f"is in line {first} already")]
        self.games.add(row.game_id)
        self.days.add(row.game_date)
        return row.to_schedule()

    def miss(self, game_id: str, team: str) -> None:
        """Nothing depends on the rows that were rejected."""

    def warnings(self) -> list[str]:
        """Nothing else can look wrong."""
        return []
