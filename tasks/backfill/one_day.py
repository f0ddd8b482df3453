"""Do one day: check, build, gate, publish and record every table of it that needs work."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict

from tasks.backfill.build import BuildOrder, Built, build_rows, synthesize_context
from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.coverage import DayCheck, check_coverage
from tasks.backfill.day import ContextSource, Reason, SourceCoverage, SourceDecision, choose_source
from tasks.backfill.gate import PUBLISHED, Outcome
from tasks.backfill.plan import DayPlan, TablePlan
from tasks.backfill.records import record_checkpoints
from tasks.backfill.result import DayResult, TableResult
from tasks.errors import FullcourtError, TransientError
from tasks.runtime.boundary import understand
from tasks.runtime.steps import retrying, step
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.text import percent, some


class DayOptions(BaseModel):
    """What of a request holds for every day."""

    model_config = ConfigDict(frozen=True)

    as_of: date
    run_id: str
    attempt: int
    force: bool
    dry_run: bool
    context_source: ContextSource


@step("backfill-date", run_name="{day.game_date}")
def backfill_date(settings: Settings, options: DayOptions, day: DayPlan) -> State[DayResult]:
    """Do one day; what goes wrong with it is its result and its checkpoint, and stops no other day.

    Returns:
        A Completed state if every table of the day is done, otherwise a Failed one; either holds the DayResult.

    Raises:
        FullcourtError: The checkpoints themselves could not be written.
    """
    logger = get_run_logger()
    results = _Day(settings, options, day).run()
    result = DayResult(game_date=day.game_date, settled=day.settled, tables=tuple(results)).brief()
    fresh = [table for table in results if table.is_new]
    if fresh and not options.dry_run:
        retrying(record_checkpoints)(settings, day.game_date, fresh)
    line = "; ".join(f"{t.checkpoint.table_name} {t.checkpoint.outcome}: {t.checkpoint.message}" for t in results)
    if result.is_done:
        logger.info("%s %s. %s", day.game_date, result.outcome, line)
        return Completed(message=result.summary, data=result)
    logger.error("%s %s. %s", day.game_date, result.outcome, line)
    return Failed(message=result.summary, data=result)


class _Day:
    """The tables of one day, in the order in which they need each other."""

    def __init__(self, settings: Settings, options: DayOptions, day: DayPlan) -> None:
        self._settings, self._options, self._day = settings, options, day
        self._catalogue = load_catalogue(settings)
        self._results: dict[str, TableResult] = {}

    def run(self) -> list[TableResult]:
        todo = [table.table for table in self._day.tables if table.action == "build"]
        started_at = datetime.now(UTC)
        try:
            check = retrying(check_coverage)(self._settings, self._day.game_date, todo, self._options.as_of)
        except Exception as raised:  # noqa: BLE001 - a day's failure is its result, and stops no other day
            error = understand(raised)
            failed = [self._failed(table, error, started_at) for table in self._day.tables if table.table in todo]
            return [*self._kept(), *failed]
        for table in self._day.tables:
            if table.action == "build":
                self._results[table.table] = self._build(table, check)
        return [*self._kept(), *self._results.values()]

    def _kept(self) -> list[TableResult]:
        return [
            TableResult(checkpoint=table.checkpoint, is_new=False)
            for table in self._day.tables
            if table.action != "build" and table.checkpoint is not None
        ]

    def _build(self, table: TablePlan, check: DayCheck) -> TableResult:
        started_at, coverage = datetime.now(UTC), check.coverage.get(table.table)
        objections = (*check.reference.blocks(), *self._dependencies(table.table))
        if not check.reference.has_games:
            message = f"{table.why}; remove the rows, or correct the schedule"
            objections = (Reason(category="rows_without_games", message=message),)
        stop = [reason for reason in objections if not (reason.overridable and self._options.force)]
        decision = choose_source(self._catalogue.build(table.table), coverage, self._options.context_source)
        judged = partial(self._judged, table, decision, coverage, started_at)
        if stop or self._day.season_start is None:
            return judged("blocked", tuple(stop) or objections, None)
        order = BuildOrder(
            table=table.table,
            game_date=self._day.game_date,
            season_start=self._day.season_start,
            source=decision.source,
            run_id=self._options.run_id,
            processed_at=started_at,
            force=self._options.force,
            dry_run=self._options.dry_run,
            objections=objections,
        )
        step = synthesize_context if decision.is_fallback else build_rows
        try:
            built: Built = retrying(step)(self._settings, order)
        except Exception as raised:  # noqa: BLE001
            return self._failed(table, understand(raised), started_at)
        reasons, outcome = built.verdict.reasons, built.verdict.outcome
        warnings = check.reference.warnings()
        if warnings and outcome in ("complete", "complete_with_warning"):
            reasons, outcome = (*reasons, *warnings), "complete_with_warning"
        return judged(outcome, reasons, built)

    def _dependencies(self, name: str) -> tuple[Reason, ...]:
        reasons = []
        for dependency in self._catalogue.build(name).depends_on:
            result = self._results.get(dependency)
            if result is not None and not (result.checkpoint.is_done or result.would_be in PUBLISHED):
                message = f"{dependency} of the day is {result.checkpoint.outcome}; see its own checkpoint"
                reasons.append(Reason(category="dependency_blocked", message=message, overridable=True))
            elif dependency in self._day.absent_dependencies:
                message = f"{dependency} of the day is not there; add it to tables"
                reasons.append(Reason(category="dependency_missing", message=message, overridable=True))
        return tuple(reasons)

    def _judged(
        self,
        table: TablePlan,
        decision: SourceDecision,
        coverage: SourceCoverage | None,
        started_at: datetime,
        outcome: Outcome,
        reasons: Sequence[Reason],
        built: Built | None,
    ) -> TableResult:
        parts = [f"{reason.category}: {reason.message}" for reason in reasons]
        found: dict[str, object] = {}
        if built is not None:
            facts = built.facts
            missing = f", without {some(facts.missing)}" if facts.missing else ""
            parts.insert(0, f"{facts.covered} of {facts.expected} ({percent(facts.coverage)}){missing}")
            found = {
                "expected": facts.expected,
                "covered": facts.covered,
                "coverage": facts.coverage,
                "missing": facts.missing,
            }
        parts.append(f"from {decision.source}: {decision.reason}")
        checkpoint = self._checkpoint(
            table,
            outcome="dry_run" if self._options.dry_run and outcome != "blocked" else outcome,
            reason=reasons[0].category if reasons else None,
            message="; ".join(parts),
            source=decision.source,
            source_reason=decision.reason,
            source_missing=coverage.missing if coverage else (),
            row_count=built.published_rows if built else 0,
            started_at=started_at,
            **found,
        )
        return TableResult(checkpoint=checkpoint, is_new=True, would_be=outcome if self._options.dry_run else None)

    def _failed(self, table: TablePlan, error: FullcourtError, started_at: datetime) -> TableResult:
        checkpoint = self._checkpoint(
            table, outcome="failed", reason=type(error).__name__, message=str(error), started_at=started_at
        )
        return TableResult(checkpoint=checkpoint, is_new=True, can_retry=isinstance(error, TransientError))

    def _checkpoint(self, table: TablePlan, **fields: object) -> Checkpoint:
        return Checkpoint.model_validate(
            {
                "table_name": table.table,
                "game_date": self._day.game_date,
                "run_id": self._options.run_id,
                "attempt": self._options.attempt,
                "inputs": table.inputs,
                "code_version": table.code_version,
                "recorded_at": datetime.now(UTC),
                **fields,
            }
        )
