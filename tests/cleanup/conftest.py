"""Every test of this folder holds on both warehouses; it is noon of 2023-03-01 in New York."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest

import flows.backfill
import flows.cleanup
import flows.restore  # noqa: F401 - their clocks are set
from flows.cleanup import cleanup
from flows.restore import restore
from tasks.cleanup.report import CleanupReport, RestoreReport
from tasks.runtime import clock
from tasks.runtime.boundary import report_of
from tests.backfill.conftest import in_thread
from tests.both_warehouses import pytest_generate_tests
from tests.cleanup.observe import NOW

__all__ = ["in_thread", "pytest_generate_tests"]

SetClock = Callable[[datetime], None]
Clean = Callable[..., CleanupReport]
Restore = Callable[..., RestoreReport]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Let the flows run at another moment, for this machine and for the server."""

    def _set(moment: datetime) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return moment.astimezone(tz or UTC)

        for flow in ("backfill", "cleanup", "restore"):
            monkeypatch.setattr(sys.modules[f"flows.{flow}"], "datetime", Clock)
        monkeypatch.setattr(clock, "server_time", lambda: moment)

    return _set


@pytest.fixture(autouse=True)
def _noon(set_clock: SetClock) -> None:
    set_clock(NOW)


@pytest.fixture
def clean() -> Clean:
    """Run the cleanup as a user does, and return its report; it deletes, if nothing else is said."""

    def _clean(**parameters: Any) -> CleanupReport:
        state = cleanup(return_state=True, **{"dry_run": False, **parameters})
        report = report_of(state)
        if isinstance(report, BaseException):
            raise report
        assert isinstance(report, CleanupReport)
        assert state.is_cancelled() == (report.refusal is not None), state
        assert state.is_completed() == (report.is_done and report.refusal is None), state
        return report

    return _clean


@pytest.fixture
def put_back() -> Restore:
    """Run the restore as a user does, and return its report; it puts rows back, if nothing else is said."""

    def _restore(backup: str, **parameters: Any) -> RestoreReport:
        state = restore(backup, return_state=True, **{"dry_run": False, **parameters})
        report = report_of(state)
        if isinstance(report, BaseException):
            raise report
        assert isinstance(report, RestoreReport)
        return report

    return _restore
