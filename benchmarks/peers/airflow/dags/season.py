"""A run a day: a task that writes the three tables, and one that checks them."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

SQL = Path(__file__).parent.parent / "sql"
TABLES = {
    "player_shot_zone_analysis": "analysis_date",
    "team_defense_zone_analysis": "analysis_date",
    "player_composite_factors": "game_date",
}


def connect():
    """Open the warehouse."""
    import duckdb  # noqa: TID251 - a peer does not use Fullcourt's warehouse

    connection = duckdb.connect(os.environ["WAREHOUSE"], config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@dag(
    schedule="@daily",
    start_date=datetime.fromisoformat("<<first>>").replace(tzinfo=UTC),
    end_date=datetime.fromisoformat("<<last>>").replace(tzinfo=UTC),
    catchup=False,
)
def season():
    """Write and check one day."""

    @task
    def build() -> None:
        day = get_current_context()["logical_date"].date()
        values = {"first_date": day, "last_date": day}
        with closing(connect()) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS nba_precompute")
            for name, partition in TABLES.items():
                rows = (SQL / f"{name}.build.sql").read_text(encoding="utf-8")
                connection.execute(f"CREATE TABLE IF NOT EXISTS nba_precompute.{name} AS {rows} LIMIT 0", values)
                connection.begin()
                connection.execute(f"DELETE FROM nba_precompute.{name} WHERE {partition} = $day", {"day": day})
                connection.execute(f"INSERT INTO nba_precompute.{name} {rows}", values)
                connection.commit()

    @task
    def complete() -> None:
        day = get_current_context()["logical_date"].date()
        with closing(connect()) as connection:
            for name in TABLES:
                gate = (SQL / f"{name}.gate.sql").read_text(encoding="utf-8")
                if found := connection.execute(gate, {"first_date": day, "last_date": day}).fetchall():
                    raise ValueError(f"{name} is not complete: {found}")

    build() >> complete()


season()
