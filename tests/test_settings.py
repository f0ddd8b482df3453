"""The settings: a variable that does not exist is not a setting that is off."""

from pathlib import Path

import pytest

from tasks.domain.errors import SettingsError
from tasks.settings import load_settings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FULLCOURT_DUCKDB_FILE", "FULLCOURT_DUCKDB_PATH"),
        ("FULLCOURT_WAREHOSE", "FULLCOURT_WAREHOUSE"),
        ("fullcourt_retry", "FULLCOURT_RETRIES"),
    ],
)
def test_a_variable_that_does_not_exist_is_refused_and_the_nearest_named(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(SettingsError, match=rf"^{name}: there is no such setting; is {meant} meant\?$"):
        load_settings()


def test_so_is_a_line_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("FULLCOURT_BOOTSTRAP_DAY=3\nOTHER=4\n", encoding="utf-8")
    monkeypatch.setattr("tasks.settings.PROJECT_ROOT", tmp_path)
    with pytest.raises(SettingsError, match=rf"FULLCOURT_BOOTSTRAP_DAY in {file}: .* FULLCOURT_BOOTSTRAP_DAYS meant"):
        load_settings()


def test_variables_that_others_read_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FULLCOURT_PROJECT_DIR", "/somewhere")
    monkeypatch.setenv("FULLCOURT_TEST_BIGQUERY_PROJECT", "some-project")
    load_settings()
