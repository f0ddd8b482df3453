"""Which failures are resolved: those whose day has passed since."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse

pytestmark = pytest.mark.no_server

DAY = date(2023, 2, 23)
NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
RECORDS = ("backfill_ledger", "precompute_failures")


def attempt(minute: int, outcome: str, table: str = "factors", day: date = DAY) -> dict[str, Any]:
    """Return what both records say of an attempt."""
    return {
        "table_name": table,
        "game_date": day,
        "run_id": f"run-{minute}",
        "attempt": 1,
        "outcome": outcome,
        "category": "reference_incomplete",
        "message": "",
        "can_retry": False,
        "code_version": "v1",
        "started_at": NOON,
        "recorded_at": NOON + timedelta(minutes=minute),
    }


def history(settings: Settings, *attempts: dict[str, Any]) -> dict[tuple[str, date, str], tuple[str, str | None, Any]]:
    """Return the state of each failure, by table, day and run."""
    catalogue = load_catalogue(settings)
    rows = {
        "backfill_ledger": list(attempts),
        "precompute_failures": [each for each in attempts if each["outcome"] in ("blocked", "failed")],
    }
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create([catalogue.table(name) for name in (*RECORDS, "failure_history")])
        try:
            for table in map(catalogue.table, RECORDS):
                known = {column.name for column in table.columns}
                some = [{name: value for name, value in row.items() if name in known} for row in rows[table.name]]
                warehouse.append(table, some)
            found = warehouse.fetch("SELECT * FROM nba_orchestration.failure_history")
        finally:  # other tests read the same file
            for table in map(catalogue.table, RECORDS):
                warehouse.fetch(f"DELETE FROM {table.full_name} WHERE TRUE")
    return {
        (row["table_name"], row["game_date"], row["run_id"]): (
            row["resolution_status"],
            row["resolution"],
            row["resolved_at"],
        )
        for row in found
    }


@pytest.mark.parametrize("outcome", ["complete", "complete_with_warning", "forced", "waived", "no_games"])
def test_a_failure_is_resolved_by_the_first_attempt_after_it_by_which_its_day_passes(
    bench: Settings, outcome: str
) -> None:
    found = history(
        bench, attempt(1, "blocked"), attempt(2, "failed"), attempt(3, outcome), attempt(4, "complete_with_warning")
    )
    resolved = ("resolved", outcome, NOON + timedelta(minutes=3))
    assert found == {("factors", DAY, "run-1"): resolved, ("factors", DAY, "run-2"): resolved}


def test_a_failure_is_open_until_its_own_day_and_table_pass(bench: Settings) -> None:
    found = history(
        bench,
        attempt(1, "complete"),
        attempt(2, "blocked"),
        attempt(3, "failed"),
        attempt(4, "complete", table="zones"),
        attempt(5, "complete", day=DAY + timedelta(days=1)),
    )
    still_open = ("open", None, None)
    assert found == {("factors", DAY, "run-2"): still_open, ("factors", DAY, "run-3"): still_open}
