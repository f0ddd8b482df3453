"""The settings: a variable that does not exist is not a setting that is off."""

from pathlib import Path

import pytest

from tasks.errors import SettingsError
from tasks.settings import PROJECT_ROOT, Settings, load_settings

pytestmark = pytest.mark.no_server


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


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "-1"])
@pytest.mark.parametrize(
    "name", [name for name, field in Settings.model_fields.items() if field.annotation in (int, float)]
)
def test_what_is_no_number_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"FULLCOURT_{name.upper()}"
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"^{variable}='{value}': Input should be "):
        load_settings()


def test_a_user_that_there_is_not_is_refused_by_the_name_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FULLCOURT_DUCKDB_PATH", "~nobody-of-this-name/warehouse.duckdb")
    with pytest.raises(SettingsError, match=r"^FULLCOURT_DUCKDB_PATH=.*nobody-of-this-name.*there is no such user"):
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


def test_the_readme_has_each_setting_with_its_default_and_its_description() -> None:
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    documented = [line for line in readme.splitlines() if line.startswith("| `FULLCOURT_")]
    assert documented == [
        f"| `FULLCOURT_{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Path):
        value = value.relative_to(PROJECT_ROOT)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
