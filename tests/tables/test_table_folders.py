"""A table folder that is incomplete or contradicts itself is refused with the file and the fault."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.errors import CatalogueError, RequestError
from tasks.settings import Settings
from tasks.tables.catalogue import TABLES_DIR, Catalogue, load_catalogue
from tests.tables.folders import COLUMNS, EXPECTED, SPEC, table_folder

pytestmark = pytest.mark.no_server

FOLDERS = sorted(file.parent for file in TABLES_DIR.glob("*/table.yaml"))


def columns(**changes: Any) -> dict[str, Any]:
    """The columns, with a change to the one that holds a number."""
    return {"columns": [{**column, **changes} if column["name"] == "games" else column for column in COLUMNS]}


def build(**changes: Any) -> dict[str, Any]:
    return {"build": {**SPEC["build"], **changes}}


# What differs from a folder that is valid, and what the message must hold.
INVALID: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an unknown key": ({"owner": "me"}, ("owner='me'", "not permitted")),
    "an unknown key of a column": (columns(unit="h"), ("columns.2.unit='h'", "not permitted")),
    "a dataset in capitals": ({"dataset": "NBA"}, ("dataset='NBA'", "should match pattern")),
    "an unknown role": ({"role": "output"}, ("role='output'", "'input', 'derived', 'record' or 'view'")),
    "no description": ({"description": ""}, ("description=''", "at least 1 character")),
    "no grain": ({"grain": []}, ("grain=[]", "at least 1 item")),
    "a type of another engine": (columns(type="VARCHAR"), ("columns.2.type='VARCHAR'", "'INT64', 'FLOAT64'")),
    "a column twice": ({"columns": [*COLUMNS, COLUMNS[2]]}, ("columns named twice: ['games']",)),
    "a key that is no column": ({"grain": ["game_id"]}, ("not among the columns: ['game_id']",)),
    "a cluster that is no column": ({"cluster": ["team"]}, ("not among the columns: ['team']",)),
    "a partition that is no column": ({"partition": "day"}, ("not among the columns: ['day']",)),
    "a partition that is no day": ({"partition": "games"}, ("partition column games must be a DATE",)),
    "half a range": (columns(range=[1]), ("columns.2.range.1", "Field required")),
    "a range the wrong way round": (columns(range=[3, 1]), ("the range of games starts at 3 and ends at 1",)),
    "a range of a text": (columns(type="STRING"), ("games is a STRING; only INT64 and FLOAT64 have a range",)),
    "an input with a build": ({"role": "input"}, ("no other table has one",)),
    "an entity that is no column": (build(entity="team"), ("not among the columns: ['team']",)),
    "a score that is no column": (build(never_all_null=["score"]), ("not among the columns: ['score']",)),
    "no score": (build(never_all_null=[]), ("build.never_all_null=[]", "at least 1 item")),
    "no input": (build(inputs=[]), ("build.inputs=[]", "at least 1 item")),
    "an unknown window": (
        build(inputs=[{"table": "nba_schedule", "window": "week"}]),
        ("build.inputs.0.window='week'", "'day', 'season_before' or 'season_to_date'"),
    ),
    "no source": (build(sources=[]), ("build.sources=[]", "at least 1 item")),
    "no fallback": (
        build(sources=[{"name": "upcoming", "table": "upcoming_player_game_context"}]),
        ("the last source, upcoming, must have no table: it is the fallback",),
    ),
    "a source that cannot be checked": (
        build(sources=[{"name": "guess"}, {"name": "box_scores"}]),
        ("source guess needs a table to check, or must be the last one",),
    ),
    "three sources": (
        build(sources=[{"name": "a", "table": "x"}, {"name": "b", "table": "x"}, {"name": "c"}]),
        ("at most one source before the fallback",),
    ),
    "two sources of one name": (
        build(sources=[{"name": "a", "table": "x"}, {"name": "a"}]),
        ("two sources are named a",),
    ),
    "thresholds the wrong way round": (
        build(thresholds={"block_below": 0.95, "warn_below": 0.9}),
        ("block_below (0.95) must not be above warn_below (0.9)",),
    ),
    "a threshold in percent": (
        build(thresholds={"block_below": 90}),
        ("build.thresholds.block_below=90", "less than or equal to 1"),
    ),
    "a threshold of nothing": (
        build(thresholds={"block_below": 0}),
        ("build.thresholds.block_below=0", "greater than 0"),
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_table_yaml_is_refused_by_file_and_fault(tmp_path: Path, name: str) -> None:
    changes, parts = INVALID[name]
    folder = table_folder(tmp_path, **changes)
    refused(folder, str(folder / "table.yaml"), *parts)


@pytest.mark.parametrize("key", ["dataset", "description", "role", "grain", "partition", "columns"])
def test_a_key_that_is_missing_is_named(tmp_path: Path, key: str) -> None:
    folder = table_folder(tmp_path)
    leave_out(folder, key)
    refused(folder, str(folder / "table.yaml"), f"{key}: Field required")


def test_a_derived_table_without_a_build_is_refused(tmp_path: Path) -> None:
    folder = table_folder(tmp_path)
    leave_out(folder, "build")
    refused(folder, str(folder / "table.yaml"), "a derived table has a build section, and no other table has one")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"name: [player_form", "not valid YAML"),
        (b"", "valid dictionary"),
        (b"- player_form", "valid dictionary"),
        ("description: Müller".encode("latin-1"), "not UTF-8 text"),
    ],
    ids=["no YAML", "empty", "a list", "another encoding"],
)
def test_a_table_yaml_that_cannot_be_read_is_refused_by_file(tmp_path: Path, content: bytes, part: str) -> None:
    folder = table_folder(tmp_path)
    (folder / "table.yaml").write_bytes(content)
    refused(folder, str(folder / "table.yaml"), part)


def test_a_query_that_cannot_be_read_is_refused_by_file(tmp_path: Path) -> None:
    folder = table_folder(tmp_path)
    (folder / "build.sql").write_bytes("SELECT 'Müller'".encode("latin-1"))
    refused(folder, str(folder / "build.sql"), "not UTF-8 text")


def test_a_folder_of_another_name_is_refused(tmp_path: Path) -> None:
    folder = table_folder(tmp_path).rename(tmp_path / "player_shape")
    refused(folder, str(folder / "table.yaml"), "name is player_form, but the folder is player_shape")


def test_a_second_table_of_a_name_is_refused(tmp_path: Path) -> None:
    folder = table_folder(tmp_path, name="player_composite_factors")
    refused(folder, str(folder), "there is a table folder named player_composite_factors already")


@pytest.mark.parametrize("query", ["build", "expected"])
def test_a_derived_table_without_its_query_is_refused(tmp_path: Path, query: str) -> None:
    refused(table_folder(tmp_path, sql={query: ""}), "player_form", f"{query}.sql is missing")


@pytest.mark.parametrize("source", ["upcoming", "rebuilt"])
def test_a_source_without_its_context_is_refused(tmp_path: Path, source: str) -> None:
    contexts = {"context_upcoming": EXPECTED, "context_rebuilt": EXPECTED, f"context_{source}": ""}
    sources = [{"name": "upcoming", "table": "upcoming_player_game_context"}, {"name": "rebuilt"}]
    folder = table_folder(tmp_path, build={"sources": sources}, sql=contexts)
    refused(folder, "player_form", f"context_{source}.sql is missing for source {source}")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"inputs": [{"table": "nba_games", "window": "day"}]}, "reads nba_games, and there is no such table folder"),
        (
            {"sources": [{"name": "upcoming", "table": "nba_games"}, {"name": "box_scores"}]},
            "reads nba_games, and there is no such table folder",
        ),
        ({"depends_on": ["player_age"]}, "depends_on player_age, which is not a derived table"),
        ({"depends_on": ["nba_schedule"]}, "depends_on nba_schedule, which is not a derived table"),
    ],
    ids=["input", "source", "unknown dependency", "dependency on an input"],
)
def test_a_table_that_reads_what_there_is_not_is_refused(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    refused(table_folder(tmp_path, build=changes), "player_form/table.yaml", part)


def test_tables_that_depend_on_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    one = table_folder(tmp_path, name="one", build={"depends_on": ["other"]})
    other = table_folder(tmp_path, name="other", build={"depends_on": ["one"]})
    with pytest.raises(CatalogueError, match=r"depends_on is circular: (one -> other|other -> one)"):
        Catalogue([*FOLDERS, one, other])


def test_a_table_that_is_read_and_not_named_among_the_inputs_is_refused(tmp_path: Path) -> None:
    folder = table_folder(tmp_path, build={"inputs": [{"table": "nba_schedule", "window": "day"}]})
    with pytest.raises(CatalogueError, match=r"its queries read nba_analytics\.player_game_summary, which inputs"):
        Catalogue([*FOLDERS, folder])


def test_an_extra_folder_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    missing = settings.model_copy(update={"extra_tables_dir": tmp_path / "nowhere"})
    with pytest.raises(CatalogueError, match=r"FULLCOURT_EXTRA_TABLES_DIR=.*nowhere: there is no such folder"):
        load_catalogue(missing)


def test_an_unknown_table_is_told_which_there_are(settings: Settings) -> None:
    catalogue = load_catalogue(settings)
    with pytest.raises(RequestError, match=r"tables='nba_games': no such table; there are .*player_composite_factors"):
        catalogue.table("nba_games")
    with pytest.raises(RequestError, match="tables='nba_schedule': not a derived table; those are player_shot_zone_an"):
        catalogue.build("nba_schedule")


CHANGES: dict[str, Callable[[Path], Path]] = {
    "its build": lambda root: table_folder(root, sql={"build": "SELECT 1 AS games FROM expected"}),
    "its expected set": lambda root: table_folder(root, sql={"expected": EXPECTED + "  AND team_abbr = 'BOS'\n"}),
    "a threshold": lambda root: table_folder(root, build={"thresholds": {"block_below": 0.5}}),
    "a range": lambda root: table_folder(root, **columns(range=[1, 2])),
    "a dependency": lambda root: table_folder(root, build={"depends_on": ["player_composite_factors"]}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_code_version_follows_from_all_that_decides_the_rows(tmp_path: Path, name: str) -> None:
    before = Catalogue([*FOLDERS, table_folder(tmp_path / "before")])
    after = Catalogue([*FOLDERS, CHANGES[name](tmp_path / "after")])
    assert before.code_version("player_form") != after.code_version("player_form")
    assert before.code_version("player_composite_factors") == after.code_version("player_composite_factors")


def test_the_code_version_follows_from_what_the_table_is_built_on(tmp_path: Path) -> None:
    def versions(root: Path, **changes: Any) -> list[str]:
        folders = [table_folder(root, name="base", **changes)]
        folders.append(table_folder(root, name="upon_it", build={"depends_on": ["base"]}))
        catalogue = Catalogue([*FOLDERS, *folders])
        return [catalogue.code_version(name) for name in ("base", "upon_it")]

    before = versions(tmp_path / "before")
    after = versions(tmp_path / "after", sql={"build": "SELECT 1 AS games FROM expected"})
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False]


def test_the_code_version_does_not_follow_from_a_description(tmp_path: Path) -> None:
    before = Catalogue([*FOLDERS, table_folder(tmp_path / "before")])
    after = Catalogue([*FOLDERS, table_folder(tmp_path / "after", description="Something else.")])
    assert before.code_version("player_form") == after.code_version("player_form")


def leave_out(folder: Path, key: str) -> None:
    file = folder / "table.yaml"
    spec = yaml.safe_load(file.read_text(encoding="utf-8"))
    del spec[key]
    file.write_text(yaml.safe_dump(spec), encoding="utf-8")


def refused(folder: Path, *parts: str) -> None:
    with pytest.raises(CatalogueError) as error:
        Catalogue([*FOLDERS, folder])
    for part in parts:
        assert part in str(error.value)
