"""A day as its report says it."""

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import OTHER_ROWS, Checkpoint, Rows, TableDay
from tasks.backfill.gate import Outcome
from tasks.backfill.plan import DayPlan
from tasks.backfill.result import DayResult
from tasks.text import first_of


class ReportRow(BaseModel):
    """One day, as a person reads it; the counts are of the last table that was asked for. Grain: game_date."""

    model_config = ConfigDict(frozen=True)

    day: date
    games: int
    expected: int | None
    upcoming: int | None
    source: str
    published: int | None
    coverage: str
    completeness: str
    """Mean share of the rows' inputs that are known."""
    outcome: Outcome
    work: str
    """built, adopted or kept; empty if there was nothing to do."""
    missing: str
    reason: str


def report_row(day: DayPlan, result: DayResult, rows: Mapping[TableDay, Rows], table: str) -> ReportRow:
    """Return a day's row; a day whose rows are not there is failed, whatever its checkpoints say.

    Args:
        day: What was planned.
        result: What came of it.
        rows: The rows that are there now.
        table: The one whose counts are shown.
    """
    has_games, expected = day.reference.has_games, day.reference.expected_players
    counts = next((each.source_counts for each in day.tables if each.table == table), None)
    source = coverage = completeness = missing = ""
    if checkpoint := next((each for each in result.checkpoints if each.table_name == table), None):
        expected = expected if checkpoint.expected is None else checkpoint.expected
        source, coverage = checkpoint.source or "", checkpoint.coverage_percent
        completeness, missing = checkpoint.completeness_percent, first_of(checkpoint.missing, limit=5)
    contradictions = _contradictions(result, rows)
    reason = "; ".join(contradictions) or _reason(day, result)
    return ReportRow(
        day=day.game_date,
        games=day.reference.final_games,
        expected=expected if has_games else None,
        upcoming=counts.players if counts else None,
        source=source,
        published=rows.get((table, day.game_date), Rows()).count if has_games else None,
        coverage=coverage,
        completeness=completeness,
        outcome="failed" if contradictions else result.outcome,
        work=_work(result),
        missing=missing,
        reason=" ".join(reason.split()),  # a driver's message may have lines
    )


def _contradictions(result: DayResult, rows: Mapping[TableDay, Rows]) -> list[str]:
    """Say of which tables the rows that are there are not those that were published."""
    done = ((each, rows.get((each.table_name, each.game_date), Rows())) for each in result.checkpoints if each.is_done)
    return [_contradiction(each, there) for each, there in done if not each.has_published(there)]


def _contradiction(checkpoint: Checkpoint, there: Rows) -> str:
    if there.count != checkpoint.row_count:
        return f"{checkpoint.table_name} holds {there.count} rows, {checkpoint.row_count} were published"
    return f"{checkpoint.table_name}: {OTHER_ROWS}"


def _work(result: DayResult) -> str:
    if result.tried:
        return "adopted" if all(each.is_adopted for each in result.tried) else "built"
    return "kept" if result.kept else ""


def _reason(day: DayPlan, result: DayResult) -> str:
    if result.outcome == "not_tried":
        return "not tried: the days before it failed of one cause; fix it, then run the range again"
    worst = next((each for each in result.checkpoints if each.outcome == result.outcome and each.reason), None)
    if worst is not None:
        return f"{worst.table_name}: {worst.message}"
    return "; ".join(warning.message for warning in day.reference.warnings()) if result.checkpoints else ""
