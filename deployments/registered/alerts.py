"""The alerts: automations that Prefect's server watches, and the messages that they send.

The previous system's cleanup was written and never deployed, and nobody knew for months; its backfill published half
of the players, and nobody noticed. So every flow of prefect.yaml is watched, and of each that has a schedule an alert
waits for a success: its time starts when it is registered, and again with every success that a scheduled run on its
warehouse announces.

A success must both start and fulfil that wait (``after`` and ``expect`` of its trigger). Without ``after``, Prefect
counts in fixed windows and skips one that was fulfilled: a silence would be noticed after up to three periods.

A run whose process was killed reports nothing. Every run of a deployment sends a heartbeat; one of these alerts waits
for the next one, and marks a run that has sent none as Crashed. That frees its slots, and triggers an alert.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from deployments.registered.prefect_yaml import described_deployments, flow_of
from tasks.backfill.heal_rules import SUCCESS_EVENT as HEAL_SUCCESS_EVENT
from tasks.backfill.heal_rules import heal_resource
from tasks.cleanup.announce import (
    CLEANUP_RESOURCE,
    KIND_LABEL,
    LARGE_DELETION_EVENT,
    SCHEDULED_KIND,
    SUCCESS_EVENT,
    cleanup_resource,
)
from tasks.runtime.boundary import LEFT_EVENT
from tasks.settings import Settings

SILENCE_HOURS = 26
"""How long after the last success of a cleanup the alert is sent: a day, and two hours for it to wait and to run."""
HEAL_SILENCE_HOURS = 3
"""How long after the last success of heal the alert is sent: it runs every hour."""
HEARTBEAT_SECONDS = 30
"""How often a run of a deployment sends a heartbeat, as in prefect.yaml; the shortest interval that Prefect allows."""
DEAD_AFTER_SECONDS = 4 * HEARTBEAT_SECONDS
"""How long after its last heartbeat a run of a deployment is dead. A busy process may miss one, and a busy server may
receive one late; a living run must not be taken for dead. The keeper of the local worker ends a dead run at once."""
WAITING_MINUTES = 60
"""How long a run may wait for a worker before an alert is sent."""
TAG = "fullcourt"
"""The tag of every deployment, and so of its runs."""
TEST_ALERT, TEST_RESOURCE, TEST_EVENT = "fullcourt-alert-test", "fullcourt.alert-test", "fullcourt.alert-test.asked"

_NO_LONGER_WAITS = ("Running", "Completed", "Failed", "Cancelled", "Crashed")  # a heartbeat says nothing of it
_NO_BLOCK = UUID(int=0)
_RUN = "{% if flow_run %}Run: {{ flow_run.name }}, {{ flow_run|ui_url }}{% endif %}"
_LOG = "The audit log is nba_orchestration.cleanup_operations."
_LARGE_DELETION = f"""\
A cleanup deleted {{{{ event.payload.deleted_rows }}}} rows, and {{{{ event.payload.threshold_rows }}}} may go unseen.
{{{{ event.payload.message }}}}
{_RUN}
What to do: check that so many rows were stale. If not, the deployment restore/backup puts them back from their backup.
{_LOG} It has the backup's name."""
_ADVICE = {
    "backfill": "The artifact backfill-report names every day that is blocked or failed, and why; "
    "docs/troubleshooting.md says what to do about each. What is published is complete: fix the cause and run the same "
    "range again, it does the days that are left.",
    "heal": "No backfill was asked for. Read the run's log, and fix the cause; the next run looks at the same days.",
    "ingest": "The artifacts ingest-report and ingest-rejections name every file and row that was not loaded, and why. "
    "Correct the file and load it again: a rerun leaves no duplicates.",
    "cleanup": f"Read the run's log, fix the cause, and run it again: it does what is left. {_LOG} Its last rows say "
    "which table failed, and why.",
    "restore": f"Read the run's log, fix the cause, and run it again: it puts back what is still missing. {_LOG}",
}
_ADVICE_OTHERWISE = "Read the run's log, fix the cause, and run it again."
_BAD_END = """\
The run of {{ flow.name }} ended as {{ flow_run.state.name }}: {{ flow_run.state.message }}
"""
_SILENCE = """\
{% if event %}The last success, at {{ event.occurred }}: {{ event.payload.message }}
{% else %}None has succeeded since this alert was registered.
{% endif %}
What to do: look at the runs of DEPLOYMENT in Prefect's UI. Late runs: start a worker of the pool fullcourt.
No runs: fullcourt register, and see that the schedule is on. Failed runs: read their log."""
_WAITS = f"""\
A run of {{{{ flow.name }}}} has waited for {WAITING_MINUTES} minutes, and has not been started.
{_RUN}
What to do: start a worker of the pool fullcourt, or see what the one that is there is busy with; make doctor says."""


