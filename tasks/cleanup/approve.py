"""Ask a person before anything is deleted: in Prefect's UI, or on the terminal.

An answer holds for one attempt of the run and for one content, both of which are in the key under which Prefect keeps
it, and it is taken once. A run of a deployment is suspended while it waits: its process ends, nothing of the worker is
held, and any worker starts it from the top when it is resumed. It previews again, and asks again if anything changed.
"""

from collections.abc import Sequence
from datetime import date
from getpass import getuser
from uuid import UUID, uuid4

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from prefect.states import Running
from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from tasks.cleanup.report import preview_markdown
from tasks.cleanup.rules import Approval, CleanupRequest, TablePreview, content_digest
from tasks.errors import ClockError, RequestError
from tasks.parameters import check
from tasks.runtime.run import Run

_POLL_SECONDS = 2
_ANSWERS = 200  # a page of Prefect's API


class ApprovalForm(RunInput):
    """What a person fills in to resume a paused cleanup."""

    rows_to_delete: int = Field(
        description="Type the number of rows that the preview shows. Any other number, such as 0, deletes nothing."
    )
    approved_by: str = Field(min_length=1, description="Your name, for the audit log.")


def approve(run: Run, request: CleanupRequest, previews: Sequence[TablePreview], doubts: Sequence[str]) -> Approval:
    """Ask a person, if the request says so and there is anything to delete; waits for the answer.

    Args:
        run: The current one.
        request: What the run was asked to do.
        previews: What would be deleted.
        doubts: Why it cannot be as late as the clock says: shown to a person, and refused where none is asked.

    Returns:
        Who approved; or why nothing may be deleted: another number, a refusal, or no answer in time.

    Raises:
        ClockError: There are doubts, and the run asks for no approval.
    """
    row_count = sum(preview.row_count for preview in previews)
    if doubts and row_count and not request.previews_only and not request.approval:
        raise ClockError(
            f"it cannot be {request.as_of} in New York: {'; '.join(doubts)}. Set the clock right, or load the schedule "
            "and box scores up to today, or run it with approval=true and let a person decide; nothing was deleted"
        )
    if request.previews_only or not request.approval or not row_count:
        return Approval()
    shown = preview_markdown(previews, doubts)
    prompt = run.settings.approval_prompt
    approval = _ask_on_terminal(previews, shown) if prompt else _ask_in_ui(run, request, previews, shown)
    get_run_logger().info("%s", approval.refusal or f"{approval.approved_by} approved {row_count} rows")
    return approval


def name_cleanup() -> str:
    """Return the name of the current run: what started it, and what it does without a person."""
    given = flow_run.get_parameters()
    try:
        request = check(CleanupRequest, as_of=date.max, **given)
    except RequestError:
        return "invalid request"
    verb = "previews" if request.previews_only else "asks" if request.approval else "deletes"
    ttl_days = "" if request.ttl_days is None else f", {request.ttl_days} days"
    return f"{request.cleanup_type} {verb}{ttl_days}"


def _ask_in_ui(run: Run, request: CleanupRequest, previews: Sequence[TablePreview], shown: str) -> Approval:
    content = f"{run.attempt}-{content_digest(previews)}"
    given = _take_answer(run, content)
    if given is None:
        form = ApprovalForm.with_initial_data(description=shown)
        key = f"{content}-{uuid4().hex[:8]}"
        timeout = request.approval_timeout_seconds
        try:
            if deployment.get_id():
                given = suspend_flow_run(wait_for_input=form, timeout=timeout, key=key)
            else:  # no worker would start it again
                given = pause_flow_run(wait_for_input=form, timeout=timeout, poll_interval=_POLL_SECONDS, key=key)
        except FlowPauseTimeout:
            refusal = f"nobody approved within {timeout} s; nothing was deleted: run it again"
            _go_on(run, refusal)
            return Approval(refusal=refusal)
    return _judge(given.rows_to_delete, previews, by=given.approved_by)


def _take_answer(run: Run, content: str) -> ApprovalForm | None:
    """Take the answers with which this attempt was resumed, each once; returns the one about this content, if any."""
    run_id, found = UUID(run.id), None
    with get_client(sync_client=True) as client:
        for each in client.filter_flow_run_input(run_id, f"suspended-{run.attempt}-", _ANSWERS, set()):
            if not each.key.endswith("-response"):
                continue
            client.delete_flow_run_input(run_id, each.key)
            if each.key.startswith(f"suspended-{content}-"):
                found = ApprovalForm.model_validate_json(each.value)
            else:
                get_run_logger().warning("what is stale has changed since it was approved: approval is asked for again")
    return found


def _go_on(run: Run, why: str) -> None:
    """End the pause: left to itself, Prefect fails a run whose pause is over, and says neither why nor what of it."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(run.id), Running(message=why), force=True)


def _ask_on_terminal(previews: Sequence[TablePreview], shown: str) -> Approval:
    """Ask without a time-out: a terminal waits as long as its user does."""
    Console().print(Markdown(shown))
    try:
        typed = input("Type the number of rows to delete; anything else deletes nothing: ").strip()
    except EOFError:
        return Approval(refusal="nobody answered; nothing was deleted")
    given = typed.replace(",", "")
    return _judge(int(given) if given.isdecimal() else None, previews, by=getuser())


def _judge(typed: int | None, previews: Sequence[TablePreview], *, by: str) -> Approval:
    row_count = sum(preview.row_count for preview in previews)
    if typed == row_count:
        return Approval(approved_by=by)
    return Approval(refusal=f"{by} did not approve: typed {typed} instead of {row_count} rows; nothing was deleted")
