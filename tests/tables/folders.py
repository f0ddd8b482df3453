"""Table folders of a test's own making."""

from pathlib import Path
from typing import Any

import yaml

COLUMNS: list[dict[str, Any]] = [
    {"name": "player_lookup", "type": "STRING", "required": True, "description": "The player."},
    {"name": "game_date", "type": "DATE", "required": True, "description": "The day of the game."},
    {"name": "games", "type": "INT64", "range": [1, 3], "description": "Games of the day."},
    {"name": "run_id", "type": "STRING", "volatile": True, "description": "The run that wrote the row."},
]
SPEC: dict[str, Any] = {
    "dataset": "nba_precompute",
    "name": "player_form",
    "description": "How many games a player has on the day.",
    "role": "derived",
    "grain": ["player_lookup", "game_date"],
    "partition": "game_date",
    "build": {
        "entity": "player_lookup",
        "inputs": [
            {"table": "nba_schedule", "window": "day"},
            {"table": "player_game_summary", "window": "day"},
        ],
        "sources": [{"name": "box_scores"}],
        "thresholds": {"block_below": 0.6, "warn_below": 0.8},
        "never_all_null": ["games"],
    },
    "columns": COLUMNS,
}
BUILD = """-- Grain: player_lookup.
SELECT player_lookup, game_date, COUNT(*) AS games, @run_id AS run_id
FROM expected
GROUP BY player_lookup, game_date
"""
EXPECTED = """-- Grain: player_lookup.
SELECT player_lookup, game_date
FROM expected_players
WHERE game_date = @game_date
"""


def table_folder(
    root: Path,
    *,
    name: str = "player_form",
    build: dict[str, Any] | None = None,
    sql: dict[str, str] | None = None,
    **changes: Any,
) -> Path:
    """Write a derived table's folder under ``root``; returns the folder.

    Args:
        root: Where.
        name: The table's and the folder's.
        build: What differs in the build section.
        sql: What differs in the queries, by name; an empty one is left out.
        changes: What differs in the rest of table.yaml.
    """
    folder = root / name
    folder.mkdir(parents=True)
    spec = {**SPEC, "name": name, "build": {**SPEC["build"], **(build or {})}, **changes}
    (folder / "table.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    for query, text in {"build": BUILD, "expected": EXPECTED, **(sql or {})}.items():
        if text:
            (folder / f"{query}.sql").write_text(text, encoding="utf-8")
    return folder
