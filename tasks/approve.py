"""Ask a person before anything is deleted: in Prefect's UI, or on the terminal."""

from collections.abc import Sequence
from getpass import getuser
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Running
from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from tasks.cleanup_report import preview_markdown
from tasks.domain.cleanup import Approval, CleanupRequest, TablePreview
from tasks.settings import Settings

_POLL_SECONDS = 2


class Deletion(RunInput):
    """What a person fills in to resume a paused cleanup."""

    rows_to_delete: int = Field(
        description="Type the number of rows that the preview shows. Any other number, such as 0, deletes nothing."
    )
    approved_by: str = Field(min_length=1, description="Your name, for the audit log.")


def approve(settings: Settings, request: CleanupRequest, previews: Sequence[TablePreview]) -> Approval:
    """Ask a person, if the request says so and there is anything to delete; waits until he answers.

    Returns:
        Who approved; or why nothing may be deleted: another number, a refusal, or no answer in time.
    """
    row_count = sum(preview.row_count for preview in previews)
    if request.only_looks or not request.approval or not row_count:
        return Approval()
    ask = _ask_on_terminal if settings.approval_prompt else _ask_in_ui
    approval = ask(request, previews, row_count)
    get_run_logger().info("%s", approval.refusal or f"{approval.approved_by} approved {row_count} rows")
    return approval


def name_cleanup() -> str:
    """Return the name of the current run: who started it, and how far it goes by itself."""
    given = flow_run.get_parameters()
    goes = "asks" if given.get("approval") else "deletes" if given.get("dry_run") is False else "only looks"
    ttl_days = given.get("ttl_days")
    return f"{given.get('cleanup_type')} {goes}{f', {ttl_days} days' if ttl_days else ''}"


def _ask_in_ui(request: CleanupRequest, previews: Sequence[TablePreview], row_count: int) -> Approval:
    form = Deletion.with_initial_data(description=preview_markdown(previews))
    try:
        given = pause_flow_run(
            wait_for_input=form, timeout=request.approval_timeout_seconds, poll_interval=_POLL_SECONDS
        )
    except FlowPauseTimeout:
        refusal = f"nobody approved within {request.approval_timeout_seconds} s; nothing was deleted: run it again"
        _go_on(refusal)
        return Approval(refusal=refusal)
    return _judge(given.rows_to_delete, row_count, by=given.approved_by)


def _go_on(why: str) -> None:
    """End the pause: left to itself, Prefect fails a run whose pause is over, and says neither why nor what of it."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(flow_run.get_id()), Running(message=why), force=True)


def _ask_on_terminal(
    request: CleanupRequest,  # noqa: ARG001 - a terminal waits as long as its user does
    previews: Sequence[TablePreview],
    row_count: int,
) -> Approval:
    Console().print(Markdown(preview_markdown(previews)))
    try:
        typed = input("Type the number of rows to delete; anything else deletes nothing: ").strip()
    except EOFError:
        return Approval(refusal="nobody answered; nothing was deleted")
    given = typed.replace(",", "")
    return _judge(int(given) if given.isdecimal() else None, row_count, by=getuser())


def _judge(typed: int | None, row_count: int, *, by: str) -> Approval:
    if typed == row_count:
        return Approval(approved_by=by)
    return Approval(refusal=f"{by} did not approve: typed {typed} instead of {row_count} rows; nothing was deleted")
