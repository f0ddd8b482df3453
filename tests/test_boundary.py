"""Whatever goes wrong in a flow or a command ends as one line that says what, where and what to do."""

import importlib
import logging
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.states import Completed

from deployments.commands import boundary
from flows.backfill import backfill
from tasks.errors import ApiError, FullcourtError, IngestError, MachineError, RequestError, UnforeseenError
from tasks.explain import explain
from tasks.runtime.boundary import ends_clearly
from tasks.settings import PROJECT_ROOT

MISSING_RUN = "/flow_runs/00000000-0000-0000-0000-000000000000"


def raised_by(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("nothing was raised")


def ask(path: str) -> object:
    with get_client(sync_client=True) as client:
        return client.request("GET", path)  # type: ignore[arg-type]


ERRORS: dict[str, tuple[Callable[[], object], type[FullcourtError], tuple[str, ...]]] = {
    "a file that is missing": (
        lambda: Path("/nowhere/file.csv").read_text(encoding="utf-8"),
        MachineError,
        ("/nowhere/file.csv: No such file or directory", "check that it exists"),
    ),
    "a folder for a file": (lambda: Path("/").read_bytes(), MachineError, ("/: Is a directory",)),
    "a value": (lambda: int("x"), UnforeseenError, ("ValueError: invalid literal for int()", "report this line")),
    "a number too large": (lambda: 2.0**10_000, UnforeseenError, ("OverflowError",)),
    "text that is none": (lambda: b"\xff".decode(), UnforeseenError, ("UnicodeDecodeError",)),
    "a message of two lines": (lambda: ends(ValueError("a\nb")), UnforeseenError, ("ValueError: a b",)),
    "an API that does not know it": (lambda: ask(MISSING_RUN), ApiError, ("Prefect's API answered GET http://", "404")),
    "an API that is not there": (
        lambda: httpx.Client().get("http://127.0.0.1:1/api/health"),
        ApiError,
        ("Prefect's API does not answer at http://127.0.0.1:1/api/health", "PREFECT_API_URL"),
    ),
    "one of ours": (lambda: ends(RequestError("dates=[]")), RequestError, ("dates=[]",)),
}


def ends(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_one_line_that_says_what_where_and_what_to_do(name: str) -> None:
    call, kind, parts = ERRORS[name]
    known = explain(raised_by(call))
    assert type(known) is kind
    assert "\n" not in str(known)
    for part in parts:
        assert part in str(known)


def test_what_prefect_says_is_missing_is_an_answer_of_its_api() -> None:
    with get_client(sync_client=True) as client, pytest.raises(ObjectNotFound) as error:
        client.read_flow_run("00000000-0000-0000-0000-000000000000")  # type: ignore[arg-type]
    assert "404" in str(explain(error.value))


def test_no_credentials_are_left_in_what_is_kept_of_an_api_error(tmp_path: Path) -> None:
    @flow(persist_result=False)
    @ends_clearly
    def asks() -> State[None]:
        ask(MISSING_RUN)
        return Completed()

    storage = tmp_path / "storage"
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: storage}):
        state = asks(return_state=True)
    assert state.is_failed()
    error = state.result(raise_on_failure=False)
    assert isinstance(error, ApiError)
    assert b"uthorization" not in pickle.dumps(error)
    assert not storage.exists() or not any(storage.rglob("*"))


def test_an_expected_error_is_logged_once_and_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="prefect"):
        state = backfill(start_date="yesterday", return_state=True)
    assert isinstance(state.result(raise_on_failure=False), RequestError)
    assert str(state.message).startswith("RequestError: start_date='yesterday': ")
    lines = [
        record for record in caplog.records if "yesterday" in record.getMessage() and record.levelno == logging.ERROR
    ]
    assert len(lines) == 1
    assert all(record.exc_info is None for record in caplog.records)
    with pytest.raises(RequestError):
        backfill(start_date="yesterday")  # type: ignore[call-overload]


