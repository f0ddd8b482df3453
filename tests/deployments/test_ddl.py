import pytest

from deployments.commands import ddl
from deployments.commands.main import main
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.backdoor import run_sql
from tests.league import fetch

LEDGER = "nba_orchestration.backfill_ledger"
BOX = "nba_analytics.player_game_summary"


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
    run_sql(settings, f"ALTER TABLE {BOX} DROP COLUMN points", f"ALTER TABLE {BOX} ALTER assists TYPE VARCHAR")
    capsys.readouterr()
    assert main(["ddl", "apply", "--yes"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("differs")]
    assert line.startswith(f"differs  {BOX}: ")
    assert f"table {BOX} has no column points: add it, of type INT64" in line
    assert f"column {BOX}.assists is STRING: it must be INT64" in line
    assert fetch(settings, f"SELECT assists FROM {BOX} WHERE game_date = DATE '2023-01-01'") == []


def lose_two_columns(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Make every table, and put one row into the ledger, of a user's own kind: without two of its columns."""
    assert main(["ddl", "apply"]) == 0
    run_sql(
        settings,
        f"INSERT INTO {LEDGER} (table_name, game_date, run_id, attempt, outcome, message, source, code_version, "
        "started_at, recorded_at, missing, source_missing, inputs) VALUES "
        "('t', DATE '2023-01-01', 'r', 1, 'complete', 'm', 's', 'c', now(), now(), '[]', '[]', '{}')",
        *(f"ALTER TABLE {LEDGER} DROP COLUMN {name}" for name in ("source", "row_count")),
    )
    capsys.readouterr()


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> list[str]:
    """Answer every question on the terminal; returns what is asked."""
    asked: list[str] = []

    def say(question: str) -> str:
        asked.append(question)
        return text

    monkeypatch.setattr("builtins.input", say)
    return asked


def test_the_columns_that_a_table_of_ours_lacks_are_shown_asked_about_and_added(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_two_columns(settings, capsys)
    asked = answer(monkeypatch, "yes")
    assert main(["ddl", "apply"]) == 0
    out = capsys.readouterr().out
    assert (
        f"lacks    {LEDGER}: source, row_count\nALTER TABLE {LEDGER}\n  ADD COLUMN IF NOT EXISTS source STRING" in out
    )
    assert f"added    {LEDGER}: source, row_count" in out
    assert len(asked) == 1
    assert fetch(settings, f"SELECT table_name, outcome, source, row_count FROM {LEDGER}") == [
        {"table_name": "t", "outcome": "complete", "source": None, "row_count": None}
    ]
    assert main(["ddl", "apply"]) == 0
    assert f"is there {LEDGER}" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["no", "", "y"])
def test_no_column_is_added_without_a_yes(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    lose_two_columns(settings, capsys)
    answer(monkeypatch, text)
    assert main(["ddl", "apply"]) == 1
    assert "No column was added to it.\n" in capsys.readouterr().out
    assert main(["ddl", "apply", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "lacks" in out
    assert "added" not in out


def test_a_dry_run_creates_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ddl", "apply", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"missing  {table.full_name}" for table in load_catalogue(settings).tables.values()]
    assert main(["ddl", "apply", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_yes_adds_what_is_missing_without_a_question(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    lose_two_columns(settings, capsys)
    assert main(["ddl", "apply", "--yes"]) == 0
    assert f"added    {LEDGER}: source, row_count" in capsys.readouterr().out
