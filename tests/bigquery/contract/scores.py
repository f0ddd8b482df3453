"""A table of the tests' own: two rows on one day, one on the next."""

import io
import json
from collections.abc import Sequence
from typing import Any

from google.cloud import bigquery  # noqa: TID251 - the real client

DATASET = "fullcourt_contract"
SCORES = f"{DATASET}.scores"
ONE, TWO = "2023-02-23", "2023-02-24"
CREATE = f"""CREATE TABLE IF NOT EXISTS {SCORES} (
  player STRING NOT NULL OPTIONS(description = "Who."), game_date DATE NOT NULL, score FLOAT64
)
PARTITION BY game_date
CLUSTER BY player
OPTIONS(description = "Scores.", require_partition_filter = TRUE)"""


def query(client: bigquery.Client, sql: str, **options: Any) -> list[dict[str, Any]]:
    """Run a statement; returns its rows."""
    job = client.query(sql, job_config=bigquery.QueryJobConfig(**options), job_retry=None)
    return [dict(row) for row in job.result(job_retry=None)]


def load(client: bigquery.Client, rows: Sequence[tuple[Any, ...]], table: str = SCORES) -> None:
    """Append rows by a load job."""
    lines = [json.dumps(dict(zip(("player", "game_date", "score"), row, strict=True))) for row in rows]
    config = bigquery.LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
        create_disposition="CREATE_NEVER",
        autodetect=False,
    )
    data = "\n".join(lines).encode()
    client.load_table_from_file(
        io.BytesIO(data), f"{client.project}.{table}", size=len(data), job_config=config
    ).result()


def copy(client: bigquery.Client, source: str, target: str, disposition: str = "WRITE_TRUNCATE") -> None:
    """Copy a table or partition onto another that is there."""
    config = bigquery.CopyJobConfig(write_disposition=disposition, create_disposition="CREATE_NEVER")
    client.copy_table(f"{client.project}.{source}", f"{client.project}.{target}", job_config=config).result()


def rows_of(client: bigquery.Client, table: str = SCORES) -> list[tuple[Any, ...]]:
    """Return the rows of the two days."""
    found = query(client, f"SELECT * FROM {table} WHERE game_date >= '{ONE}' ORDER BY game_date, player")
    return [(row["player"], str(row["game_date"]), row["score"]) for row in found]
