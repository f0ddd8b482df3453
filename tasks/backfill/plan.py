"""The plan: for every day and table, what is there and what is to be done."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.backfill.checkpoint import Checkpoint, History, Rows, TableDay, staleness
from tasks.backfill.day import Reference, SourceCounts, choose_source, is_bootstrap
from tasks.backfill.gate import Outcome
from tasks.backfill.replacement import Standing, standing
from tasks.backfill.request import BackfillRequest
from tasks.tables.spec import Build

State = Literal["none", "done", "stale", "forced", "blocked", "failed"]
Action = Literal["build", "keep", "nothing"]
DayDigest = tuple[date, str]


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
    inputs: dict[str, str]
    code_version: str
    expected_digest: str | None = None
    """Of who is expected now; None if the table does not depend on it."""
    checkpoint: Checkpoint | None = None
    """Of the last attempt."""
    there: Standing | None = None
    """What is published already."""


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
    bytes_to_read: int | None = None
    """What the day's queries would be billed for; None where reading is free, or there is no work."""

    @property
    def needs_work(self) -> bool:
        """Whether any table of the day is to be built."""
        return any(table.action == "build" for table in self.tables)


class Plan(BaseModel):
    """What a run is going to do."""

    model_config = ConfigDict(frozen=True)

    days: tuple[DayPlan, ...]
    creates: tuple[str, ...] = ()
    """Tables that are missing, and that a dry run does not create."""
    bytes_billed: int | None = None
    """What the queries of the plan itself were billed for; None where reading is free."""


@dataclass(frozen=True)
class Survey:
    """All that a plan is decided on, as it is now."""

    builds: Mapping[str, Build]
    """Of the tables asked for and of all that they depend on."""
    code_versions: Mapping[str, str]
    bootstrap_days: int
    references: Mapping[date, Reference]
    """Of the days that have a game."""
    season_starts: Mapping[int, date]
    source_counts: Mapping[str, Mapping[date, SourceCounts]]
    """By table: what its preferred source holds of each day of which it has rows, or should have."""
    digests: Mapping[str, Sequence[DayDigest]]
    """By input: a digest of each day's content, in order."""
    expected_digests: Mapping[date, str]
    """A digest of who is expected on each day; of the days that expect anybody."""
    rows: Mapping[TableDay, Rows]
    """The rows of derived tables."""
    histories: Mapping[TableDay, History]
    """Of the days that are not skipped."""

    def reference(self, day: date) -> Reference:
        """Return the day's games."""
        return self.references.get(day) or Reference(game_date=day)

    def season_start(self, day: date) -> date | None:
        """Return the first day of the day's season; None if it is in none."""
        year = self.reference(day).season_year
        return self.season_starts.get(year) if year is not None else None

    def skipped(self, day: date) -> Outcome | None:
        """Return the outcome of a day on which nothing is ever built."""
        if not self.reference(day).has_games:
            return "no_games"
        if is_bootstrap(day, self.season_start(day), self.bootstrap_days):
            return "skipped_bootstrap"
        return None

    def counts(self, table: str, day: date) -> SourceCounts | None:
        """Return what a table's preferred source holds of a day; None if it has no such source."""
        preferred = self.builds[table].preferred
        if preferred is None:
            return None
        found = self.source_counts[table].get(day)
        return found or SourceCounts(source=preferred.name, expected=self.reference(day).expected_players)

    def inputs(self, table: str, day: date, source: str) -> dict[str, str]:
        """Return a digest of each input that a day's rows would be built from, by name."""
        build, start = self.builds[table], self.season_start(day)
        found = {}
        for needed in build.inputs:
            since = day if needed.window == "day" else start or date.min
            until_day_itself = needed.window != "season_before"
            found[needed.table] = input_digest(
                [
                    (at, digest)
                    for at, digest in self.digests[needed.table]
                    if since <= at < day or (at == day and until_day_itself)
                ]
            )
        for each in build.sources:
            if each.table and each.name == source:
                days = [(at, digest) for at, digest in self.digests[each.table] if at == day]
                found[f"source {each.name}"] = input_digest(days)
        return found

    def expected_digest(self, table: str, day: date) -> str | None:
        """Return a digest of who is expected on a day; None if the table reads nothing of the day itself."""
        reads_the_day = any(needed.window != "season_before" for needed in self.builds[table].inputs)
        return self.expected_digests.get(day, "") if reads_the_day else None

    def rows_there(self, table: str, day: date) -> Rows:
        """Return the rows that a table holds for a day."""
        return self.rows.get((table, day)) or Rows()

    def published(self, table: str, day: date) -> Checkpoint | None:
        """Return the last checkpoint that published a day of a table, whatever was tried after it."""
        history = self.histories.get((table, day))
        return history.published if history else None

    def is_there(self, table: str, day: date) -> bool:
        """Tell whether a day of a table was published, and its rows are the ones that were."""
        published = self.published(table, day)
        return published is not None and published.has_published(self.rows_there(table, day))


