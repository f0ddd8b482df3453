"""Do one day: check, build, gate, publish and record every table of it that needs work."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.backfill.adopt import adopt_rows, adopted, not_adopted
from tasks.backfill.batch import Batch
from tasks.backfill.build import build_rows, synthesize_context
from tasks.backfill.checkpoint import ADOPTED, Checkpoint
from tasks.backfill.coverage import check_coverage
from tasks.backfill.day import Reason, Reference, SourceCounts, choose_source
from tasks.backfill.decision import NO_REASON, Decision, decided, waiver
from tasks.backfill.gate import PUBLISHED, Outcome, StagedFacts, Verdict
from tasks.backfill.plan import DayPlan, TablePlan
from tasks.backfill.records import record_checkpoints
from tasks.backfill.replacement import why_another_source
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult, only_waits
from tasks.errors import FullcourtError, TransientError
from tasks.runtime.boundary import understand
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.text import first_of, percent


@step("backfill-date", run_name="{day.game_date}")
def backfill_date(run: Run, request: BackfillRequest, day: DayPlan, batch: Batch) -> State[DayResult]:
    """Do one day; what goes wrong with it is its result and its checkpoint, and stops no other day.

    Args:
        run: The current one.
        request: What was asked.
        day: What is to be done.
        batch: What is known, and built, already.

    Returns:
        A Completed state if every table of the day is done, otherwise a Failed one; either holds the DayResult.

    Raises:
        FullcourtError: The checkpoints themselves could not be written.
    """
    logger = get_run_logger()
    work = _Day(run, request, day, batch)
    work.build()
    result = DayResult(game_date=day.game_date, kept=kept(day), tried=tuple(work.tried))
    if result.tried and not run.dry_run:
        retrying(record_checkpoints)(run, day.game_date, result.tried, work.retryable)
    line = "; ".join(f"{each.table_name} {each.outcome}: {each.message}" for each in result.checkpoints)
    if result.is_done:
        logger.info("%s %s. %s", day.game_date, result.outcome, line)
        return Completed(message=result.summary, data=result.for_report())
    logger.error("%s %s. %s", day.game_date, result.outcome, line)
    return Failed(message=result.summary, data=result.for_report())


def kept(day: DayPlan) -> tuple[Checkpoint, ...]:
    """Return the checkpoints of the tables on which there is nothing to do."""
    return tuple(table.checkpoint for table in day.tables if not table.needs_work and table.checkpoint is not None)


def failure(run: Run, day: DayPlan, table: TablePlan, reason: str, message: str, started_at: datetime) -> Checkpoint:
    """Return the checkpoint of a table that an error has kept from being built."""
    return Checkpoint(
        table_name=table.table,
        game_date=day.game_date,
        run_id=run.id,
        attempt=run.attempt,
        outcome="failed",
        reason=reason,
        message=message,
        inputs=dict(table.inputs),
        code_version=table.code_version,
        started_at=started_at,
        recorded_at=datetime.now(UTC),
    )


_SCHEDULE_MISSING = Reason(
    category="schedule_missing",
    message="no schedule speaks of this day; load the schedule of its season, or leave the day out",
    overridable=True,
)


class _Day:
    """The tables of one day, in the order in which they need each other."""

    def __init__(self, run: Run, request: BackfillRequest, day: DayPlan, batch: Batch) -> None:
        self._run, self._request, self._day, self._batch = run, request, day, batch
        self.tried: list[Checkpoint] = []
        self.retryable: set[str] = set()
        """The tables of which another attempt can succeed with the same inputs."""
        self._published: dict[str, str] = {}
        """The tables that were published, or would have been if this were no dry run."""

    def build(self) -> None:
        """Build or adopt every table that needs it."""
        todo = [table for table in self._day.tables if table.needs_work]
        started_at = datetime.now(UTC)
        try:
            reference, counts = retrying(check_coverage)(
                self._run,
                self._day.game_date,
                self._day.season_start or self._day.game_date,
                [table.table for table in todo],
                self._batch.checked.get(self._day.game_date),
            )
        except Exception as raised:  # noqa: BLE001 - a day's failure is its result, and stops no other day
            error = understand(raised)
            self.tried += [self._failed(table, error, started_at) for table in todo]
            return
        for table in todo:
            self.tried.append(self._build(table, reference, counts))
            self._batch.turns.decide(self._day.game_date, table.table)

    def _build(self, table: TablePlan, reference: Reference, counts: Mapping[str, SourceCounts]) -> Checkpoint:
        started_at, name, catalogue = datetime.now(UTC), table.table, self._run.catalogue
        objections = self._objections(table, reference)
        stop = [reason for reason in objections if not (reason.overridable and self._request.force)]
        build = catalogue.build(name)
        source, source_reason = choose_source(build, counts.get(name), self._request.context_source)
        if reason := why_another_source(build, source, table.there, table.why):
            source_reason = f"{source_reason}; {reason}"
        planned = table.model_copy(
            update={"source": source, "source_reason": source_reason, "source_counts": counts.get(name)}
        )
        if table.action == "adopt" and not objections and self._day.season_start is not None:
            planned, checkpoint = self._adopt(planned, reference, self._day.season_start, started_at)
            if checkpoint is not None:
                return checkpoint
        if stop or self._day.season_start is None:
            return self._judged(planned, started_at, "blocked", stop or objections, None)
        step = synthesize_context if build.is_fallback(source) else build_rows
        try:
            verdict: Verdict = retrying(step)(
                self._run,
                name,
                self._day.game_date,
                season_start=self._day.season_start,
                source=source,
                has_holes=reference.has_holes,
                is_after_break=reference.is_after_break,
                objections=objections,
                dependencies={each: self._published.get(each, table.inputs.get(each, "")) for each in build.depends_on},
                there=table.there,
                staged=self._batch.staged.get(name),
                turns=self._batch.turns,
                force=self._request.force,
                processed_at=started_at,
            )
        except Exception as raised:  # noqa: BLE001
            return self._failed(table, understand(raised), started_at)
        return self._passed(planned, started_at, verdict, reference)

    def _adopt(
        self, table: TablePlan, reference: Reference, season_start: date, started_at: datetime
    ) -> tuple[TablePlan, Checkpoint | None]:
        """Adopt the rows that are there; without a checkpoint if they do not pass, and the table is to be built."""
        try:
            verdict, source = retrying(adopt_rows)(
                self._run,
                table.table,
                self._day.game_date,
                season_start=season_start,
                is_after_break=reference.is_after_break,
            )
        except Exception as raised:  # noqa: BLE001
            return table, self._failed(table, understand(raised), started_at)
        if not verdict.publishes:
            return not_adopted(table, verdict), None
        return table, self._passed(adopted(table, source), started_at, verdict, reference)

    def _passed(self, table: TablePlan, started_at: datetime, verdict: Verdict, reference: Reference) -> Checkpoint:
        """Return the checkpoint of a verdict, with what the day's reference and its sources warn of."""
        outcome: Outcome = verdict.outcome
        build = self._run.catalogue.build(table.table)
        warnings = reference.warnings(build.warned_of)
        if table.source_counts is not None:
            warnings += table.source_counts.warnings(build)
        if warnings and outcome == "complete":
            outcome = "complete_with_warning"
        return self._judged(table, started_at, outcome, verdict.reasons, verdict, warnings)

    def _objections(self, table: TablePlan, reference: Reference) -> tuple[Reason, ...]:
        if not reference.is_scheduled and not reference.has_games:
            return (_SCHEDULE_MISSING,)
        if not reference.has_games:
            message = f"{table.why}; remove the rows, or correct the schedule"
            return (Reason(category="rows_without_games", message=message),)
        missing = () if reference.is_scheduled else (_SCHEDULE_MISSING,)
        return (*missing, *reference.blocks(), *self._dependencies(table.table))

    def _dependencies(self, name: str) -> tuple[Reason, ...]:
        reasons, tried = [], {checkpoint.table_name: checkpoint for checkpoint in self.tried}
        waived = {each.table for each in self._day.tables if each.state == "waived" and each.action == "keep"}
        waived |= {name for name, checkpoint in tried.items() if checkpoint.outcome == "waived"}
        for dependency in self._run.catalogue.build(name).depends_on:
            if dependency in waived:
                message = f"{dependency} of the day is waived; see its own checkpoint"
                reasons.append(Reason(category="dependency_waived", message=message, overridable=True))
            elif dependency in tried and dependency not in self._published:
                message = f"{dependency} of the day is {tried[dependency].outcome}; see its own checkpoint"
                reasons.append(Reason(category="dependency_blocked", message=message, overridable=True))
            elif dependency in self._day.absent_dependencies:
                message = f"{dependency} of the day is not there; add it to tables"
                reasons.append(Reason(category="dependency_missing", message=message, overridable=True))
            elif dependency in self._day.stale_dependencies:
                message = f"{dependency} of the day {self._day.stale_dependencies[dependency]}; add it to tables"
                reasons.append(Reason(category="dependency_stale", message=message, overridable=True))
        return tuple(reasons)

    def _only_waits(self, name: str, reasons: Sequence[Reason]) -> bool:
        """Whether a table is blocked for nothing but others that failed of an error that may pass."""
        failed = {each.table_name for each in self.tried} - self._published.keys()
        return only_waits(reasons, failed & set(self._run.catalogue.build(name).depends_on), self.retryable)

    def _judged(
        self,
        table: TablePlan,
        started_at: datetime,
        outcome: Outcome,
        reasons: Sequence[Reason],
        verdict: Verdict | None,
        warnings: Sequence[Reason] = (),
    ) -> Checkpoint:
        facts = verdict.facts if verdict else None
        if outcome in PUBLISHED:
            self._published[table.table] = (facts.rows_digest if facts else None) or ""
        elif self._only_waits(table.table, reasons):
            self.retryable.add(table.table)
        decision = self._decision(table, outcome, reasons)
        outcome = "waived" if decision and outcome == "blocked" else outcome
        parts = [_counts(facts)] if facts else []
        parts += [str(each) for each in (*reasons, *warnings)]
        if decision:
            parts.append(decided(outcome, reasons, decision))
        is_adopted = table.source_reason == ADOPTED
        parts.append(ADOPTED if is_adopted else f"from {table.source}: {table.source_reason}")
        if table.there and outcome not in PUBLISHED:
            parts.append(f"{table.there} stays")
        elif table.action == "adopt" and outcome not in PUBLISHED:
            parts.append("the rows that are there stay")
        return Checkpoint(
            table_name=table.table,
            game_date=self._day.game_date,
            run_id=self._run.id,
            attempt=self._run.attempt,
            outcome="dry_run" if self._run.dry_run and outcome in PUBLISHED else outcome,
            reason=next((each.category for each in (*reasons, *warnings)), None),
            message="; ".join(parts),
            source=table.source,
            source_reason=table.source_reason,
            source_missing=table.source_counts.missing if table.source_counts else (),
            expected=facts.expected if facts else None,
            covered=facts.covered if facts else None,
            coverage=facts.coverage if facts else None,
            look_back_coverage=facts.known_look_back_coverage if facts else None,
            missing=facts.missing if facts else (),
            mean_completeness=facts.mean_completeness if facts else None,
            expected_digest=table.expected_digest,
            row_count=verdict.published_rows if verdict else 0,
            rows_digest=facts.rows_digest if facts and outcome in PUBLISHED else None,
            decision_reason=decision.reason if decision else None,
            decided_by=decision.by if decision else None,
            inputs={name: self._published.get(name, digest) for name, digest in table.inputs.items()},
            code_version=table.code_version,
            started_at=started_at,
            recorded_at=datetime.now(UTC),
        )

    def _decision(self, table: TablePlan, outcome: Outcome, reasons: Sequence[Reason]) -> Decision | None:
        """Return by whose decision a day is published or waived that would be blocked; None if by nobody's."""
        request, by = self._request, self._run.started_by
        if outcome == "forced":
            return Decision(request.force_reason or NO_REASON, by)
        if outcome != "blocked":
            return None
        asked = Decision(request.waive_reason, by) if request.waive_reason else None
        return waiver(reasons, asked=asked, last=table.checkpoint, there=table.there)

    def _failed(self, table: TablePlan, error: FullcourtError, started_at: datetime) -> Checkpoint:
        if isinstance(error, TransientError):
            self.retryable.add(table.table)
        return failure(self._run, self._day, table, type(error).__name__, str(error), started_at)


def _counts(facts: StagedFacts) -> str:
    missing = f", without {first_of(facts.missing)}" if facts.missing else ""
    return f"{facts.covered} of {facts.expected} ({percent(facts.coverage)}){missing}"
