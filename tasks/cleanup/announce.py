"""Tell Prefect what the automations of deployments/registered/alerts.py wait for: events of the cleanup.

An event names its warehouse and the kind of cleanup, so that a cleanup by hand, or one of
another warehouse, does not pass for the one that is waited for.

An event that does not arrive fails no run: Prefect sends them in the background, and logs what it cannot send. One of
the alerts is for a success that is overdue, so that a lost event costs a false alarm and hides nothing.
"""

from collections.abc import Mapping

from tasks.cleanup.rules import Trigger
from tasks.runtime.artifacts import emit
from tasks.settings import Settings

CLEANUP_RESOURCE = "fullcourt.cleanup"
KIND_LABEL = "fullcourt.cleanup-type"
SCHEDULED_KIND: Trigger = "upcoming_tables_ttl"
SUCCESS_EVENT = "fullcourt.cleanup.succeeded"
LARGE_DELETION_EVENT = "fullcourt.cleanup.large-deletion"


def cleanup_resource(warehouse_digest: str) -> str:
    """Return what Prefect calls the cleanup of a warehouse."""
    return f"{CLEANUP_RESOURCE}.{warehouse_digest}"


def announce_success(settings: Settings, kind: Trigger, summary: str, deleted_rows: int) -> None:
    """Say that a cleanup has succeeded.

    Args:
        settings: They name the warehouse.
        kind: What started the cleanup.
        summary: One line for a person.
        deleted_rows: Rows that went.
    """
    _announce(SUCCESS_EVENT, settings, kind, {"message": summary, "deleted_rows": deleted_rows})


def announce_large_deletion(settings: Settings, kind: Trigger, summary: str, deleted_rows: int) -> None:
    """Say that a cleanup has deleted more rows than the settings allow without an alert.

    Args:
        settings: They name the warehouse, and the rows that may be deleted without an alert.
        kind: What started the cleanup.
        summary: One line for a person; it names the tables.
        deleted_rows: Rows that went.
    """
    payload = {"message": summary, "deleted_rows": deleted_rows, "threshold_rows": settings.cleanup_alert_rows}
    _announce(LARGE_DELETION_EVENT, settings, kind, payload)


def _announce(event: str, settings: Settings, kind: Trigger, payload: Mapping[str, object]) -> None:
    """Emit an event; Prefect adds the flow run to it."""
    warehouse = settings.connection().display_name
    resource = {
        "prefect.resource.id": cleanup_resource(settings.warehouse_digest),
        "prefect.resource.name": warehouse,
        KIND_LABEL: kind,
    }
    emit(event, resource, {"warehouse": warehouse, "cleanup_type": kind} | dict(payload))
