"""Report a run: read back what is there, publish it, and decide the run's final state."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from prefect import get_run_logger
from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.gate import NOT_DONE, Outcome
from tasks.backfill.plan import DayPlan
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult
from tasks.runtime import markdown
from tasks.runtime.artifacts import write_markdown, write_table
from tasks.runtime.origin import current_origin
from tasks.runtime.steps import step
from tasks.settings import Settings
from tasks.tables import queries
from tasks.tables.catalogue import load_catalogue
from tasks.text import some
from tasks.warehouse.dry_run import open_for_run

Place = tuple[str, date]


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
    outcome: Outcome
    work: str
    missing: str
    reason: str


class Report(BaseModel):
    """What came of a run. ``summary`` is one line."""

    model_config = ConfigDict(frozen=True)

    rows: tuple[ReportRow, ...]
    summary: str
    is_done: bool


@step("report", run_name="report")
def report_run(
    settings: Settings, request: BackfillRequest, plan: Sequence[DayPlan], results: Sequence[DayResult]
) -> Report:
    """Compare every day that counts as done with the rows that are there, and publish the result as two artifacts.

    A day whose rows are not there is failed, whatever its checkpoint says.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    there = _read_back(settings, request)
    rows = tuple(_row(day, result, there, request) for day, result in zip(plan, results, strict=True))
    counts = Counter(row.outcome for row in rows)
    built = sum(any(table.is_new for table in result.tables) for result in results)
    problems = [row for row in rows if row.outcome in NOT_DONE]
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    first = f"; first: {problems[0].day} {problems[0].reason or problems[0].outcome}" if problems else ""
    summary = f"{len(rows)} days, {built} of them worked on: {said}{first}"
    write_table("backfill-report", [row.model_dump(mode="json") for row in rows], description=summary)
    write_markdown("backfill-summary", _markdown(rows, summary, request), description=summary)
    for row in rows:
        if row.work != "built":  # a day that was worked on has said it itself
            get_run_logger().info("%s", _line(row))
    return Report(rows=rows, summary=summary, is_done=not problems)


def _line(row: ReportRow) -> str:
    """Say of a day on which nothing was done what it is, and on which numbers."""
    if row.work != "kept":
        return f"{row.day} {row.outcome}: {row.games} final games{f'; {row.reason}' if row.reason else ''}"
    missing = f", without {row.missing}" if row.missing else ""
    counts = f"{row.published} rows for {row.expected} expected ({row.coverage}){missing}"
    return f"{row.day} {row.outcome}, kept: {counts}, from {row.source}"


def _read_back(settings: Settings, request: BackfillRequest) -> dict[Place, int]:
    catalogue = load_catalogue(settings)
    sql = queries.row_counts([catalogue.table(name) for name in request.tables])
    with open_for_run(settings, current_origin("report"), dry_run=request.dry_run) as warehouse:
        found = warehouse.fetch(sql, {"from_date": request.first_date, "game_date": request.last_date})
    return {(row["table_name"], row["game_date"]): row["row_count"] for row in found}


def _row(day: DayPlan, result: DayResult, there: dict[Place, int], request: BackfillRequest) -> ReportRow:
    main = request.tables[-1]
    checkpoint = next((t.checkpoint for t in result.tables if t.checkpoint.table_name == main), None)
    coverage = next((t.coverage for t in day.tables if t.table == main), None)
    wrong = [
        f"{c.table_name} holds {there.get((c.table_name, c.game_date), 0)} rows, {c.row_count} were published"
        for c in (table.checkpoint for table in result.tables)
        if c.is_done and there.get((c.table_name, c.game_date), 0) != c.row_count
    ]
    played = day.reference.has_games
    return ReportRow(
        day=day.game_date,
        games=day.reference.final_games,
        expected=_expected(checkpoint, day) if played else None,
        upcoming=coverage.players if coverage else None,
        source=(checkpoint.source or "") if checkpoint else "",
        published=there.get((main, day.game_date), 0) if played else None,
        coverage=checkpoint.share if checkpoint else "",
        outcome="failed" if wrong else result.outcome,
        work="built" if any(table.is_new for table in result.tables) else "kept" if result.tables else "",
        missing=some(checkpoint.missing, limit=5) if checkpoint else "",
        reason=" ".join(("; ".join(wrong) or _reason(result, day)).split()),  # a driver's message may have lines
    )


def _expected(checkpoint: Checkpoint | None, day: DayPlan) -> int:
    if checkpoint is not None and checkpoint.expected is not None:
        return checkpoint.expected
    return day.reference.expected_players


def _reason(result: DayResult, day: DayPlan) -> str:
    if result.outcome == "not_tried":
        return "not tried: the days before it failed of one cause; mend it, then run the range again"
    worst = [t.checkpoint for t in result.tables if t.checkpoint.outcome == result.outcome and t.checkpoint.reason]
    if worst:
        return f"{worst[0].table_name}: {worst[0].message}"
    return "; ".join(warning.message for warning in day.reference.warnings())


def _markdown(rows: Sequence[ReportRow], summary: str, request: BackfillRequest) -> str:
    lines = [f"# Backfill {request.first_date} to {request.last_date}", "", markdown.text(summary), ""]
    lines += [f"Tables: {', '.join(request.tables)}. Force: {request.force}. Dry run: {request.dry_run}.", ""]
    notable = [row for row in rows if row.reason or row.outcome in NOT_DONE]
    if notable:
        cells = [(row.day, row.outcome, row.published, row.expected, row.reason) for row in notable]
        lines += markdown.table(("day", "outcome", "published", "expected", "why"), cells)
    return "\n".join([*lines, ""])
