"""Do one day: check, build, gate, publish and record every table of it that needs work."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from prefect import Task, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.backfill.adopt import adopt_rows, adopted, not_adopted
from tasks.backfill.batch import Batch
from tasks.backfill.build import build_rows
from tasks.backfill.checkpoint import ADOPTED, Checkpoint
from tasks.backfill.coverage import check_coverage
from tasks.backfill.day import Reason, SourceCounts, choose_source
from tasks.backfill.decision import NO_REASON, Decision, decided, waiver
from tasks.backfill.gate import PUBLISHED, Outcome, StagedFacts, Verdict
from tasks.backfill.objections import objections_to
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
    result = DayResult(game_date=day.game_date, kept=kept(day), tried=work.do())
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


class _Day:
    """The tables of one day, in the order in which they need each other."""

    def __init__(self, run: Run, request: BackfillRequest, day: DayPlan, batch: Batch) -> None:
        self._run, self._request, self._day, self._batch = run, request, day, batch
        self._left = [table for table in day.tables if table.needs_work]
        self._started_at, self._is_recorded, self._written = datetime.now(UTC), run.dry_run, set[str]()
        self._reference, self._counts = day.reference, dict[str, SourceCounts]()
        self._tried: list[Checkpoint] = []
        self._retryable: set[str] = set()
        """The tables of which another attempt can succeed with the same inputs."""
        self._published: dict[str, str] = {}
        """The tables that were published, or would have been if this were no dry run."""

    def do(self) -> tuple[Checkpoint, ...]:
        """Check the day, then build or adopt every table that needs it, and record what came of them.

        What fails a table ends the task run in which it was tried; the others go on in another one.

        Returns:
            The checkpoint of each table, which this object no longer has: Prefect keeps it longer than the day lasts.
        """
        try:
            self._reference, self._counts = retrying(check_coverage)(
                self._run,
                self._day.game_date,
                self._day.season_start or self._day.game_date,
                [table.table for table in self._left],
                self._batch.checked.get(self._day.game_date),
            )
        except Exception as raised:  # noqa: BLE001 - a day's failure is its result, and stops no other day
            error = understand(raised)
            while self._left:
                self._end(self._failed(self._left[0], error))
        while self._left or not self._is_recorded:
            begun_with = len(self._left)
            try:
                retrying(self._step())(self._run, self._day.game_date, self)
            except Exception as raised:
                error = understand(raised)
                if isinstance(error, TransientError) and len(self._left) < begun_with:
                    continue  # others have used up its attempts
                if not self._left:  # the records could not be written
                    raise
                self._end(self._failed(self._left[0], error))
        tried, self._tried = tuple(self._tried), []
        return tried

    def go_on(self) -> None:
        """Do the tables that are left, one after the other, and record them; another attempt goes on where it failed.

        Raises:
            TransientError: Another attempt can succeed.
            WarehouseError: The warehouse refused.
        """
        while self._left:
            self._started_at = datetime.now(UTC)
            self._end(self._build(self._left[0]))
        if not self._is_recorded:
            record_checkpoints(
                self._run,
                self._day.game_date,
                self._tried,
                retryable=self._retryable,
                others=self._day.others,
                written=self._written,
            )
            self._is_recorded = True

    def _step(self) -> Task[[Run, date, "_Day"], None]:
        """Return the task that does what is left."""
        if not self._left:
            return record_day
        names = [table.table for table in self._left if table.action == "build"]
        falls_back = any(self._run.catalogue.build(name).is_fallback(self._source(name)[0]) for name in names)
        return synthesize_context if falls_back and not self._reference.blocks() else build_rows_of_day

    def _end(self, checkpoint: Checkpoint) -> None:
        self._tried.append(checkpoint)
        self._left.pop(0)
        self._batch.turns.decide(self._day.game_date, checkpoint.table_name)

    def _source(self, name: str) -> tuple[str, str]:
        return choose_source(self._run.catalogue.build(name), self._counts.get(name), self._request.context_source)

    def _build(self, table: TablePlan) -> Checkpoint:
        name, build, reference = table.table, self._run.catalogue.build(table.table), self._reference
        objections = objections_to(self._day, table, build, reference, tried=self._tried, published=self._published)
        counts = self._counts.get(name)
        stop = [reason for reason in objections if not (reason.overridable and self._request.force)]
        source, source_reason = self._source(name)
        if reason := why_another_source(build, source, table.there, table.why):
            source_reason = f"{source_reason}; {reason}"
        planned = table.model_copy(update={"source": source, "source_reason": source_reason, "source_counts": counts})
        if table.action == "adopt" and not objections and self._day.season_start is not None:
            planned, checkpoint = self._adopt(planned, self._day.season_start)
            if checkpoint is not None:
                return checkpoint
        if stop or self._day.season_start is None:
            return self._judged(planned, "blocked", stop or objections, None)
        verdict = build_rows(
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
            staged=self._batch.rows_of(name, self._day.game_date),
            turns=self._batch.turns,
            force=self._request.force,
            processed_at=self._started_at,
        )
        return self._passed(planned, verdict)

    def _adopt(self, table: TablePlan, season_start: date) -> tuple[TablePlan, Checkpoint | None]:
        """Adopt the rows that are there; without a checkpoint if they do not pass, and the table is to be built."""
        verdict, source = adopt_rows(
            self._run,
            table.table,
            self._day.game_date,
            season_start=season_start,
            is_after_break=self._reference.is_after_break,
        )
        if not verdict.publishes:
            return not_adopted(table, verdict), None
        return table, self._passed(adopted(table, source), verdict)

    def _passed(self, table: TablePlan, verdict: Verdict) -> Checkpoint:
        """Return the checkpoint of a verdict, with what the day's reference and its sources warn of."""
        outcome: Outcome = verdict.outcome
        build = self._run.catalogue.build(table.table)
        warnings = self._reference.warnings(build.warned_of)
        if table.source_counts is not None:
            warnings += table.source_counts.warnings(build)
        if warnings and outcome == "complete":
            outcome = "complete_with_warning"
        return self._judged(table, outcome, verdict.reasons, verdict, warnings)

    def _only_waits(self, name: str, reasons: Sequence[Reason]) -> bool:
        """Whether a table is blocked for nothing but others that failed of an error that may pass."""
        failed = {each.table_name for each in self._tried} - self._published.keys()
        return only_waits(reasons, failed & set(self._run.catalogue.build(name).depends_on), self._retryable)

    def _judged(
        self,
        table: TablePlan,
        outcome: Outcome,
        reasons: Sequence[Reason],
        verdict: Verdict | None,
        warnings: Sequence[Reason] = (),
    ) -> Checkpoint:
        facts = verdict.facts if verdict else None
        if outcome in PUBLISHED:
            self._published[table.table] = (facts.rows_digest if facts else None) or ""
        elif self._only_waits(table.table, reasons):
            self._retryable.add(table.table)
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
            started_at=self._started_at,
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

    def _failed(self, table: TablePlan, error: FullcourtError) -> Checkpoint:
        if isinstance(error, TransientError):
            self._retryable.add(table.table)
        return failure(self._run, self._day, table, type(error).__name__, str(error), self._started_at)


@step("build-rows", run_name="build {game_date}")
def build_rows_of_day(run: Run, game_date: date, work: _Day) -> None:  # noqa: ARG001 - they name the task run
    """Build, judge and publish the tables of a day that are left, and record them.

    Args:
        run: The current one.
        game_date: The day.
        work: What is to be done, and what is done of it.

    Raises:
        TransientError: Another attempt can succeed; the task is retried, and goes on where it failed.
        WarehouseError: The warehouse refused.
    """
    work.go_on()


synthesize_context = build_rows_of_day.with_options(name="synthesize-context", task_run_name="synthesize {game_date}")
"""The same, where the fallback stands in: the name shows in the UI that the preferred source was not enough."""
record_day = build_rows_of_day.with_options(name="record-checkpoints", task_run_name="record {game_date}")
"""The same, where nothing is left but to record what has failed."""


def _counts(facts: StagedFacts) -> str:
    missing = f", without {first_of(facts.missing)}" if facts.missing else ""
    return f"{facts.covered} of {facts.expected} ({percent(facts.coverage)}){missing}"
