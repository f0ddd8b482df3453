"""Input files of a test's own making."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import State
from prefect.client.orchestration import get_client

from flows.ingest import ingest
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse

Row = dict[str, Any]

COUNTS = ("PTS", "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "AST", "STL", "BLK", "TOV", "PF")
DEN_AT_CLE = "0022200901"


def log_row(**changes: Any) -> Row:
    """A player of Denver in a game at Cleveland, in the columns of LeagueGameLog."""
    row = {
        "SEASON_ID": "22022",
        "GAME_ID": DEN_AT_CLE,
        "GAME_DATE": "2023-02-23",
        "PLAYER_ID": 202704,
        "PLAYER_NAME": "Reggie Jackson",
        "TEAM_ABBREVIATION": "DEN",
        "MATCHUP": "DEN @ CLE",
        "WL": "W",
        "MIN": 20,
        **dict.fromkeys(COUNTS, 0),
        "REB": 0,
        "FG_PCT": None,
        "PLUS_MINUS": 3,
    }
    return row | changes


def game_rows(players: int = 5, **changes: Any) -> list[Row]:
    """Both teams of the game, ``players`` a team: den 1, den 2, ..., cle 1, ..."""
    return [
        log_row(
            PLAYER_ID=1000 * side + number,
            PLAYER_NAME=f"{team.title()} {number}",
            TEAM_ABBREVIATION=team,
            MATCHUP=matchup,
            **{"MIN": 48, "PTS": number, "FGM": 2, "FGA": 10, "FTA": 4, "TOV": 2, **changes},
        )
        for side, (team, matchup) in enumerate([("DEN", "DEN @ CLE"), ("CLE", "CLE vs. DEN")], start=1)
        for number in range(1, players + 1)
    ]


def schedule_row(**changes: Any) -> Row:
    """The game of Denver at Cleveland, as a list of final scores has it."""
    row = {
        "GAME_ID": DEN_AT_CLE,
        "GAME_DATE": "2023-02-23",
        "SEASON_YEAR": 2022,
        "HOME_TEAM": "CLE",
        "AWAY_TEAM": "DEN",
        "HOME_PTS": 109,
        "AWAY_PTS": 115,
    }
    return row | changes


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as CSV, None as nothing; returns the path as text."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as Parquet; returns the path as text."""
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return str(path)


@dataclass(frozen=True)
class Run:
    """What a run left behind: its state and its artifacts."""

    state: State[Any]
    report: str
    rejections: list[Row]
    kept_back: list[Row]


def run_ingest(**parameters: Any) -> Run:
    """Run the flow as a user does."""
    state = ingest(return_state=True, **parameters)
    query = {"flow_runs": {"id": {"any_": [str(state.state_details.flow_run_id)]}}, "limit": 10}
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/filter", json=query).json()
    artifacts = {artifact["key"]: artifact["data"] for artifact in found}
    rejections, kept_back = (
        json.loads(data) if isinstance(data := artifacts.get(key, []), str) else data
        for key in ("ingest-rejections", "ingest-kept-back")
    )
    return Run(
        state=state,
        report=artifacts.get("ingest-report", ""),
        rejections=rejections,
        kept_back=kept_back,
    )


def content(settings: Settings, name: str) -> list[Row]:
    """All rows of a table without its volatile columns, in the order of its keys."""
    table = load_catalogue(settings).table(name)
    columns, keys = ", ".join(table.content_columns), ", ".join(table.grain)
    return query(settings, f"SELECT {columns} FROM {table.full_name} ORDER BY {keys}")


def query(settings: Settings, sql: str, **parameters: Any) -> list[Row]:
    """The rows of a GoogleSQL query."""
    with open_warehouse(settings.connection()) as warehouse:
        return warehouse.fetch(sql, parameters)
