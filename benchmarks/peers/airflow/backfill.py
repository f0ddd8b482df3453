"""Ask for a backfill of the season, and wait until every run of it has ended."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
_ATTEMPTS = 4
STATES = "SELECT state, COUNT(*) FROM dag_run GROUP BY state"
OPEN = "SELECT id, dag_id FROM backfill WHERE completed_at IS NULL"


def ask(query: str) -> dict[str, int]:
    """Return the rows of Airflow's own database, of two columns."""
    with closing(sqlite3.connect(f"file:{HERE / 'airflow.db'}?mode=ro", uri=True, timeout=30)) as connection:
        return dict(connection.execute(query).fetchall())


def main() -> None:
    """Run the backfill."""
    command = [Path(sys.executable).parent / "airflow", "backfill", "create", "--dag-id", "season"]
    days = ["--from-date", "<<first>>", "--to-date", "<<last>>"]
    while ask(OPEN):  # the scheduler notices some time later that all runs of an earlier one have ended
        time.sleep(1)
    before = sum(ask(STATES).values())
    for attempt in range(_ATTEMPTS):  # the services may not be ready for it yet
        code = subprocess.run([*command, *days], check=False).returncode
        if not code:
            break
        time.sleep(5 * (attempt + 1))
    else:
        sys.exit(code)  # it has said why
    if sum(ask(STATES).values()) == before:
        return
    while (found := ask(STATES)).keys() & {"queued", "running"}:
        time.sleep(1)
    if found.keys() - {"success"}:
        sys.exit(f"error: runs have ended so: {found}")


if __name__ == "__main__":
    main()
