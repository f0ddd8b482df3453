"""A day before it is built: its games, and the source of its context."""

from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.tables.spec import Build, LookBack
from tasks.text import count_of, first_of, percent

ContextSource = Literal["auto", "upcoming", "synthetic"]


class Reason(BaseModel):
    """Why a day is blocked, failed or warned about."""

    model_config = ConfigDict(frozen=True)

    category: str
    message: str
    overridable: bool = False
    """Whether ``force`` may publish all the same: it overrides judgement, never integrity."""

    def __str__(self) -> str:
        return f"{self.category}: {self.message}"


class Reference(BaseModel):
    """The games of a day, and of its season before it, by the schedule against the box scores. Grain: game_date."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    season_year: int | None = None
    is_scheduled: bool = False
    """The schedule speaks of the day: it has a game, or it is known to have none."""
    scheduled_games: int = 0
    final_games: int = 0
    loaded_games: int = 0
    """Final games that are whole in the box scores."""
    missing_games: str | None = None
    pending_games: str | None = None
    unscheduled_games: str | None = None
    conflicting_games: str | None = None
    double_players: str | None = None
    ambiguous_players: str | None = None
    expected_players: int = 0
    without_minutes: int = 0
    """Rows of the day, and of the six days before, of players who played for minutes that are not known."""
    is_after_break: bool = False
    """At least a third of the day's teams had no game in the 6 days before: of many players nothing recent is known."""
    season_holes: int = 0
    """Games of the season before the day that are not loaded as they were played."""
    recent_holes: str | None = None
    """Those of the 30 days before, by name."""
    season_without_pace: int = 0
    """Rows of the season before of players who played and lack what pace is worked out from."""

    @property
    def has_games(self) -> bool:
        """Whether games were played, or may yet be, by the schedule or by the box scores."""
        return self.final_games > 0 or self.pending_games is not None or self.unscheduled_games is not None

    @property
    def has_holes(self) -> bool:
        """Whether a row may look back on a game that is missing, or of which something is unknown."""
        return self.season_holes > 0 or self.season_without_pace > 0

    @property
    def is_off_day(self) -> bool:
        """Whether the schedule says that there is no game."""
        return self.is_scheduled and not self.has_games

    def blocks(self) -> tuple[Reason, ...]:
        """Why no ratio of this day would say anything; empty if the reference is complete."""
        counts = f"{self.loaded_games} of {self.final_games} final games are whole in the box scores"
        found = (
            ("reference_incomplete", self.missing_games, f"{counts}; {{}}; load them, then run the day again", True),
            (
                "games_not_final",
                self.pending_games,
                "the schedule does not say final for {}; update it, then run the day again",
                True,
            ),
            (
                "unscheduled_games",
                self.unscheduled_games,
                "the box scores hold games that the schedule lacks: {}; correct whichever is wrong",
                True,
            ),
            (
                "schedule_conflict",
                self.conflicting_games,
                "the schedule contradicts itself or the box scores: {}; correct whichever is wrong",
                False,
            ),
            (
                "duplicate_box_scores",
                self.double_players,
                "players stand in a game more than once: {}; remove the rows that are too many",
                False,
            ),
            (
                "ambiguous_player",
                self.ambiguous_players,
                "players who cannot be told apart, or one under two names or ids: {}; correct universal_player_id",
                False,
            ),
        )
        return tuple(
            Reason(category=category, message=message.format(what), overridable=overridable)
            for category, what, message, overridable in found
            if what
        )

    def warnings(self, looks_back_on: LookBack = "season") -> tuple[Reason, ...]:
        """What a person should know about the day's inputs, but no obstacle.

        Args:
            looks_back_on: The games before of which the table cannot do without any.
        """
        reasons = []
        if self.without_minutes:
            rows = count_of(self.without_minutes, "row")
            message = f"in {rows} of the day and the 6 days before there are statistics, and no minutes"
            reasons.append(Reason(category="minutes_unknown", message=message))
        is_near = self.recent_holes is not None and looks_back_on == "30 days"
        if is_near or (self.season_holes and looks_back_on == "season"):
            games = f"; of the last 30 days: {self.recent_holes}" if self.recent_holes else ""
            holes = count_of(self.season_holes, "earlier game")
            message = f"not loaded as played: {holes} of the season{games}"
            reasons.append(Reason(category="look_back_incomplete", message=message))
        return tuple(reasons)