UNSEEN = "\0\x1b[2J\u202e\n"
BAD_PARAMETERS: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "backfill": (
        {
            "start_date": UNSEEN,
            "end_date": 5,
            "dates": 7,
            "force": "perhaps",
            "max_concurrency": True,
            "max_days": 10**30,
        },
        (
            "start_date='",
            "end_date=5: ",
            "dates=7: ",
            "force='perhaps': ",
            "max_concurrency=True: ",
            "max_days=1000000",
        ),
    ),
    "backfill of no table": ({"start_date": "x" * 5000, "tables": UNSEEN + "x" * 5000}, ("tables='", "give a list of")),
    "cleanup": (
        {
            "ttl_days": 10**30,
            "dry_run": UNSEEN,
            "approval": [],
            "approval_timeout_seconds": 1.5,
            "cleanup_type": UNSEEN,
        },
        ("ttl_days=1000000", "dry_run='", "approval=[]: ", "approval_timeout_seconds=1.5: ", "cleanup_type='"),
    ),
    "ingest": (
        {
            "game_logs": UNSEEN,
            "schedules": {},
            "dry_run": "perhaps",
            "allow_shrink": 7,
            "max_reported_rejections": 10**9,
        },
        (
            "game_logs='",
            "schedules={}: ",
            "dry_run='perhaps': ",
            "allow_shrink=7: ",
            "max_reported_rejections=1000000000: ",
        ),
    ),
    "ingest of no path": ({"game_logs": [UNSEEN + "x" * 5000]}, ("no file matches", r"\x00\x1b[2J")),
    "restore": ({"backup": 5, "dry_run": UNSEEN}, ("backup=5: ", "dry_run='")),
    "restore of no backup": (
        {"backup": UNSEEN + "x y" * 5000},
        ("backup='", r"\x00\x1b[2J", "there is no such backup"),
    ),
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_every_flow_says_each_bad_parameter_in_one_line_that_can_be_printed(name: str) -> None:
    parameters, parts = BAD_PARAMETERS[name]
    flow = name.partition(" ")[0]
    state = getattr(importlib.import_module(f"flows.{flow}"), flow)(**parameters, return_state=True)
    error = state.result(raise_on_failure=False)
    assert isinstance(error, RequestError | IngestError), error
    for message in (str(error), str(state.message)):
        assert message.isprintable()
        assert len(message) < 2500
        for part in parts:
            assert part in message


@pytest.mark.parametrize("kind", [FullcourtError, RequestError, MachineError])
def test_no_error_of_ours_prints_what_a_terminal_would_obey_or_hides_its_advice(kind: type[FullcourtError]) -> None:
    said = str(kind(f"{UNSEEN}\ud800 {'x' * 5000}: is missing;\n look for it"))
    assert said.isprintable()
    assert said.startswith(r"\x00\x1b[2J\u202e \ud800 xxx")
    assert said.endswith("xxx: is missing; look for it")
    assert len(said) < 600
    assert len(str(kind("a word and " * 5000))) < 2000
    path = "/a/path/of/some/length/" * 10
    assert str(kind(f"{path}: Jokić's file")) == f"{path}: Jokić's file"


def test_every_flow_ends_at_the_edge() -> None:
    for file in sorted((PROJECT_ROOT / "flows").glob("[!_]*.py")):
        made = getattr(importlib.import_module(f"flows.{file.stem}"), file.stem)
        assert made.fn.__wrapped__.__module__ == f"flows.{file.stem}"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RequestError("no such day"), 1, "error: no such day\n"),
        (FileNotFoundError(2, "No such file or directory", "/nowhere"), 1, "error: /nowhere: No such file"),
        (ValueError("odd"), 1, "error: ValueError: odd"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_a_command_ends_with_one_line_and_a_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @boundary.ends_clearly
    def main(arguments: Sequence[str] | None = None) -> int:
        raise error

    assert main([]) == code
    assert capsys.readouterr().err.startswith(said)
