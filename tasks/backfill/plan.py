"""The plan: for every day and table, what is there and what is to be done."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import (
    Checkpoint,
    Now,
    changed_inputs,
    depends_on_rows,
    is_as_tried,
    is_stale_by_look_back,
    staleness,
)
from tasks.backfill.day import Reference, SourceCounts, choose_source
from tasks.backfill.findings import Survey
from tasks.backfill.gate import Outcome
from tasks.backfill.replacement import Standing, standing
from tasks.backfill.request import BackfillRequest

State = Literal["none", "done", "stale", "forced", "waived", "blocked", "failed"]
Action = Literal["build", "adopt", "keep", "nothing"]


class TablePlan(BaseModel):
    """One table's part of a day."""

    model_config = ConfigDict(frozen=True)

    table: str
    action: Action
    state: State
    why: str
    source: str
    """What the day would be built from now."""
    source_reason: str
    source_counts: SourceCounts | None
    """What the preferred source holds now."""
    inputs: Mapping[str, str]
    code_version: str
    expected_digest: str | None = None
    """Of who is expected now; None if the table does not depend on it."""
    checkpoint: Checkpoint | None = None
    """Of the last attempt."""
    there: Standing | None = None
    """What is published already."""
    stale_by: Literal["", "its day", "look-back"] = ""
    """What has changed since it was published: anything, or only what lies before the day; empty if nothing has."""
    is_as_tried: bool = False
    """Whether the last attempt did not succeed, and was made on what would be read now, by the same code."""

    @property
    def needs_work(self) -> bool:
        """Whether there is anything to do: rows to build, or to validate."""
        return self.action in ("build", "adopt")


class DayPlan(BaseModel):
    """One day of the range."""

    model_config = ConfigDict(frozen=True)

    game_date: date
    season_start: date | None
    reference: Reference
    skipped: Outcome | None
    """The outcome of a day on which nothing is to be built."""
    tables: tuple[TablePlan, ...]
    absent_dependencies: tuple[str, ...] = ()
    """Tables that one of ``tables`` is built from, not done for this day and not part of this run."""
    stale_dependencies: dict[str, str] = {}
    """Those that are done, but stale, and why."""
    others: tuple[Checkpoint, ...] = ()
    """The last checkpoints of the other tables of a day that needs work."""
    bytes_to_read: int | None = None
    """What the day's queries would be billed for; None where reading is free, or there is no work."""

    @property
    def needs_work(self) -> bool:
        """Whether any table of the day is to be built or adopted."""
        return any(table.needs_work for table in self.tables)

    @property
    def looks_back_on_a_change(self) -> bool:
        """Whether the day needs work for nothing but what has changed before it."""
        return {table.stale_by for table in self.tables if table.needs_work} - {""} == {"look-back"}


class Plan(BaseModel):
    """What a run is going to do."""

    model_config = ConfigDict(frozen=True)

    days: tuple[DayPlan, ...]
    creates: tuple[str, ...] = ()
    """Tables that are missing, and that a dry run does not create."""
    bytes_billed: int | None = None
    """What the queries of the plan itself were billed for, and the copies of views; None where reading is free."""


def describe_work(days: Sequence[DayPlan]) -> str:
    """Say of how many days what is to be done, and how many of them only look back on what has changed."""
    work = [day for day in days if day.needs_work]
    looking_back = sum(day.looks_back_on_a_change for day in work)
    only = f", {looking_back} only because they look back on a day that has changed" if looking_back else ""
    return f"{len(days)} days, {len(work)} of them need work{only}"


def plan_days(survey: Survey, request: BackfillRequest) -> tuple[DayPlan, ...]:
    """Decide for every day and table what is to be done.

    Returns:
        Each day that was asked for, in order.
    """
    return tuple(_plan_day(survey, request, day) for day in request.days())


def doubtful(survey: Survey, request: BackfillRequest) -> dict[tuple[str, str], list[date]]:
    """Return the days that are stale or not by what their rows would be, by table and source.

    Something has changed before them, and nothing else: most of them do not look back on it.
    """
    found: dict[tuple[str, str], list[date]] = {}
    for day in request.days():
        for name, build in survey.builds.items() if survey.skipped(day) is None else ():
            published = survey.published(name, day)
            asked = request.context_source if name in request.tables else "auto"
            source, _ = choose_source(build, survey.counts(name, day), asked)
            if published is not None and depends_on_rows(published, survey.now(name, day, source)):
                found.setdefault((name, source), []).append(day)
    return found


def _plan_day(survey: Survey, request: BackfillRequest, day: date) -> DayPlan:
    skipped, tables = survey.skipped(day), list[TablePlan]()
    stale = _stale_dependencies(survey, request, day) if skipped is None else {}
    for name in request.tables:  # dependencies first
        renewed = {table.table: "is newer" for table in tables if table.needs_work}
        tables.append(_plan_table(survey, request, name, day, renewed | stale))
    depends_on = {each for name in request.tables for each in survey.builds[name].depends_on}
    at_work = [table.table for table in tables if table.needs_work]
    absent = [name for name in sorted(depends_on - set(request.tables)) if not survey.is_there(name, day)]
    return DayPlan(
        game_date=day,
        season_start=survey.season_start(day),
        reference=survey.reference(day),
        skipped=None if at_work else skipped,
        tables=tuple(tables),
        absent_dependencies=tuple(absent) if skipped is None else (),
        stale_dependencies=stale,
        others=survey.others(day, at_work) if at_work else (),
    )


