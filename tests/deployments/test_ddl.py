import pytest

from deployments.commands import ddl
from deployments.commands.main import main
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import run_sql
from tests.league import fetch

LEDGER = "nba_orchestration.backfill_ledger"


@pytest.fixture(params=["duckdb", "bigquery"])
def warehouse_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_committed_statements_are_those_of_the_catalogue() -> None:
    there = {file: file.read_text(encoding="utf-8") for file in ddl.FOLDER.glob("*.sql")}
    assert there == ddl.files()
    assert not any("expiration" in text for text in there.values())
    box = there[ddl.FOLDER / "nba_analytics.player_game_summary.sql"]
    assert "PARTITION BY game_date\nCLUSTER BY player_lookup" in box
    assert "require_partition_filter = TRUE" in box


def test_apply_creates_every_table_once_and_changes_none(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [table.full_name for table in load_catalogue(settings).tables.values()]
    assert main(["ddl", "apply"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"created  {name}" for name in names]
    assert main(["ddl", "apply"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"is there {name}" for name in names]


def test_a_table_that_differs_is_named_with_what_to_do_and_left_as_it_is(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ddl", "apply"]) == 0
    run_sql(settings, f"ALTER TABLE {LEDGER} DROP COLUMN message", f"ALTER TABLE {LEDGER} ALTER row_count TYPE VARCHAR")
    capsys.readouterr()
    assert main(["ddl", "apply"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("differs")]
    assert line.startswith(f"differs  {LEDGER}: ")
    assert f"table {LEDGER} has no column message: add it, of type STRING" in line
    assert f"column {LEDGER}.row_count is STRING: it must be INT64" in line
    assert fetch(settings, f"SELECT row_count FROM {LEDGER}") == []
