"""Whether the alerts' messages were delivered, according to the server's own events."""

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

_TRIGGERED, _DELIVERED, _FAILED = (
    "prefect.automation.triggered",
    "prefect.automation.action.executed",
    "prefect.automation.action.failed",
)
_RESOURCE = "prefect.automation."
_GRACE = timedelta(minutes=2)
"""How long after an alert was triggered its message may be pending before it counts as lost."""
_PAGE = 50


@dataclass(frozen=True)
class Outcome:
    """What became of one alert that was triggered."""

    alert: str
    at: datetime
    what: Literal["delivered", "failed", "pending"]
    reason: str = ""


def problem_of(client: SyncPrefectClient, alert: Automation, *, notifies: bool = True) -> str | None:
    """Return why a registered alert would notify nobody; None if it works.

    Args:
        client: Of the server.
        alert: As the server has it.
        notifies: Whether it is one that sends a message.
    """
    if not alert.enabled:
        return "switched off; switch it on under Automations, or with `prefect automation resume`"
    if not notifies:
        return None
    blocks = [action.block_document_id for action in alert.actions if isinstance(action, SendNotification)]
    remedy = "set FULLCOURT_ALERT_WEBHOOK_URL or FULLCOURT_ALERT_BLOCK, and run `fullcourt register`"
    if not blocks:
        return f"nobody is notified: {remedy}"
    for block in blocks:
        try:
            client.read_block_document(block, include_secrets=False)
        except ObjectNotFound:
            return f"its notification block is gone, and nobody is notified: {remedy}"
    return None


def outcome_of(client: SyncPrefectClient, alert: Automation, asked: UUID) -> Outcome | None:
    """Return what became of an alert that one event triggered; None if that is not known yet."""
    for event in _events(client, alert):
        if event.event != _TRIGGERED and f"prefect.event.{asked}" in {related.id for related in event.related}:
            return _outcome(event)
    return None


def last_outcomes(client: SyncPrefectClient, alerts: Sequence[Automation], now: datetime) -> list[Outcome]:
    """Return what became of each alert when it was last triggered, as far as the server keeps events.

    An alert whose message was neither delivered nor refused has failed: a webhook that answers with an error leaves
    no other trace.
    """
    found = []
    for alert in alerts:
        for event in _events(client, alert)[:1]:
            last = _outcome(event)
            if last.what == "pending" and now - last.at > _GRACE:
                last = replace(last, what="failed", reason="its message was not delivered; the server's log says why")
            found.append(last)
    return found


def _events(client: SyncPrefectClient, alert: Automation) -> list[ReceivedEvent]:
    """Return the last events of an alert and its messages, newest first."""
    wanted = EventFilter(
        event=EventNameFilter(name=[_TRIGGERED, _DELIVERED, _FAILED]),
        resource=EventResourceFilter(id=[f"{_RESOURCE}{alert.id}"]),
        order=EventOrder.DESC,
    )
    return list(client.read_events(wanted, limit=_PAGE).events)


def _outcome(event: ReceivedEvent) -> Outcome:
    alert = event.resource.name or event.resource.id
    if event.event == _DELIVERED:
        return Outcome(alert, event.occurred, "delivered")
    if event.event == _FAILED:
        return Outcome(alert, event.occurred, "failed", str(event.payload.get("reason") or "no reason was given"))
    return Outcome(alert, event.occurred, "pending")