def alerts(
    settings: Settings,
    *,
    silence: timedelta = timedelta(hours=SILENCE_HOURS),
    heal_silence: timedelta = timedelta(hours=HEAL_SILENCE_HOURS),
) -> list[AutomationCore]:
    """Return the automations. Those that send a message have no block yet: give them one, or None, with `notifying`.

    Args:
        settings: The application's; they name the warehouse whose cleanups are waited for.
        silence: How long after the last success of a cleanup the alert is sent; at least 10 seconds.
        heal_silence: The same, of heal.
    """
    any_cleanup = _matching({"prefect.resource.id": f"{CLEANUP_RESOURCE}.*"})
    scheduled = _matching(
        {"prefect.resource.id": cleanup_resource(settings.warehouse_digest), KIND_LABEL: SCHEDULED_KIND}
    )
    flows = watched_flows()
    any_run = {"prefect.resource.id": "prefect.flow-run.*"}
    of_flows = _matching({"prefect.resource.role": "flow", "prefect.resource.name": flows})
    of_deployments = _matching({"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"})
    warehouse = settings.connection().display_name
    return [
        AutomationCore(
            name="fullcourt-large-deletion",
            enabled=True,
            description="Reports a cleanup that deleted more rows than FULLCOURT_CLEANUP_ALERT_ROWS.",
            trigger=EventTrigger(match=any_cleanup, expect={LARGE_DELETION_EVENT}, posture=Posture.Reactive),
            actions=_send("Fullcourt: a cleanup deleted many rows", _LARGE_DELETION),
        ),
        AutomationCore(
            name="fullcourt-run-failed",
            enabled=True,
            description=f"Reports a run of {', '.join(flows)} that failed, was blocked, crashed or took too long.",
            trigger=EventTrigger(
                # by the type of the state: a state may have any name, and the event is named after it
                match=_matching(any_run | {"prefect.state-type": ["FAILED", "CRASHED"]}),
                match_related=of_flows,
                expect={"prefect.flow-run.*"},
                posture=Posture.Reactive,
            ),
            actions=_send("Fullcourt: a run of {{ flow.name }} failed", f"{_BAD_END}{_RUN}\n{_advice(flows)}"),
        ),
        _silent(
            f"fullcourt-no-cleanup-{settings.warehouse_digest}",
            scheduled,
            SUCCESS_EVENT,
            silence,
            "Fullcourt: no cleanup has succeeded",
            f"No scheduled cleanup of {warehouse} has succeeded for {{hours}} hours: stale rows may be left in the "
            f"upcoming tables.\n{_SILENCE.replace('DEPLOYMENT', 'cleanup/daily-ttl')}\n{_LOG}",
        ),
        _dead("fullcourt-run-dead", of_deployments, DEAD_AFTER_SECONDS),
        AutomationCore(
            name="fullcourt-run-waits",
            enabled=True,
            description=f"Reports a run that has not been started for {WAITING_MINUTES} minutes.",
            trigger=EventTrigger(
                match=_matching(any_run),
                match_related=of_deployments,
                for_each={"prefect.resource.id"},
                after={"prefect.flow-run.Late", "prefect.flow-run.Pending"},
                expect={f"prefect.flow-run.{state}" for state in _NO_LONGER_WAITS},
                posture=Posture.Proactive,
                within=timedelta(minutes=WAITING_MINUTES),
            ),
            actions=_send("Fullcourt: a run of {{ flow.name }} waits", _WAITS),
        ),
        AutomationCore(
            name=TEST_ALERT,
            enabled=True,
            description="Sends a test when make alert-test asks for one.",
            trigger=EventTrigger(
                match=_matching({"prefect.resource.id": TEST_RESOURCE}),
                expect={TEST_EVENT},
                posture=Posture.Reactive,
            ),
            actions=_send("Fullcourt: a test", "Alerts arrive here. {{ event.payload.message }}"),
        ),
        _silent(
            f"fullcourt-no-heal-{settings.warehouse_digest}",
            _matching({"prefect.resource.id": heal_resource(settings.warehouse_digest)}),
            HEAL_SUCCESS_EVENT,
            heal_silence,
            "Fullcourt: heal has not succeeded",
            f"Nobody has looked at the days of {warehouse} for {{hours}} hours: what is missing or stale stays so.\n"
            f"{_SILENCE.replace('DEPLOYMENT', 'heal/hourly')}",
        ),
    ]


