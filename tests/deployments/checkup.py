"""Run the first check, and compare what it may not have changed."""

import re

import pytest

from deployments import doctor
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.backdoor import server_of

SCHEDULE, BOX = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"
UPCOMING = "nba_analytics.upcoming_player_game_context"
LEDGER, MAIN = "nba_orchestration.backfill_ledger", "nba_precompute.player_composite_factors"
_LINE = re.compile(r"(ok|note|missing) +([^:]+): (.+)")


class Doctor:
    """Runs the check in this process, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said: list[tuple[str, str, str]] = []
        self.text = ""

    def __call__(self) -> int:
        self._capsys.readouterr()
        exit_code = doctor.main([])
        self.text = self._capsys.readouterr().out
        lines = self.text.splitlines()[:-2]
        self.said = [found.groups() for line in lines if (found := _LINE.fullmatch(line))]  # type: ignore[misc]
        assert len(self.said) == len(lines), "a line that cannot be read"
        return exit_code

    def of(self, level: str) -> dict[str, str]:
        """What was said of each subject, at a level."""
        found: dict[str, str] = {}
        for said, subject, text in self.said:
            if said == level:
                found[subject] = f"{found[subject]}; {text}" if subject in found else text
        return found


def create(settings: Settings, *roles: str) -> None:
    """Create the tables of some roles."""
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create(table for table in load_catalogue(settings).tables.values() if table.role in roles)


def state_of(settings: Settings) -> object:
    """Everything that a check could have changed: the file's bytes, or the project's jobs, datasets and tables."""
    if settings.warehouse == "duckdb":
        path = settings.duckdb_path
        return {file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*")}
    server, name = server_of(settings)
    project = server.project(name)
    tables = {table: repr(server.table(name, table)) for table in sorted(project.tables)}
    return len(server.jobs(name)), dict(project.datasets), tables
