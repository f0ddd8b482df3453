"""Tell Prefect what the automations of deployments/alerts.py wait for: events of the cleanup.

An event that does not arrive fails no run: Prefect sends them in the background, and logs what it cannot send. One of
the alerts is for a success that nobody has heard of, so that a lost one costs a false alarm and hides nothing.
"""

from collections.abc import Mapping

from tasks.artifacts import emit

CLEANUP_RESOURCE = "fullcourt.cleanup"
SUCCESS_EVENT = "fullcourt.cleanup.succeeded"
LARGE_DELETION_EVENT = "fullcourt.cleanup.large-deletion"


def announce_success(summary: str, deleted_rows: int) -> None:
    """Say that a cleanup has succeeded.

    Args:
        summary: One line for a person.
        deleted_rows: Rows that went.
    """
    _announce(SUCCESS_EVENT, {"message": summary, "deleted_rows": deleted_rows})


def announce_large_deletion(summary: str, deleted_rows: int, threshold_rows: int) -> None:
    """Say that a cleanup has deleted more rows than somebody should hear of only later.

    Args:
        summary: One line for a person; it names the tables.
        deleted_rows: Rows that went.
        threshold_rows: Rows that may go without anybody being told.
    """
    payload = {"message": summary, "deleted_rows": deleted_rows, "threshold_rows": threshold_rows}
    _announce(LARGE_DELETION_EVENT, payload)


def _announce(event: str, payload: Mapping[str, object]) -> None:
    emit(event, CLEANUP_RESOURCE, payload)
