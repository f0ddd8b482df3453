"""Register the alerts, and the notification block through which they are sent.

The application decides what triggers an alert and what its message is. The operator decides where it is sent and
whether it is on: a block is changed only if the settings name one, and an automation that was switched off stays off.
An automation that has not changed is left alone, because an update would restart its wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict

from deployments.registered.alerts import HEAL_SILENCE_HOURS, SILENCE_HOURS, alerts, notifying
from tasks.errors import SettingsError
from tasks.settings import Settings

BLOCK = "fullcourt-alerts"

_SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_FORMER_NAMES = {"fullcourt-no-cleanup": "fullcourt-no-cleanup-"}
"""Automations of earlier versions, each with the prefix of the name that replaced it."""


@dataclass(frozen=True)
class AlertRegistration:
    """What was registered, and what was left as it was."""

    through: tuple[str, ...]
    """The notification blocks, as ``type/name``."""
    kept: bool
    """Whether they were registered before, because the settings name none."""
    notifying_nobody: tuple[str, ...]
    """Automations without a block, or whose block is gone."""
    off: tuple[str, ...]
    """Automations that were switched off, and stay off."""


def register_alerts(
    settings: Settings,
    *,
    silence: timedelta = timedelta(hours=SILENCE_HOURS),
    heal_silence: timedelta = timedelta(hours=HEAL_SILENCE_HOURS),
) -> AlertRegistration:
    """Register the automations and their block: what is missing is created, and what differs is updated.

    Args:
        settings: The application's; they say where alerts are sent. If they do not, that stays as it was.
        silence: How long after the last success of a cleanup the alert is sent; at least 10 seconds.
        heal_silence: The same, of heal.

    Raises:
        SettingsError: The webhook's address is invalid, or the block does not exist; nothing was registered.
    """
    with get_client(sync_client=True) as client:
        name = _save_block(client, settings)
        chosen = _find_block(client, name) if name else None
        names = {chosen: name} if chosen and name else {}
        silent, off = [], []
        before = _registered(client, settings)
        usual = next((block for there in before.values() for block in _blocks(there) if _name(client, block)), None)
        for wanted in alerts(settings, silence=silence, heal_silence=heal_silence):
            there = before[wanted.name]
            kept = next(iter(_blocks(there)), None) if there else usual
            block = chosen or kept
            if any(isinstance(action, SendNotification) for action in wanted.actions):
                if block and block not in names and (found := _name(client, block)):
                    names[block] = found
                if block not in names:
                    silent.append(wanted.name)
            enabled = not there or any(automation.enabled for automation in there)
            if not enabled:
                off.append(wanted.name)
            _register(client, notifying(block, wanted).model_copy(update={"enabled": enabled}), there)
    return AlertRegistration(tuple(names.values()), chosen is None, tuple(silent), tuple(off))


def _registered(client: SyncPrefectClient, settings: Settings) -> dict[str, list[Automation]]:
    """Return the automations that exist, by the name of the one that is wanted."""
    found = {wanted.name: client.read_automations_by_name(wanted.name) for wanted in alerts(settings)}
    for former, beginning in _FORMER_NAMES.items():
        (name,) = (name for name in found if name.startswith(beginning))
        found[name] += client.read_automations_by_name(former)
    return found


def _blocks(automations: Sequence[Automation]) -> list[UUID]:
    """Return the notification blocks of automations."""
    actions = (action for automation in automations for action in automation.actions)
    return [action.block_document_id for action in actions if isinstance(action, SendNotification)]


def _register(client: SyncPrefectClient, wanted: AutomationCore, there: Sequence[Automation]) -> None:
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


def _name(client: SyncPrefectClient, block: UUID) -> str | None:
    """Return a block as ``type/name``; None if it is gone."""
    try:
        document = client.read_block_document(block, include_secrets=False)
    except ObjectNotFound:
        return None
    return f"{document.block_type.slug if document.block_type else ''}/{document.name}"
