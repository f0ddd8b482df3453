"""The alerts: automations that Prefect's server watches, and the notification block through which they tell somebody.

The previous system's cleanup was written and never deployed, and nobody knew for months. So one alert waits for a
success: it starts when it is registered, and starts anew with every success that a cleanup announces.

A success must both begin and fulfil that wait (``after`` and ``expect`` of its trigger). Without ``after``, Prefect
counts in fixed windows and skips one that was fulfilled: a silence would be noticed after up to three periods. An
automation that has not changed is left alone, since an update would begin its wait anew.
"""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import ActionTypes, DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict

from tasks.alert import CLEANUP_RESOURCE, LARGE_DELETION_EVENT, SUCCESS_EVENT
from tasks.domain.errors import SettingsError
from tasks.settings import Settings

SILENCE_HOURS = 26
"""How long after the last success of a cleanup somebody is told: a day, and two hours for it to wait and to run."""
BLOCK = "fullcourt-alerts"
WATCHED_FLOWS = ("cleanup", "restore")
ENDS_BADLY = ("prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut")

_SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_RUN = "{% if flow_run %}Run: {{ flow_run.name }}, {{ flow_run|ui_url }}{% endif %}"
_LOG = "The audit log is nba_orchestration.cleanup_operations."
_LARGE_DELETION = f"""\
A cleanup deleted {{{{ event.payload.deleted_rows }}}} rows, and {{{{ event.payload.threshold_rows }}}} may go unseen.
{{{{ event.payload.message }}}}
{_RUN}
What to do: check that so many rows were stale. If not, the deployment restore/by-hand puts them back from their backup.
{_LOG} It has the backup's name."""
_BAD_END = f"""\
The run of {{{{ flow.name }}}} ended as {{{{ flow_run.state.name }}}}: {{{{ flow_run.state.message }}}}
{_RUN}
What to do: read the run's log, mend the cause, and run it again: it does what is left.
{_LOG} Its last rows say which table failed, and why."""
_SILENCE = f"""\
{{% if event %}}The last success, at {{{{ event.occurred }}}}: {{{{ event.payload.message }}}}
{{% else %}}None has succeeded since this alert was registered.
{{% endif %}}
What to do: look at the runs of cleanup/daily-ttl in Prefect's UI. Late runs: start a worker of the pool fullcourt.
No runs: python -m deployments.register, and see that the schedule is on. Failed runs: read their log.
{_LOG}"""


def alerts(block: UUID | None, *, silence: timedelta = timedelta(hours=SILENCE_HOURS)) -> list[AutomationCore]:
    """Return the automations.

    Args:
        block: The notification block that they use; None to tell nobody.
        silence: How long after the last success somebody is told; at least 10 seconds.
    """
    cleanup = ResourceSpecification.model_validate({"prefect.resource.id": CLEANUP_RESOURCE})
    flows = {"prefect.resource.role": "flow", "prefect.resource.name": list(WATCHED_FLOWS)}
    hours = f"{silence / timedelta(hours=1):.3g}"
    silent = f"No cleanup has succeeded for {hours} hours: stale rows may be left in the upcoming tables."
    return [
        AutomationCore(
            name="fullcourt-large-deletion",
            enabled=True,
            description="Tells of a cleanup that deleted more rows than FULLCOURT_CLEANUP_ALERT_ROWS.",
            trigger=EventTrigger(match=cleanup, expect={LARGE_DELETION_EVENT}, posture=Posture.Reactive),
            actions=_notify(block, "Fullcourt: a cleanup deleted many rows", _LARGE_DELETION),
        ),
        AutomationCore(
            name="fullcourt-run-failed",
            enabled=True,
            description=f"Tells of a run of {' or '.join(WATCHED_FLOWS)} that failed, crashed or took too long.",
            trigger=EventTrigger(
                match=ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"}),
                match_related=ResourceSpecification.model_validate(flows),
                expect=set(ENDS_BADLY),
                posture=Posture.Reactive,
            ),
            actions=_notify(block, "Fullcourt: a {{ flow.name }} run failed", _BAD_END),
        ),
        AutomationCore(
            name="fullcourt-no-cleanup",
            enabled=True,
            description="Tells that no cleanup has succeeded for longer than a day.",
            trigger=EventTrigger(
                match=cleanup,
                after={SUCCESS_EVENT},
                expect={SUCCESS_EVENT},
                posture=Posture.Proactive,
                within=silence,
            ),
            actions=_notify(block, "Fullcourt: no cleanup has succeeded", f"{silent}\n{_SILENCE}"),
        ),
    ]


