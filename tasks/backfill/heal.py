"""The steps of heal: find the days that are ill, ask for their backfill, say what was found."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, StateType
from prefect.runtime import flow_run

from tasks.backfill.heal_rules import (
    SAME_FAILURES,
    SUCCESS_EVENT,
    Diagnosis,
    HealReport,
    HealRequest,
    Ill,
    backfill_of,
    backfill_parameters,
    days_to_look_at,
    heal_resource,
)
from tasks.backfill.ledger import read_last_attempts, read_recorded_days
from tasks.backfill.season import DEPLOYMENT, Season
from tasks.backfill.season_page import write_changed_seasons
from tasks.backfill.season_survey import read_seasons
from tasks.backfill.survey import read_plan
from tasks.errors import WarehouseBusyError
from tasks.printable import printable
from tasks.runtime import markdown
from tasks.runtime.artifacts import emit, write_markdown
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step

TAG = "heal"
"""The tag of the backfills that heal asks for."""
_AT_WORK = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
"""One that is scheduled may be days away."""
_MOST_SHOWN = 100


def name_heal() -> str:
    """Name a run after the days that it looks at."""
    given = flow_run.get_parameters()
    last = given.get("end_date") or "yesterday"
    return printable(f"{given.get('window_days')} days to {last}{' dry_run' if given.get('dry_run') else ''}")


def look(run: Run, request: HealRequest) -> tuple[HealReport, Sequence[Season]]:
    """Find the days that are ill; where another process holds the warehouse, the next run does.

    Returns:
        What is to be mended and what is parked, and the seasons that were looked at.
    """
    try:
        return retrying(find_ill_days)(run, request)
    except WarehouseBusyError as busy:
        return HealReport(waits_for=str(busy), has_looked=False), ()


@step("find-ill-days", run_name="find-ill-days")
def find_ill_days(run: Run, request: HealRequest) -> tuple[HealReport, Sequence[Season]]:
    """Survey the window and the season's open days, and tell what another attempt can mend.

    Where an old day can be mended, all days after it are looked at too: they may look back on it.

    Returns:
        What is to be mended and what is parked, and the seasons that were looked at.

    Raises:
        SchemaError: A table or column is missing or has another type.
        TransientError: Another attempt can succeed; the task is retried.
    """
    with run.warehouse("heal") as warehouse:
        if read_recorded_days(warehouse, run.catalogue) is None:
            return HealReport(), ()  # a first backfill comes before anything can be mended
        depends_on = {name: run.catalogue.build(name).depends_on for name in request.tables}
        every = read_seasons(
            warehouse,
            run.catalogue,
            run.catalogue.with_dependencies(request.tables),
            first=request.first_date,
            last=request.last_date,
            as_of=request.as_of,
            bootstrap_days=run.settings.bootstrap_days,
        )
        seasons = [season for season in every if season.table in request.tables]
        days = days_to_look_at(seasons, request)

        def diagnose(at: Sequence[date]) -> tuple[tuple[Ill, ...], tuple[Ill, ...]]:
            if not at:
                return (), ()
            attempts = read_last_attempts(warehouse, run.catalogue, at, most=SAME_FAILURES)
            return Diagnosis(every, depends_on, attempts).of(read_plan(run, warehouse, backfill_of(request, at)))

        mends, parked = diagnose(days)
        if mends and mends[0].game_date < request.first_date:
            later = {
                day.game_date
                for season in seasons
                for day in season.with_rows
                if mends[0].game_date <= day.game_date <= request.last_date and day.state != "unrecorded"
            }
            mends, parked = diagnose(sorted(later | set(days)))
        return HealReport(mends=mends, parked=parked), seasons


def begin_backfill(report: HealReport, request: HealRequest) -> HealReport:
    """Ask for a backfill of the days to mend, unless one is at work, or one that heal has asked for has not ended.

    Heal does not wait for it: a work pool that allows one run at a time would never begin it.

    Raises:
        ApiError: Prefect did not accept it.
    """
    if not report.mends:
        return report
    client = get_client(sync_client=True)
    deployment = client.read_deployment_by_name(DEPLOYMENT).id
    if at_work := _at_work(client, deployment):
        return report.model_copy(update={"waits_for": f"the backfill {at_work} has not ended"})
    parameters = backfill_parameters(report, request)
    begun = client.create_flow_run_from_deployment(deployment, parameters=parameters, tags=[TAG])
    return report.model_copy(update={"flow_run_id": begun.id})


def report_heal(run: Run, request: HealRequest, report: HealReport, seasons: Sequence[Season]) -> None:
    """Say what was found, and what was begun."""
    write_changed_seasons(run, seasons)
    lines = [f"# Heal {request.first_date} to {request.last_date}", "", markdown.text(report.summary), ""]
    for title, days in (("To mend", report.mends), ("Parked until their inputs change", report.parked)):
        if days:
            shown = [f"- {each.game_date} {markdown.text(each.why)}" for each in days[:_MOST_SHOWN]]
            more = [f"- and {len(days) - _MOST_SHOWN} more"] if len(days) > _MOST_SHOWN else []
            lines += [f"## {title}", "", *shown, *more, ""]
    if report.flow_run_id is not None:
        lines += [f"The backfill is the flow run `{report.flow_run_id}`.", ""]
    write_markdown("heal-report", "\n".join(lines), description=report.summary)
    get_run_logger().info("%s", report.summary)
    # a look at other days is not the one that is waited for
    if report.has_looked and request.end_date is None and not request.dry_run:
        resource = {
            "prefect.resource.id": heal_resource(run.settings.warehouse_digest),
            "prefect.resource.name": run.settings.connection().display_name,
        }
        emit(SUCCESS_EVENT, resource, {"message": report.summary})


def _at_work(client: SyncPrefectClient, deployment: UUID) -> str | None:
    """Return the name of a backfill that is at work, or that heal has asked for and that has not ended."""
    asked = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[TAG]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(not_any_=list(TERMINAL_STATES))),
    )
    begun = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_AT_WORK))))
    of_it = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    for runs in (asked, begun):
        if found := client.read_flow_runs(deployment_filter=of_it, flow_run_filter=runs, limit=1):
            return found[0].name
    return None