def _stale_dependencies(survey: Survey, request: BackfillRequest, day: date) -> dict[str, str]:
    """Say of the tables that those of a run are built from, and that are not part of it, why they are stale."""
    stale: dict[str, str] = {}
    for name, build in survey.builds.items():  # dependencies first
        published = survey.published(name, day)
        if name in request.tables or published is None or not survey.is_there(name, day):
            continue
        source, _ = choose_source(build, survey.counts(name, day))
        reasons = [*staleness(published, survey.now(name, day, source)), *_newer(survey, name, day, stale)]
        if reasons:
            stale[name] = f"is stale: {'; '.join(reasons)}"
    return stale


def _plan_table(
    survey: Survey, request: BackfillRequest, name: str, day: date, renewed: Mapping[str, str]
) -> TablePlan:
    skipped, counts, history = survey.skipped(day), survey.counts(name, day), survey.histories.get((name, day))
    source, source_reason = choose_source(survey.builds[name], counts, request.context_source)
    now, last = survey.now(name, day, source), history.last if history else None
    state, why, action = table_state(last, now)
    if skipped == "no_games" and now.rows.count:
        state, why, action = "stale", f"the table holds {now.rows.count} rows, the schedule says no games", "build"
    elif skipped is not None:
        action, why = "nothing", skipped
    elif action == "keep" and not request.resume:
        action, why = "build", "every day is asked for again"
    elif action == "keep" and (reason := _why_not_kept(survey, request, name, day, renewed)):
        action, why = "build", reason
        state = state if state == "waived" else "stale"
    if action == "build" and skipped is None and _may_be_adopted(survey, request, name, day):
        action, why = "adopt", f"{why}, and {now.rows.count} rows that no run published; built if they do not pass"
    return TablePlan(
        table=name,
        action=action,
        state=state,
        why=why,
        source=source,
        source_reason=source_reason,
        source_counts=counts,
        inputs=now.inputs,
        code_version=now.code_version,
        expected_digest=now.expected_digest,
        checkpoint=last and last.for_report(),
        there=standing(survey.published(name, day), now.rows),
        stale_by=_stale_by(last, now),
        is_as_tried=last is not None and is_as_tried(last, now),
    )


def _stale_by(last: Checkpoint | None, now: Now) -> Literal["", "its day", "look-back"]:
    if last is None or not last.is_done or not staleness(last, now):
        return ""
    return "look-back" if is_stale_by_look_back(last, now) else "its day"


def _may_be_adopted(survey: Survey, request: BackfillRequest, name: str, day: date) -> bool:
    """Whether a day's rows are to be validated instead of built: they are there, and none were ever published."""
    return request.adopt and survey.published(name, day) is None and survey.rows_there(name, day).count > 0


def _why_not_kept(
    survey: Survey, request: BackfillRequest, name: str, day: date, renewed: Mapping[str, str]
) -> str | None:
    """Say why a table that is done, and of which nothing has changed, is built all the same; None if it is kept."""
    published, asked = survey.published(name, day), request.context_source
    if published is None:
        return "waived before, and force is asked for" if request.force else None
    if asked != "auto" and survey.builds[name].preferred and published.source != asked:
        return f"it was built from {published.source}, and {asked} is asked for"
    return next(_newer(survey, name, day, renewed), None)


def _newer(survey: Survey, name: str, day: date, renewed: Mapping[str, str]) -> Iterator[str]:
    """Say which of the tables that a table is built from are newer than it, or no longer what they should be.

    Args:
        survey: What is there.
        name: The table.
        day: The day.
        renewed: What is known of other tables of the day.
    """
    published = survey.published(name, day)
    for dependency in survey.builds[name].depends_on:
        other = survey.published(dependency, day)
        if dependency in renewed:
            yield f"{dependency} {renewed[dependency]}"
        elif published and other and other.recorded_at > published.recorded_at:
            yield f"{dependency} is newer"


def table_state(last: Checkpoint | None, now: Now) -> tuple[State, str, Action]:
    """Say what a table's last checkpoint of a day is worth now, why, and what is to be done."""
    if last is None:
        return "none", "no checkpoint", "build"
    if last.outcome in ("no_games", "skipped_bootstrap"):
        return "none", f"{last.outcome} before", "build"
    if last.outcome == "waived":
        changed = changed_inputs(last, now)
        return ("waived", "; ".join(changed), "build") if changed else ("waived", "waived before", "keep")
    if not last.is_done:
        state: State = "blocked" if last.outcome == "blocked" else "failed"
        return state, f"{state} before: {last.reason}", "build"
    stale = staleness(last, now)
    if stale:
        return "stale", "; ".join(stale), "build"
    if last.outcome == "forced":
        return "forced", "forced before", "keep"
    return "done", "done before", "keep"
