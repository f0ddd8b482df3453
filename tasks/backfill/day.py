"""A day before it is built: its games, and the source of its context."""

from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.tables.spec import Build
from tasks.text import first_of, percent

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
    """The games of a day by the schedule, against those in the box scores. Grain: game_date."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    season_year: int | None = None
    scheduled_games: int = 0
    final_games: int = 0
    loaded_games: int = 0
    missing_games: str | None = None
    pending_games: str | None = None
    unscheduled_games: str | None = None
    expected_players: int = 0

    @property
    def has_games(self) -> bool:
        """Whether the schedule says that games were played, or may yet be."""
        return self.final_games > 0 or self.pending_games is not None

    def blocks(self) -> tuple[Reason, ...]:
        """Why no ratio of this day would say anything; empty if the reference is complete."""
        reasons = []
        if self.missing_games:
            message = (
                f"{self.loaded_games} of {self.final_games} final games have box scores for both teams; without: "
                f"{self.missing_games}; load them, then run the day again"
            )
            reasons.append(Reason(category="reference_incomplete", message=message, overridable=True))
        if self.pending_games:
            message = f"the schedule does not say final for {self.pending_games}; update it, then run the day again"
            reasons.append(Reason(category="games_not_final", message=message, overridable=True))
        return tuple(reasons)

    def warnings(self) -> tuple[Reason, ...]:
        """What is odd about the reference, but no obstacle."""
        if not self.unscheduled_games:
            return ()
        message = f"box scores hold games that the schedule lacks, not expected: {self.unscheduled_games}"
        return (Reason(category="unscheduled_games", message=message),)


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

    @property
    def coverage(self) -> float:
        """Covered / expected, from 0 to 1; 0 if nothing is expected."""
        return self.covered / self.expected if self.expected else 0.0

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


def is_bootstrap(game_date: date, season_start: date | None, bootstrap_days: int) -> bool:
    """Whether a day is among the first days of its season, when too little was played to look back on."""
    return season_start is not None and game_date < season_start + timedelta(days=bootstrap_days)
