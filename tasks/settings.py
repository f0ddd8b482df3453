"""The application's settings.

Each field is an environment variable with the prefix ``FULLCOURT_`` (``FULLCOURT_DUCKDB_PATH``, ...), or a line of a
``.env`` file at the top of the project.
"""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import SettingsError, describe_validation_error

PROJECT_ROOT = Path(__file__).resolve().parent.parent

_PREFIX = "FULLCOURT_"
_NOT_SETTINGS = ("FULLCOURT_PROJECT_DIR", "FULLCOURT_TEST_BIGQUERY_PROJECT")
"""Read by prefect.yaml and by the tests."""


class DuckDBSettings(BaseModel):
    """The embedded warehouse: one file, one writing process at a time."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["duckdb"] = "duckdb"
    path: Path
    lock_timeout_seconds: float
    memory_limit_mib: int
    threads: int
    backup_dataset: str
    table_updates_per_10_seconds: None = None
    days_per_hold: int = 100
    """The most days of a batch: the file is closed after each, and only then does DuckDB free what it keeps of it."""

    @property
    def identity(self) -> str:
        """A key that no other warehouse on the same Prefect server has."""
        return f"duckdb:{self.path}"

    @property
    def display_name(self) -> str:
        """What a message calls it."""
        return str(self.path)


class BigQuerySettings(BaseModel):
    """The warehouse in production: a project of Google Cloud."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["bigquery"] = "bigquery"
    project: str
    location: str
    credentials_block: str | None
    staging_dataset: str
    backup_dataset: str
    job_timeout_seconds: float
    retry_deadline_seconds: float
    append_interval_seconds: float
    max_bytes_billed: int
    usd_per_tib: float
    table_updates_per_10_seconds: int
    days_per_hold: None = None

    @property
    def identity(self) -> str:
        """A key that no other warehouse on the same Prefect server has."""
        return f"bigquery:{self.project}"

    @property
    def display_name(self) -> str:
        """What a message calls it."""
        return f"BigQuery project {self.project}"


WarehouseKind = Literal["duckdb", "bigquery"]
WarehouseSettings = DuckDBSettings | BigQuerySettings


