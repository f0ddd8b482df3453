"""Ask the test server by the real client."""

import io
import json
from typing import Any

from google.cloud import bigquery  # noqa: TID251 - the real client

from tests.bigquery_server.server import BigQueryServer

SCORES = "d.scores"
CREATE = f"""CREATE TABLE IF NOT EXISTS {SCORES} (
  player STRING NOT NULL OPTIONS(description = "Who."), game_date DATE NOT NULL, score FLOAT64
)
PARTITION BY game_date
CLUSTER BY player
OPTIONS(description = "Scores.", require_partition_filter = TRUE)"""
NO_RETRY: Any = None  # every answer is looked at; the client's types want a Retry
ONE, TWO = "2023-02-23", "2023-02-24"


def query(client: bigquery.Client, sql: str, **options: Any) -> list[dict[str, Any]]:
    job = client.query(sql, job_config=bigquery.QueryJobConfig(**options), retry=NO_RETRY, job_retry=NO_RETRY)
    return [dict(row) for row in job.result(retry=NO_RETRY, job_retry=NO_RETRY)]


def load(client: bigquery.Client, rows: list[tuple[Any, ...]], table: str = SCORES) -> bigquery.LoadJob:
    lines = [json.dumps(dict(zip(("player", "game_date", "score"), row, strict=True))) for row in rows]
    config = bigquery.LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
        create_disposition="CREATE_NEVER",
        autodetect=False,
    )
    data = "\n".join(lines).encode()
    job: bigquery.LoadJob = client.load_table_from_file(
        io.BytesIO(data), f"{client.project}.{table}", size=len(data), job_config=config
    )
    job.result(retry=NO_RETRY)
    return job


def copy(client: bigquery.Client, source: str, target: str, disposition: str = "WRITE_TRUNCATE") -> None:
    config = bigquery.CopyJobConfig(write_disposition=disposition, create_disposition="CREATE_NEVER")
    job = client.copy_table(
        f"{client.project}.{source}", f"{client.project}.{target}", job_config=config, retry=NO_RETRY
    )
    job.result(retry=NO_RETRY)


def rows_of(server: BigQueryServer, project: str, table: str = SCORES) -> list[tuple[Any, ...]]:
    return [(p, str(d), s) for p, d, s in server.sql(project, f"SELECT * FROM {table} ORDER BY game_date, player")]