class Disagreement(BaseModel):
    """How often the preferred source says other than the fallback. Grain: game_date, column."""

    model_config = ConfigDict(frozen=True)

    column_name: str
    compared: int
    """Rows in which both know the column."""
    different: int = 0
    """Those in which they differ by more than rounding."""
    examples: str | None = None

    @property
    def share(self) -> float:
        """Different / compared, from 0 to 1; 0 if nothing is compared."""
        return self.different / self.compared if self.compared else 0.0

    def __str__(self) -> str:
        rows = f"{self.different} of {self.compared} rows ({percent(self.share)})"
        return f"{self.column_name} in {rows}, as in {self.examples}"


class SourceCounts(BaseModel):
    """What one source holds of a day, compared with the expected set by entity. Grain: game_date."""

    model_config = ConfigDict(frozen=True)

    source: str
    expected: int = 0
    covered: int = 0
    players: int = 0
    """Distinct entities that the source holds for the day, expected or not."""
    duplicates: int = 0
    missing: tuple[str, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    """Of each column that the fallback has too; empty if they were not compared."""

    @property
    def coverage(self) -> float:
        """Covered / expected, from 0 to 1; 0 if nothing is expected."""
        return self.covered / self.expected if self.expected else 0.0

    def warnings(self, build: Build) -> tuple[Reason, ...]:
        """Name the columns of which the source says other than the fallback in too many rows, whichever is used."""
        found = [each for each in self.disagreements if each.different and each.share >= build.thresholds.disagree_from]
        if not found:
            return ()
        columns = "; ".join(map(str, found))
        message = f"{self.source} against {build.fallback.name}: {columns}; find out which is wrong, and correct it"
        return (Reason(category="sources_disagree", message=message),)

    def __str__(self) -> str:
        return f"{self.source} covers {self.covered} of {self.expected} ({percent(self.coverage)})"


def choose_source(build: Build, counts: SourceCounts | None, requested: ContextSource = "auto") -> tuple[str, str]:
    """Take the preferred source if it covers the expected set by the threshold, without duplicates; else the fallback.

    Args:
        build: The table's build; a table with one source has nothing to choose.
        counts: What the preferred source holds; None if there is none to check.
        requested: A source that the run asks for, whatever it covers.

    Returns:
        The source's name, and why it is taken.
    """
    preferred, fallback = build.preferred, build.fallback.name
    if preferred is None or counts is None:
        return fallback, "the only source"
    if requested in (preferred.name, fallback):
        return requested, f"asked for; {counts}"
    if counts.duplicates:
        return fallback, f"{counts.source} holds {counts.duplicates} players more than once; {counts}"
    if counts.coverage < build.thresholds.block_below or not counts.expected:
        problem = "is empty" if not counts.players else f"is below {percent(build.thresholds.block_below)}"
        lacks = f"; it lacks {first_of(counts.missing, limit=3)}" if counts.missing and counts.players else ""
        return fallback, f"{counts}, which {problem}{lacks}"
    return preferred.name, str(counts)


def read_from(season_start: date) -> date:
    """Return the day from which a season is read: a schedule may begin later than its season, box scores may not."""
    return season_start - timedelta(days=120)


def is_bootstrap(game_date: date, season_start: date | None, bootstrap_days: int) -> bool:
    """Whether a day is among the first days of its season, when too little was played to look back on."""
    return season_start is not None and game_date < season_start + timedelta(days=bootstrap_days)