def plan_days(survey: Survey, request: BackfillRequest) -> tuple[DayPlan, ...]:
    """Decide for every day and table what is to be done.

    Returns:
        Each day that was asked for, in order.
    """
    return tuple(_plan_day(survey, request, day) for day in request.days())


def _plan_day(survey: Survey, request: BackfillRequest, day: date) -> DayPlan:
    skipped, tables = survey.skipped(day), list[TablePlan]()
    for name in request.tables:  # dependencies first
        rebuilt = {table.table for table in tables if table.action == "build"}
        tables.append(_plan_table(survey, request, name, day, rebuilt))
    depends_on = {each for name in request.tables for each in survey.builds[name].depends_on}
    absent = [name for name in sorted(depends_on - set(request.tables)) if not survey.is_there(name, day)]
    return DayPlan(
        game_date=day,
        season_start=survey.season_start(day),
        reference=survey.reference(day),
        skipped=None if any(table.action == "build" for table in tables) else skipped,
        tables=tuple(tables),
        absent_dependencies=tuple(absent) if skipped is None else (),
    )


def _plan_table(survey: Survey, request: BackfillRequest, name: str, day: date, rebuilt: Collection[str]) -> TablePlan:
    skipped, history, counts = survey.skipped(day), survey.histories.get((name, day)), survey.counts(name, day)
    rows_there, code_version = survey.rows_there(name, day), survey.code_versions[name]
    checkpoint, expected_digest = history.last if history else None, survey.expected_digest(name, day)
    source, source_reason = choose_source(survey.builds[name], counts, request.context_source)
    inputs = survey.inputs(name, day, source) if skipped is None else {}
    state, why, action = table_state(
        checkpoint,
        inputs=inputs,
        code_version=code_version,
        rows_there=rows_there,
        source=source,
        expected_digest=expected_digest,
    )
    newer = next(_newer_dependencies(survey, name, day, rebuilt), None)
    if skipped == "no_games" and rows_there.count:
        state, why, action = "stale", f"the table holds {rows_there.count} rows, the schedule says no games", "build"
    elif skipped is not None:
        action, why = "nothing", skipped
    elif action == "keep" and not request.resume:
        action, why = "build", "every day is asked for again"
    elif action == "keep" and newer:
        state, why, action = "stale", f"{newer} is newer", "build"
    return TablePlan(
        table=name,
        action=action,
        state=state,
        why=why,
        source=source,
        source_reason=source_reason,
        source_counts=counts,
        inputs=inputs,
        code_version=code_version,
        expected_digest=expected_digest,
        checkpoint=checkpoint and checkpoint.for_report(),
        there=standing(survey.published(name, day), rows_there),
    )


def _newer_dependencies(survey: Survey, name: str, day: date, rebuilt: Collection[str]) -> Iterator[str]:
    """Yield the tables that a table is built from, if this run builds them again, or they were since it was built."""
    checkpoint = survey.published(name, day)
    for dependency in survey.builds[name].depends_on:
        other = survey.published(dependency, day)
        if dependency in rebuilt or (checkpoint and other and other.recorded_at > checkpoint.recorded_at):
            yield dependency


def input_digest(days: Sequence[DayDigest]) -> str:
    """Join the digests of the days that an input's window covers; order matters, gaps do not."""
    digest = sha256()
    for day, content in days:
        digest.update(f"{day.isoformat()}:{content};".encode())
    return digest.hexdigest()[:16]


def table_state(
    checkpoint: Checkpoint | None,
    *,
    inputs: Mapping[str, str],
    code_version: str,
    rows_there: Rows,
    source: str,
    expected_digest: str | None,
) -> tuple[State, str, Action]:
    """Say what a table's last checkpoint of a day is worth now, why, and what is to be done.

    Args:
        checkpoint: The last one.
        inputs: Digest of every input as it is now.
        code_version: That of the table now.
        rows_there: Rows that the table holds for the day now.
        source: The source that would be taken now.
        expected_digest: Digest of who is expected now.
    """
    if checkpoint is None:
        return "none", "no checkpoint", "build"
    if checkpoint.outcome == "blocked":
        return "blocked", f"blocked before: {checkpoint.reason}", "build"
    if not checkpoint.is_done:
        return "failed", f"failed before: {checkpoint.reason}", "build"
    stale = staleness(
        checkpoint,
        inputs=inputs,
        code_version=code_version,
        rows_there=rows_there,
        source=source,
        expected_digest=expected_digest,
    )
    if stale:
        return "stale", "; ".join(stale), "build"
    if checkpoint.outcome == "forced":
        return "forced", "forced before", "keep"
    return "done", "done before", "keep"
