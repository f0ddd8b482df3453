"""Report a run: read back what is there, publish it, and decide the run's final state."""

from collections import Counter
from collections.abc import Sequence

from prefect import get_run_logger
from pydantic import BaseModel, ConfigDict

from tasks.backfill.gate import NOT_DONE
from tasks.backfill.plan import DayPlan
from tasks.backfill.report_row import ReportRow, report_row
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult
from tasks.backfill.survey import read_rows_there
from tasks.runtime import markdown
from tasks.runtime.artifacts import write_markdown, write_table
from tasks.runtime.run import Run
from tasks.runtime.steps import step
from tasks.text import percent

_WORKED_ON = ("built", "adopted")


class Report(BaseModel):
    """What came of a run. ``summary`` is one line."""

    model_config = ConfigDict(frozen=True)

    rows: tuple[ReportRow, ...]
    summary: str
    is_done: bool


@step("report", run_name="report")
def report_run(run: Run, request: BackfillRequest, plan: Sequence[DayPlan], results: Sequence[DayResult]) -> Report:
    """Compare every day that counts as done with the rows that are there, and publish the result as two artifacts.

    A day whose rows are not there is failed, whatever its checkpoint says.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
    """
    with run.warehouse("report") as warehouse:
        there = read_rows_there(warehouse, run.catalogue, request.tables, request.first_date, request.last_date)
    rows = tuple(report_row(day, result, there, request.tables[-1]) for day, result in zip(plan, results, strict=True))
    outcomes = Counter(row.outcome for row in rows)
    built = sum(row.work in _WORKED_ON for row in rows)
    problems = [row for row in rows if row.outcome in NOT_DONE]
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    first = f"; first: {problems[0].day} {problems[0].reason or problems[0].outcome}" if problems else ""
    completeness = _mean_completeness(results, request.tables[-1])
    summary = f"{len(rows)} days, {built} of them worked on: {said}{completeness}{first}"
    write_table("backfill-report", [row.model_dump(mode="json") for row in rows], description=summary)
    write_markdown("backfill-summary", _markdown(rows, summary, request), description=summary)
    for row in rows:
        if row.work not in _WORKED_ON:  # a day that was worked on has said it itself
            get_run_logger().info("%s", _line(row))
    return Report(rows=rows, summary=summary, is_done=not problems)


def _mean_completeness(results: Sequence[DayResult], table: str) -> str:
    """Say how complete the inputs of a table's rows are on the mean; nothing if no day says it."""
    done = [each for result in results for each in result.checkpoints if each.table_name == table]
    known = [(each.mean_completeness, each.row_count or 0) for each in done if each.mean_completeness is not None]
    rows = sum(count for _, count in known)
    return f"; mean completeness {percent(sum(mean * count for mean, count in known) / rows / 100)}" if rows else ""


def _line(row: ReportRow) -> str:
    """Say of a day on which nothing was done what it is, and on which numbers."""
    if row.work != "kept":
        return f"{row.day} {row.outcome}: {row.games} final games{f'; {row.reason}' if row.reason else ''}"
    missing = f", without {row.missing}" if row.missing else ""
    counts = f"{row.published} rows for {row.expected} expected ({row.coverage}){missing}"
    completeness = f", mean completeness {row.completeness}" if row.completeness else ""
    return f"{row.day} {row.outcome}, kept: {counts}{completeness}, from {row.source}"


def _markdown(rows: Sequence[ReportRow], summary: str, request: BackfillRequest) -> str:
    lines = [f"# Backfill {request.first_date} to {request.last_date}", "", markdown.text(summary), ""]
    lines += [f"Tables: {', '.join(request.tables)}. Force: {request.force}. Dry run: {request.dry_run}.", ""]
    notable = [row for row in rows if row.reason or row.outcome in NOT_DONE]
    if notable:
        cells = [(row.day, row.outcome, row.published, row.expected, row.completeness) for row in notable]
        lines += markdown.table(("day", "outcome", "published", "expected", "mean completeness"), cells)
        # a list, because Prefect's UI cuts off what is long in a table's cell
        lines += ["", *(f"- {row.day} {row.outcome}: {markdown.text(row.reason)}" for row in notable if row.reason)]
    return "\n".join([*lines, ""])