class Settings(BaseSettings):
    """The application's settings; frozen, and safe to hand to a task."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=PROJECT_ROOT / ".env", frozen=True, extra="ignore", allow_inf_nan=False
    )

    warehouse: WarehouseKind = Field("duckdb", description="Which warehouse to use: duckdb or bigquery.")
    duckdb_path: Path = Field(
        PROJECT_ROOT / ".fullcourt" / "warehouse.duckdb",
        description="The embedded warehouse's file; a relative path starts at the project's folder.",
    )
    duckdb_lock_timeout_seconds: float = Field(
        60.0, ge=0, le=3600, description="How long to wait while another process holds the file, in seconds."
    )
    duckdb_memory_limit_mib: int = Field(
        2048, ge=128, le=1_048_576, description="Memory that DuckDB may use before it spills to disk, in MiB."
    )
    duckdb_threads: int = Field(
        1,
        ge=1,
        le=256,
        description="Threads that DuckDB may use for one process, beside those of the days at work: more "
        "make one query faster, and many at once slower.",
    )
    bigquery_project: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9-]{4,61}[a-z0-9]$", description="The project that holds the tables and pays."
    )
    bigquery_location: str = Field(
        "US", pattern=r"^[A-Za-z0-9-]+$", description="Where the datasets are: US, EU, or a region."
    )
    bigquery_credentials_block: str | None = Field(
        None, description="A GcpCredentials block in Prefect; without one, application default credentials."
    )
    bigquery_staging_dataset: str = Field(
        "fullcourt_staging",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$",
        description="The dataset in which rows wait for the gate; created if it is missing.",
    )
    bigquery_job_timeout_seconds: float = Field(
        600.0, ge=1, le=21_600, description="How long one job may run, in seconds."
    )
    bigquery_retry_deadline_seconds: float = Field(
        300.0, ge=0, le=3600, description="How long a job is retried after transient errors, in seconds."
    )
    bigquery_append_interval_seconds: float = Field(
        5.0, ge=0, le=600, description="Least time between two load jobs of ledger rows, in seconds."
    )
    bigquery_table_updates_per_10_seconds: int = Field(
        40,
        ge=2,
        le=50,
        description="How often all runs together may publish one table in 10 seconds; BigQuery allows 50 updates.",
    )
    max_bytes_billed: int = Field(
        1024**4, ge=1, description="Most bytes that a run, and any one query, may read where reading costs."
    )
    usd_per_tib: float = Field(
        6.25, ge=0, le=1000, description="Price of reading a TiB, in US dollars; for the plan's estimate."
    )
    extra_tables_dir: Path | None = Field(
        None, description="A folder with more table folders, beside those under tasks/tables."
    )
    min_players_per_team: int = Field(
        5, ge=1, le=20, description="Players who played that a team needs for its game to count as loaded."
    )
    bootstrap_days: int = Field(
        14, ge=0, le=366, description="First days of a season that are skipped: too little to look back on."
    )
    backup_dataset: str = Field(
        "fullcourt_backups",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$",
        description="The dataset of the rows that a cleanup deletes; created if it is missing.",
    )
    backup_days: int = Field(30, ge=1, le=3650, description="How long a cleanup's backup is kept, in days.")
    cleanup_alert_rows: int = Field(10_000, ge=1, description="Rows that one cleanup may delete without an alert.")
    interlock_timeout_seconds: float = Field(
        1800.0,
        ge=0,
        le=86_400,
        description="How long a cleanup and a backfill wait for each other before one gives up, in seconds.",
    )
    alert_webhook_url: SecretStr | None = Field(
        None,
        description="Where alerts are sent from the next registration on: an incoming webhook of Slack, or any other "
        "that takes JSON.",
    )
    alert_block: str | None = Field(
        None,
        pattern=r"^[a-z0-9-]+/[a-z0-9-]+$",
        description="An existing notification block in Prefect for the alerts instead, as type/name.",
    )
    approval_prompt: bool = Field(
        False, description="Ask for a cleanup's approval on the terminal instead of in Prefect's UI."
    )
    progress_bar: bool = Field(False, description="Draw a progress bar on the terminal while days run.")
    retries: int = Field(3, ge=0, le=10, description="Retries of a step that failed with a transient error.")
    retry_delay_seconds: float = Field(
        2.0, ge=0, le=600, description="Wait before the first retry, in seconds; doubled for each further one."
    )

    @field_validator("duckdb_path")
    @classmethod
    def _is_of_a_user_that_there_is(cls, path: Path) -> Path:
        try:
            path.expanduser()
        except RuntimeError as error:
            raise ValueError("there is no such user; write the path of the folder") from error
        return path

    @model_validator(mode="after")
    def _names_a_project_for_bigquery(self) -> Self:
        if self.warehouse == "bigquery" and self.bigquery_project is None:
            raise ValueError("FULLCOURT_WAREHOUSE=bigquery needs FULLCOURT_BIGQUERY_PROJECT")
        return self

    @model_validator(mode="after")
    def _sends_alerts_one_way(self) -> Self:
        if self.alert_webhook_url is not None and self.alert_block is not None:
            raise ValueError("FULLCOURT_ALERT_WEBHOOK_URL, FULLCOURT_ALERT_BLOCK: give one of them")
        return self

    @property
    def warehouse_digest(self) -> str:
        """Eight characters that stand for the chosen warehouse in the names of Prefect's objects."""
        return sha256(self.connection().identity.encode()).hexdigest()[:8]

    def connection(self) -> WarehouseSettings:
        """Return the settings of the chosen warehouse alone."""
        if self.warehouse == "bigquery" and self.bigquery_project is not None:
            return BigQuerySettings(
                project=self.bigquery_project,
                location=self.bigquery_location,
                credentials_block=self.bigquery_credentials_block,
                staging_dataset=self.bigquery_staging_dataset,
                backup_dataset=self.backup_dataset,
                job_timeout_seconds=self.bigquery_job_timeout_seconds,
                retry_deadline_seconds=self.bigquery_retry_deadline_seconds,
                append_interval_seconds=self.bigquery_append_interval_seconds,
                max_bytes_billed=self.max_bytes_billed,
                usd_per_tib=self.usd_per_tib,
                table_updates_per_10_seconds=self.bigquery_table_updates_per_10_seconds,
            )
        return DuckDBSettings(
            path=Path(os.path.realpath(PROJECT_ROOT / self.duckdb_path.expanduser())),  # resolve() refuses a circle
            lock_timeout_seconds=self.duckdb_lock_timeout_seconds,
            memory_limit_mib=self.duckdb_memory_limit_mib,
            threads=self.duckdb_threads,
            backup_dataset=self.backup_dataset,
        )


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: A variable does not exist, or has a value that is not allowed; the message names each one.
    """
    if unknown := list(_unknown_variables()):
        raise SettingsError("; ".join(unknown))
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(describe_validation_error(error, prefix=_PREFIX)) from error


def _unknown_variables() -> Iterator[str]:
    """Yield a message for each variable with the prefix that is no setting, with the closest one that is."""
    known = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields] + list(_NOT_SETTINGS)
    file = PROJECT_ROOT / ".env"
    for where, names in (("", os.environ), (f" in {file}", _lines(file))):
        for name in sorted(name for name in names if name.upper().startswith(_PREFIX) and name.upper() not in known):
            close = get_close_matches(name.upper(), known, n=1)
            advice = f"is {close[0]} meant?" if close else f"there are {', '.join(sorted(known))}"
            yield f"{name}{where}: there is no such setting; {advice}"


def _lines(file: Path) -> dict[str, str | None]:
    try:
        return dotenv_values(file)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}; mend or remove it") from error
