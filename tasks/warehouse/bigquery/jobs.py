"""Run jobs: each with its own id, so that none runs twice, and retried until one deadline."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Any, TypeVar, cast

from google.api_core.exceptions import Conflict, NotFound, RetryError
from google.api_core.retry import Retry
from google.cloud import bigquery  # noqa: TID251

from tasks.errors import DeadlineError
from tasks.settings import BigQuerySettings
from tasks.warehouse.base import Origin
from tasks.warehouse.bigquery.errors import DRIVER_ERRORS, JobFailedError, is_passing, translate

T = TypeVar("T")
Job = bigquery.QueryJob | bigquery.CopyJob | bigquery.LoadJob
Config = TypeVar("Config", bigquery.QueryJobConfig, bigquery.CopyJobConfig, bigquery.LoadJobConfig)
Begin = Callable[[str], Job]

ONCE: dict[str, Any] = {"retry": None, "timeout": 60.0}
"""The options of a request: made once, with a time-out. This module retries, and not the client."""

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 30.0
_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.05, 2.0
_LONGEST_LABEL = 63  # https://cloud.google.com/bigquery/docs/labels-intro#requirements


@dataclass(frozen=True)
class Purpose:
    """The purpose of a job, for its name and its labels."""

    step: str
    table: str | None = None
    day: str | None = None

    @property
    def about(self) -> str:
        """The purpose in a message."""
        return " ".join(part for part in (self.step, self.table, self.day) if part)


class _StillRunningError(Exception):
    """A job has not ended yet."""


class Jobs:
    """The jobs of one connection."""

    def __init__(self, client: bigquery.Client, settings: BigQuerySettings, origin: Origin) -> None:
        self._client, self._settings, self._origin = client, settings, origin
        self._used: dict[str, int] = {}
        self.run_count = self.bytes_billed = 0

    def run(self, purpose: Purpose, content: str, begin: Begin) -> Job:
        """Run a job to its end; one that fails for a transient reason is run again.

        Args:
            purpose: The job's purpose.
            content: What distinguishes this job from others of the same purpose: its statement or source.
            begin: Begins a job with the given id.

        Returns:
            The job, which succeeded.

        Raises:
            DeadlineError: It did not succeed in time; no job is left running.
            WarehouseError: It was refused.
        """
        self.run_count += 1
        base = self._base_id(purpose, content)
        until = time.monotonic() + self._settings.retry_deadline_seconds
        attempts = count(1)

        def once() -> Job:
            job_id = f"{base}-{next(attempts)}"
            job = self._begin_once(begin, job_id, until)
            self._wait(job)
            if job.error_result:
                raise JobFailedError(job_id, job.error_result)
            return job

        with self.translated(purpose, job_id=base):
            job = self._retry(until)(once)()
        if isinstance(job, bigquery.QueryJob):
            self.bytes_billed += job.total_bytes_billed or 0
        return job

    def call(self, purpose: Purpose, request: Callable[[], T]) -> T:
        """Make a request that is no job; one that fails for a transient reason is made again."""
        with self.translated(purpose):
            return self.reading()(request)()

    def reading(self) -> Retry:
        """Return the retry policy for reading a result."""
        return self._retry(time.monotonic() + self._settings.retry_deadline_seconds)

    def translated(self, purpose: Purpose, *, job_id: str = "") -> "_Translated":
        """Return a block in which a driver's errors become Fullcourt's."""
        return _Translated(self._settings, purpose, job_id)

    def configured(self, config: Config, purpose: Purpose) -> Config:
        """Add labels and a time-out to a configuration."""
        config.labels = self.labels(purpose)
        config.job_timeout_ms = int(self._settings.job_timeout_seconds * 1000)
        return config

    def labels(self, purpose: Purpose) -> dict[str, str]:
        """Return the labels that break costs down in billing reports."""
        labels: Mapping[str, str | None] = {
            "application": "fullcourt",
            "step": purpose.step,
            "table": purpose.table or self._origin.table,
            "day": purpose.day or self._origin.day,
            "run": self._origin.run_id,
        }
        return {name: value.lower()[:_LONGEST_LABEL] for name, value in labels.items() if value}

    def _base_id(self, purpose: Purpose, content: str) -> str:
        origin = self._origin
        subject = [origin.table or purpose.table, origin.day or purpose.day, origin.part]
        name = "-".join(["fullcourt", origin.run_id, origin.step, *(part for part in subject if part), purpose.step])
        digest = sha256(content.encode()).hexdigest()[:8]
        nth = self._used[name] = self._used.get(name, 0) + 1
        return f"{name}-{digest}-{origin.attempt}-{nth}".replace(".", "_")

    def _begin_once(self, begin: Begin, job_id: str, until: float) -> Job:
        """Begin a job, or find it if it exists: the response to an earlier request may have been lost."""
        try:
            return self._retry(until)(begin)(job_id)
        except Conflict:
            find = self._retry(until, also=NotFound)(self._client.get_job)  # it can take a moment to appear
            return cast("Job", find(job_id, location=self._settings.location, **ONCE))

    def _wait(self, job: Job) -> None:
        """Wait for a job to end; cancel it after its time-out."""

        def look() -> None:
            if job.state != "DONE":
                job.reload(**ONCE)
            if job.state != "DONE":
                raise _StillRunningError

        poll = Retry(
            predicate=lambda error: isinstance(error, _StillRunningError) or is_passing(error),
            initial=_FIRST_POLL_SECONDS,
            maximum=_LONGEST_POLL_SECONDS,
            multiplier=1.5,
            timeout=self._settings.job_timeout_seconds,
        )
        try:
            poll(look)()
        except RetryError:
            with suppress(*DRIVER_ERRORS):  # it ends by itself, too: it has a time-out
                self._client.cancel_job(job.job_id, location=self._settings.location, **ONCE)
            raise DeadlineError(
                f"job {job.job_id} had not ended after {self._settings.job_timeout_seconds:g} s and was cancelled; "
                "raise FULLCOURT_BIGQUERY_JOB_TIMEOUT_SECONDS, or run again later"
            ) from None

    def _retry(self, until: float, *, also: type[Exception] | None = None) -> Retry:
        """Return the one retry policy: with back-off and jitter, until a moment."""
        return Retry(
            predicate=lambda error: is_passing(error) or (also is not None and isinstance(error, also)),
            initial=min(_FIRST_WAIT_SECONDS, self._settings.retry_deadline_seconds / 10),
            maximum=_LONGEST_WAIT_SECONDS,
            timeout=max(0.0, until - time.monotonic()),
        )


class _Translated:
    """A block in which a driver's errors become Fullcourt's."""

    def __init__(self, settings: BigQuerySettings, purpose: Purpose, job_id: str) -> None:
        self._settings, self._purpose, self._job_id = settings, purpose, job_id

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (JobFailedError, *DRIVER_ERRORS)):
            job_id = getattr(error, "job_id", self._job_id)
            raise translate(error, self._settings, about=self._purpose.about, job_id=job_id) from error
