"""Three assets, partitioned by day, each with a blocking check."""

import os
from datetime import date
from pathlib import Path

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetsDefinition,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    asset,
    in_process_executor,
)
from dagster_duckdb import DuckDBResource

SQL = Path(__file__).parent / "sql"
TABLES = {  # the partition column, and the tables that it is made of
    "player_shot_zone_analysis": ("analysis_date", []),
    "team_defense_zone_analysis": ("analysis_date", []),
    "player_composite_factors": ("game_date", ["player_shot_zone_analysis", "team_defense_zone_analysis"]),
}

QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}

days = DailyPartitionsDefinition(start_date="<<first>>", end_date="<<end>>")


def table(name: str) -> AssetsDefinition:
    """Return the asset of a table: a partition is replaced as a whole, then checked."""
    partition, needs = TABLES[name]
    build, gate = ((SQL / f"{name}.{kind}.sql").read_text(encoding="utf-8") for kind in ("build", "gate"))
    check = AssetCheckSpec("complete", asset=name, blocking=True)

    @asset(name=name, deps=needs, partitions_def=days, check_specs=[check])
    def rows(context: AssetExecutionContext, warehouse: DuckDBResource) -> MaterializeResult:
        day = date.fromisoformat(context.partition_key)
        values = {"first_date": day, "last_date": day}
        with warehouse.get_connection() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("CREATE SCHEMA IF NOT EXISTS nba_precompute")
            connection.execute(f"CREATE TABLE IF NOT EXISTS nba_precompute.{name} AS {build} LIMIT 0", values)
            connection.begin()
            connection.execute(f"DELETE FROM nba_precompute.{name} WHERE {partition} = $day", {"day": day})
            connection.execute(f"INSERT INTO nba_precompute.{name} {build}", values)
            connection.commit()
            incomplete = connection.execute(gate, values).fetchall()
        return MaterializeResult(
            check_results=[
                AssetCheckResult(passed=not incomplete, check_name="complete", metadata={"days": str(incomplete)})
            ]
        )

    return rows


defs = Definitions(
    assets=[table(name) for name in TABLES],
    executor=in_process_executor,  # a process for each step as well would cost more than the step
    resources={
        "warehouse": DuckDBResource(database=os.environ["WAREHOUSE"], connection_config={"threads": 1}),
    },
)
