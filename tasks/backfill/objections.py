"""What stands against a table of a day before any row of it is built."""

from collections.abc import Collection, Iterator

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.day import Reason, Reference
from tasks.backfill.plan import DayPlan, TablePlan
from tasks.tables.spec import Build

_SCHEDULE_MISSING = Reason(
    category="schedule_missing",
    message="no schedule speaks of this day; load the schedule of its season, or leave the day out",
    overridable=True,
)


def objections_to(
    day: DayPlan,
    table: TablePlan,
    build: Build,
    reference: Reference,
    *,
    tried: Collection[Checkpoint],
    published: Collection[str],
) -> tuple[Reason, ...]:
    """Return why no rows are to be built; empty if nothing is against it.

    Args:
        day: What was planned.
        table: The table's part of it.
        build: How the table is built.
        reference: The day's games.
        tried: What has come of other tables of the day.
        published: Those of them that were published.
    """
    if not reference.is_scheduled and not reference.has_games:
        return (_SCHEDULE_MISSING,)
    if not reference.has_games:
        message = f"{table.why}; remove the rows, or correct the schedule"
        return (Reason(category="rows_without_games", message=message),)
    missing = () if reference.is_scheduled else (_SCHEDULE_MISSING,)
    return (*missing, *reference.blocks(), *_dependencies(day, build, tried, published))


def _dependencies(
    day: DayPlan, build: Build, tried: Collection[Checkpoint], published: Collection[str]
) -> Iterator[Reason]:
    """Yield which of the tables that a table is built from are not as they should be."""
    outcomes = {checkpoint.table_name: checkpoint.outcome for checkpoint in tried}
    waived = {each.table for each in day.tables if each.state == "waived" and each.action == "keep"}
    waived |= {name for name, outcome in outcomes.items() if outcome == "waived"}
    for dependency in build.depends_on:
        if dependency in waived:
            yield _about(dependency, "of the day is waived; see its own checkpoint", category="dependency_waived")
        elif dependency in outcomes and dependency not in published:
            said = f"of the day is {outcomes[dependency]}; see its own checkpoint"
            yield _about(dependency, said, category="dependency_blocked")
        elif dependency in day.absent_dependencies:
            yield _about(dependency, "of the day is not there; add it to tables", category="dependency_missing")
        elif dependency in day.stale_dependencies:
            said = f"of the day {day.stale_dependencies[dependency]}; add it to tables"
            yield _about(dependency, said, category="dependency_stale")


def _about(dependency: str, said: str, *, category: str) -> Reason:
    return Reason(category=category, message=f"{dependency} {said}", overridable=True)