def watched_flows() -> list[str]:
    """Return the flows whose runs are watched: every one that prefect.yaml deploys."""
    return sorted({flow_of(deployment) for deployment in described_deployments()})


def notifying(block: UUID | None, automation: AutomationCore) -> AutomationCore:
    """Return the automation with a notification block; with None it notifies nobody."""
    actions = [
        _through(block, action) if isinstance(action, SendNotification) else action for action in automation.actions
    ]
    return automation.model_copy(update={"actions": actions})


def _send(subject: str, body: str) -> list[ActionTypes]:
    return [SendNotification(block_document_id=_NO_BLOCK, subject=subject, body=body)]


def _through(block: UUID | None, action: SendNotification) -> ActionTypes:
    return DoNothing() if block is None else action.model_copy(update={"block_document_id": block})


def _silent(
    name: str, match: ResourceSpecification, event: str, within: timedelta, subject: str, body: str
) -> AutomationCore:
    """Return the automation that reports that an event has not come; ``{hours}`` in its body is how long."""
    hours = f"{within / timedelta(hours=1):.3g}"
    return AutomationCore(
        name=name,
        enabled=True,
        description=f"Waits for {event}, and reports that it has not come for {hours} hours.",
        trigger=EventTrigger(match=match, after={event}, expect={event}, posture=Posture.Proactive, within=within),
        actions=_send(subject, body.replace("{hours}", hours)),
    )


def _dead(name: str, related: ResourceSpecification, seconds: int) -> AutomationCore:
    """Return the automation that marks a run as Crashed whose last event is a heartbeat older than ``seconds``."""
    return AutomationCore(
        name=name,
        enabled=True,
        description=f"Marks a run as Crashed that has sent no heartbeat for {seconds} seconds; that sends an alert.",
        trigger=EventTrigger(
            match=_matching({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=related,
            for_each={"prefect.resource.id"},
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*", LEFT_EVENT},
            posture=Posture.Proactive,
            within=timedelta(seconds=seconds),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No sign of life for {seconds} seconds: its process, or the machine, was killed or lost.",
            )
        ],
    )


def _advice(flows: list[str]) -> str:
    """Return a template that says what to do about a run that ended badly, for each flow."""
    cases = [f"{{% if flow.name == '{flow}' %}}{_ADVICE[flow]}{{% endif %}}" for flow in flows if flow in _ADVICE]
    known = [flow for flow in flows if flow in _ADVICE]
    otherwise = f"{{% if flow.name not in {known} %}}{_ADVICE_OTHERWISE}{{% endif %}}"
    return f"What to do: {''.join(cases)}{otherwise}"


def _matching(labels: Mapping[str, str | list[str]]) -> ResourceSpecification:
    return ResourceSpecification.model_validate(labels)
