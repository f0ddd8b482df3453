"""The mutating DML statements on a table: 2 run, up to 20 wait, the next one fails; INSERT is not one of them.

https://cloud.google.com/bigquery/docs/data-manipulation-language#update_delete_merge_dml_concurrency
"""

import threading
from collections import defaultdict

from tests.bigquery_server.errors import ApiError

RUNNING, WAITING = 2, 20  # https://cloud.google.com/bigquery/quotas#data-manipulation-language-statements


class Mutations:
    """Who changes which table of a project, first come, first served."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._lines: defaultdict[str, list[object]] = defaultdict(list)

    def join(self, table: str, job: object) -> None:
        """Stand in line.

        Raises:
            ApiError: The line is full; what BigQuery says then: https://github.com/m-lab/etl-gardener/issues/293.
        """
        with self._lock:
            if len(self._lines[table]) >= RUNNING + WAITING:
                raise ApiError(
                    "resourcesExceeded",
                    "Resources exceeded during query execution: Too many DML statements outstanding against table "
                    f"{self._project}:{table}, limit is {WAITING}.",
                )
            self._lines[table].append(job)

    def is_turn(self, table: str, job: object) -> bool:
        """Tell whether a job may run."""
        with self._lock:
            return self._lines[table].index(job) < RUNNING

    def leave(self, table: str, job: object) -> None:
        """Make room for the next."""
        with self._lock:
            self._lines[table].remove(job)
