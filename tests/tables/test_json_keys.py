"""The page of the JSON columns names every key that a row has, and no other."""

import json
import re

import pytest

from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tests.tables.rows import Case, score

pytestmark = pytest.mark.no_server

PAGE = PROJECT_ROOT / "docs" / "tables.md"
_SECTION = re.compile(r"^## (\w+_context_json)\n(.*?)(?=^## )", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
SECTIONS = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))
BEFORE = {
    "fatigue_context_json": {
        "days_rest",
        "back_to_back",
        "games_last_7",
        "minutes_last_7",
        "avg_minutes_pg_last_7",
        "back_to_backs_last_14",
        "player_age",
        "penalties_applied",
        "bonuses_applied",
        "final_score",
    },
    "shot_zone_context_json": {
        "missing_data",
        "player_primary_zone",
        "primary_zone_frequency",
        "opponent_weak_zone",
        "opponent_defense_vs_league",
        "mismatch_type",
        "final_score",
    },
    "pace_context_json": {
        "pace_differential",
        "opponent_pace_last_10",
        "league_avg_pace",
        "pace_environment",
        "final_score",
    },
    "usage_context_json": {
        "projected_usage_rate",
        "avg_usage_last_7",
        "usage_differential",
        "star_teammates_out",
        "usage_trend",
        "final_score",
    },
}
"""The keys that readers of the program before know, by column."""
CASES = {
    "with zones": Case({}, {"primary_scoring_zone": "paint", "paint_rate_last_10": 40.0}, {}),
    "without": Case({"days_rest": None, "player_age": None}),
}


def test_the_page_has_a_section_for_every_column_of_json() -> None:
    columns = {column.name for column in load_catalogue(Settings()).table("player_composite_factors").columns}
    assert set(SECTIONS) == {name for name in columns if name.endswith("_context_json")} == set(BEFORE)


def test_a_row_has_the_keys_that_the_page_names_and_no_other(bench: Settings) -> None:
    rows = score(bench, CASES)
    assert set(rows) == set(CASES)
    for name, row in rows.items():
        for column, section in SECTIONS.items():
            keys = [key for key, *_ in _ROW.findall(section)]
            assert sorted(json.loads(row[column])) == sorted(keys), (name, column)


@pytest.mark.parametrize("column", SECTIONS)
def test_every_key_that_readers_know_is_mapped_and_every_key_is_said_with_its_unit(column: str) -> None:
    rows = _ROW.findall(SECTIONS[column])
    words = set(re.findall(r"\w+", " ".join([before for _, before, *_ in rows])))
    gone = SECTIONS[column].partition("Not here: ")[2]
    assert {key for key in BEFORE[column] if key not in words and f"`{key}`" not in gone} == set()
    assert all(meaning and unit for _, _, meaning, unit in rows)
    assert len(rows) == SECTIONS[column].count("\n| `")
