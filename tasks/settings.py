"""Everything that is configured, in one place.

Each field is an environment variable with the prefix ``FULLCOURT_`` (``FULLCOURT_DUCKDB_PATH``, ...), or a line of a
``.env`` file at the top of the project.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.domain.errors import SettingsError, describe_validation_error

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class DuckDBSettings(BaseModel):
    """The embedded warehouse: one file, one writing process at a time."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["duckdb"] = "duckdb"
    path: Path
    lock_timeout_seconds: float
    memory_limit_mib: int
    threads: int

    @property
    def identity(self) -> str:
        """What tells this warehouse from every other one that shares a Prefect server."""
        return f"duckdb:{self.path}"

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return str(self.path)


WarehouseKind = Literal["duckdb"]
WarehouseSettings = DuckDBSettings


class Settings(BaseSettings):
    """The application's settings; frozen, and safe to hand to a task."""

    model_config = SettingsConfigDict(
        env_prefix="FULLCOURT_", env_file=PROJECT_ROOT / ".env", frozen=True, extra="ignore"
    )

    warehouse: WarehouseKind = Field("duckdb", description="Which warehouse to use.")
    duckdb_path: Path = Field(
        PROJECT_ROOT / ".fullcourt" / "warehouse.duckdb",
        description="The embedded warehouse's file; a relative path starts at the working directory.",
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
        description="Threads that DuckDB may use for one process, beside those of the days at work: more of them make "
        "one query faster and many dearer.",
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
    progress_bar: bool = Field(False, description="Draw a progress bar on the terminal while days run.")
    retries: int = Field(3, ge=0, le=10, description="Further attempts at a step that failed for a passing reason.")
    retry_delay_seconds: float = Field(
        2.0, ge=0, le=600, description="Wait before the first further attempt, in seconds; doubled for each one after."
    )

    def connection(self) -> WarehouseSettings:
        """Return the settings of the chosen warehouse alone."""
        return DuckDBSettings(
            path=self.duckdb_path.expanduser().resolve(),
            lock_timeout_seconds=self.duckdb_lock_timeout_seconds,
            memory_limit_mib=self.duckdb_memory_limit_mib,
            threads=self.duckdb_threads,
        )


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: A variable has a value that is not allowed; the message names each one.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(describe_validation_error(error, prefix="FULLCOURT_")) from error
