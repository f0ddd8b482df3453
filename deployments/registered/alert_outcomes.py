"""What came of the alerts: whom the server told, and whom it could not tell, by its own events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import SendNotification
from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventResourceFilter
from prefect.events.schemas.automations import Automation
from prefect.events.schemas.events import ReceivedEvent
from prefect.exceptions import ObjectNotFound

_TRIGGERED, _TOLD, _FAILED = (
    "prefect.automation.triggered",
    "prefect.automation.action.executed",
    "prefect.automation.action.failed",
)
_RESOURCE = "prefect.automation."
_GRACE = timedelta(minutes=2)
"""How long after an alert was triggered its message is under way, before it counts as lost."""
_PAGE = 50


@dataclass(frozen=True)
class Outcome:
    """What came of one alert that was triggered."""

    alert: str
    at: datetime
    what: Literal["told", "failed", "under way"]
    reason: str = ""


def problem_of(client: SyncPrefectClient, alert: Automation, *, tells: bool = True) -> str | None:
    """Return what keeps an alert that is registered from its work; None if nothing does.

    Args:
        client: Of the server.
        alert: As the server has it.
        tells: Whether it is one that tells somebody.
    """
    if not alert.enabled:
        return "switched off; switch it on under Automations, or with `prefect automation resume`"
    if not tells:
        return None
    blocks = [action.block_document_id for action in alert.actions if isinstance(action, SendNotification)]
    remedy = "set FULLCOURT_ALERT_WEBHOOK_URL or FULLCOURT_ALERT_BLOCK, and run `fullcourt register`"
    if not blocks:
        return f"nobody is told: {remedy}"
    for block in blocks:
        try:
            client.read_block_document(block, include_secrets=False)
        except ObjectNotFound:
            return f"its notification block is gone, and nobody is told: {remedy}"
    return None


def outcome_of(client: SyncPrefectClient, alert: Automation, asked: UUID) -> Outcome | None:
    """Return what came of an alert that one event triggered; None if nothing has yet."""
    for event in _events(client, alert):
        if event.event != _TRIGGERED and f"prefect.event.{asked}" in {related.id for related in event.related}:
            return _outcome(event)
    return None


def last_outcomes(client: SyncPrefectClient, alerts: Sequence[Automation], now: datetime) -> list[Outcome]:
    """Return what came of each alert the last time that it was triggered, as far as the server keeps events.

    An alert whose message was neither taken nor refused has failed: a webhook that answers with an error leaves no
    other trace than that.
    """
    found = []
    for alert in alerts:
        for event in _events(client, alert)[:1]:
            last = _outcome(event)
            if last.what == "under way" and now - last.at > _GRACE:
                last = replace(last, what="failed", reason="its message was not taken; the server's log says why")
            found.append(last)
    return found


def _events(client: SyncPrefectClient, alert: Automation) -> list[ReceivedEvent]:
    """Return the last events of an alert that say what came of it, newest first."""
    wanted = EventFilter(
        event=EventNameFilter(name=[_TRIGGERED, _TOLD, _FAILED]),
        resource=EventResourceFilter(id=[f"{_RESOURCE}{alert.id}"]),
        order=EventOrder.DESC,
    )
    return list(client.read_events(wanted, limit=_PAGE).events)


def _outcome(event: ReceivedEvent) -> Outcome:
    alert = event.resource.name or event.resource.id
    if event.event == _TOLD:
        return Outcome(alert, event.occurred, "told")
    if event.event == _FAILED:
        return Outcome(alert, event.occurred, "failed", str(event.payload.get("reason") or "no reason was given"))
    return Outcome(alert, event.occurred, "under way")