def register_alerts(settings: Settings, *, silence: timedelta = timedelta(hours=SILENCE_HOURS)) -> str | None:
    """Register the automations and their block: what is missing is created, and what differs is updated.

    Args:
        settings: The application's; they say where notifications go.
        silence: How long after the last success of a cleanup somebody is told; at least 10 seconds.

    Returns:
        The block, as ``type/name``; None if nobody will be told.

    Raises:
        SettingsError: The webhook's address is none, or there is no such block; nothing was registered.
    """
    with get_client(sync_client=True) as client:
        name = _save_block(client, settings)
        block = _find_block(client, name) if name else None
        for wanted in alerts(block, silence=silence):
            _register(client, wanted)
    return name


def _notify(block: UUID | None, subject: str, body: str) -> list[ActionTypes]:
    if block is None:
        return [DoNothing()]
    return [SendNotification(block_document_id=block, subject=subject, body=body)]


def _register(client: SyncPrefectClient, wanted: AutomationCore) -> None:
    there = client.read_automations_by_name(wanted.name)
    if not there:
        client.create_automation(wanted)
        return
    kept, *doubled = there
    for automation in doubled:
        client.delete_automation(automation.id)
    if _content(kept) != _content(wanted):
        client.update_automation(kept.id, wanted)


def _content(automation: AutomationCore) -> dict[str, object]:
    """Return what an automation does, in a form that can be compared."""
    core = AutomationCore.model_validate(automation.model_dump(mode="json", include=set(AutomationCore.model_fields)))
    return core.model_dump(exclude={"owner_resource"})


def _save_block(client: SyncPrefectClient, settings: Settings) -> str | None:
    """Save the block of the webhook that the settings name, if they do; returns the block to use as ``type/name``."""
    if settings.alert_webhook_url is None:
        return settings.alert_block
    url = settings.alert_webhook_url.get_secret_value()
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise SettingsError("FULLCOURT_ALERT_WEBHOOK_URL must be the address of a webhook: https://...")
    block: SlackWebhook | CustomWebhookNotificationBlock
    if address.hostname in _SLACK_HOSTS:
        block = SlackWebhook.model_validate({"url": url})
    else:
        block = CustomWebhookNotificationBlock(
            name=BLOCK,
            url="{{webhook_url}}",
            json_data={"text": "{{subject}}\n\n{{body}}"},
            secrets=SecretDict({"webhook_url": url}),
        )
    other = CustomWebhookNotificationBlock if isinstance(block, SlackWebhook) else SlackWebhook
    block.save(BLOCK, overwrite=True)
    stale = f"{other.get_block_type_slug()}/{BLOCK}"
    if (found := _look_up(client, stale)) is not None:
        client.delete_block_document(found)
    return f"{block.get_block_type_slug()}/{BLOCK}"


def _find_block(client: SyncPrefectClient, name: str) -> UUID:
    found = _look_up(client, name)
    if found is None:
        raise SettingsError(
            f"FULLCOURT_ALERT_BLOCK={name!r}: there is no such block; give type/name of one of "
            "`prefect block ls` that notifies"
        )
    return found


def _look_up(client: SyncPrefectClient, name: str) -> UUID | None:
    kind, _, document = name.partition("/")
    try:
        return client.read_block_document_by_name(document, kind).id
    except ObjectNotFound:
        return None
