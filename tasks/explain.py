"""Turn any error into one of ours, whose message says in one line what was wrong, where, and what to do."""

import errno
import stat
from pathlib import Path
from traceback import walk_tb

import httpx

from tasks.errors import ApiError, FullcourtError, MachineError, UnforeseenError

_ROOT = Path(__file__).resolve().parent.parent
_OURS = ("flows", "tasks", "deployments")
_SPECIAL = (
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def explain(error: Exception) -> FullcourtError:
    """Return an error as one of ours; one that is ours already as it is.

    What is returned holds text alone: no request and its headers, no driver's objects.
    """
    if isinstance(error, FullcourtError):
        return error
    api_error = _api_error(error)
    if api_error is not None:
        return ApiError(api_error)
    if isinstance(error, OSError) and error.strerror:
        paths = " and ".join(str(path) for path in (error.filename, error.filename2) if path is not None)
        where = f"{paths}: " if paths else ""
        return MachineError(
            f"{where}{error.strerror}{_source_line(error)}; check that it exists, is readable and has space"
        )
    message = _one_line(error)
    return UnforeseenError(
        f"{type(error).__name__}{f': {message}' if message else ''}{_source_line(error)}; check the parameters and "
        "settings, and if they are right, report this line with the run's log: it is a defect"
    )


def name_special(path: Path) -> str | None:
    """Name what a path is if it is neither a file nor a folder; None if it is one of them, or does not exist.

    Reading a pipe or a device can block for ever, or return what is no data.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "a link to a file that is not there" if path.is_symlink() else None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return "a link that leads round in a circle"
    return next((name for is_it, name in _SPECIAL if is_it(mode)), None)


def _api_error(error: BaseException) -> str | None:
    """Describe an error of Prefect's API or of the connection to it; None if it is another kind of error."""
    if type(error).__module__.startswith("prefect.") and isinstance(error.__cause__, httpx.HTTPStatusError):
        error = error.__cause__  # such as ObjectNotFound
    if isinstance(error, httpx.HTTPStatusError):
        request, status = error.request, error.response.status_code
        detail = " ".join(error.response.text.split())[:200]
        advice = {
            401: "set PREFECT_API_AUTH_STRING or PREFECT_API_KEY to what the server takes",
            403: "the server does not allow it to these credentials",
            404: "it was deleted, or PREFECT_API_URL names another server",
        }.get(status, "look at the server's log, and run it again")
        return f"Prefect's API answered {request.method} {_address(request)} with {status} {detail}; {advice}"
    if isinstance(error, httpx.RequestError):
        address = _address(error.request) if _has_request(error) else "its address"
        what = _one_line(error) or type(error).__name__
        return f"Prefect's API does not answer at {address}: {what}; check PREFECT_API_URL, or start it: make up"
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
        return f"Prefect's API cannot be asked: {_one_line(error)}; check PREFECT_API_URL"
    return None


def _has_request(error: httpx.RequestError) -> bool:
    try:
        return error.request is not None
    except RuntimeError:
        return False


def _address(request: httpx.Request) -> str:
    return str(request.url.copy_with(userinfo=b"", query=None))


def _source_line(error: BaseException) -> str:
    """Return the last line of the project in an error's traceback; empty if there is none."""
    found = ""
    for frame, line in walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _OURS and path != Path(__file__):
            found = f" ({path.relative_to(_ROOT)}, line {line})"
    return found


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]
