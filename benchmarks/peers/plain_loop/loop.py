"""The bare loop: the rows of each day that has none yet, table by table, one statement each, in one process."""

import sys
from contextlib import closing
from pathlib import Path

import duckdb  # noqa: TID251 - a peer does not use Fullcourt's warehouse

TABLES = {
    "player_shot_zone_analysis": "analysis_date",
    "team_defense_zone_analysis": "analysis_date",
    "player_composite_factors": "game_date",
}
SQL = Path(__file__).parent / "sql"


def main(warehouse: str) -> None:
    """Write what is missing of every day."""
    with closing(duckdb.connect(warehouse, config={"threads": 1})) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA IF NOT EXISTS nba_precompute")
        days = [day for (day,) in connection.execute("SELECT game_date FROM benchmark.days ORDER BY 1").fetchall()]
        inserts = {}
        for table in TABLES:
            rows = (SQL / f"{table}.sql").read_text(encoding="utf-8")
            of_no_day = {"first_date": days[0], "last_date": days[0]}
            connection.execute(f"CREATE TABLE IF NOT EXISTS nba_precompute.{table} AS {rows} LIMIT 0", of_no_day)
            (inserts[table],) = connection.extract_statements(f"INSERT INTO nba_precompute.{table} {rows}")
        for day in days:
            for table, partition in TABLES.items():
                there = f"SELECT 1 FROM nba_precompute.{table} WHERE {partition} = $day LIMIT 1"
                if connection.execute(there, {"day": day}).fetchone() is None:
                    connection.execute(inserts[table], {"first_date": day, "last_date": day})


if __name__ == "__main__":
    main(sys.argv[1])
