"""Jobs: begun by one request, done in the background, asked about by others.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job
"""

import json
import threading
import time
from typing import Any

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.faults import Fault
from tests.bigquery_server.sql.engine import Result
from tests.bigquery_server.sql.statements import LEAST_BYTES_BILLED, Statement
from tests.bigquery_server.sql.syntax import mutated, parse
from tests.bigquery_server.storage import cells, writes
from tests.bigquery_server.storage.project import Account, Project
from tests.bigquery_server.storage.tables import Place

_SHORTLY = 0.02
_COMMON = {"labels", "jobTimeoutMs", "dryRun", "jobType"}
_KNOWN = {
    "query": {
        "query",
        "useLegacySql",
        "parameterMode",
        "queryParameters",
        "maximumBytesBilled",
        "useQueryCache",
    },
    "copy": {"sourceTable", "sourceTables", "destinationTable", "writeDisposition", "createDisposition"},
    "load": {"destinationTable", "sourceFormat", "writeDisposition", "createDisposition", "autodetect"},
}


class Job:
    """One job."""

    def __init__(self, project: Project, account: Account, body: dict[str, Any], data: bytes | None) -> None:
        self._project, self._account, self._data = project, account, data
        self._configuration = body["configuration"]
        kinds = [kind for kind in _KNOWN if kind in self._configuration]
        if len(kinds) != 1:
            raise not_implemented(f"jobs of the kind {sorted(set(self._configuration) - _COMMON)}")
        self.kind = kinds[0]
        self._asked = self._configuration[self.kind]
        _refuse_unknown(self._configuration, _COMMON | {self.kind}, "the job configuration")
        _refuse_unknown(self._asked, _KNOWN[self.kind], f"the {self.kind} configuration")
        reference = body.get("jobReference", {})
        self.id = str(reference.get("jobId", ""))
        self.location = str(reference.get("location") or project.location)
        self.is_dry = bool(self._configuration.get("dryRun"))
        self.result: Result | None = None
        self._error: ApiError | None = None
        self._statistics: dict[str, Any] = {}
        self._ended = threading.Event()
        self._stop = threading.Event()
        self._created = project.clock.now()
        self._mutates = ""
        """The table in whose line of mutating statements it stands."""
        self._is_waiting = False

    @property
    def resource(self) -> dict[str, Any]:
        """The Job resource, as it is now."""
        is_done = self._ended.is_set()
        status: dict[str, Any] = {"state": "DONE" if is_done else "PENDING" if self._is_waiting else "RUNNING"}
        if is_done and self._error is not None:
            status |= {"errorResult": self._error.proto, "errors": [self._error.proto]}
        started = str(int(self._created.timestamp() * 1000))
        return {
            "kind": "bigquery#job",
            "id": f"{self._project.name}:{self.location}.{self.id}",
            "jobReference": {"projectId": self._project.name, "jobId": self.id, "location": self.location},
            "configuration": {**self._configuration, "jobType": self.kind.upper()},
            "status": status,
            "statistics": {"creationTime": started, "startTime": started, **self._statistics},
            "user_email": self._account.email,
        }

    def begin(self, fault: Fault | None) -> None:
        """Do it in the background, once it is its turn."""
        try:
            self._stand_in_line()
        except ApiError as error:
            self._error = error
            self._ended.set()
            return
        threading.Thread(target=self._run, args=(fault,), daemon=True).start()

    def dry_run(self) -> None:
        """Check a query and say what it would read: https://cloud.google.com/bigquery/docs/running-queries#dry-run."""
        statement = self._checked_statement()
        read = statement.bytes_processed()  # of a view, the view and its tables are listed: no document says which
        self._statistics = {
            "totalBytesProcessed": str(read),
            "query": {
                "totalBytesProcessed": str(read),
                "totalBytesBilled": "0",
                "cacheHit": False,
                "schema": {"fields": [each.resource for each in statement.schema()]},
                "referencedTables": [
                    {"projectId": self._project.name, "datasetId": table.dataset, "tableId": table.name}
                    for table in statement.tables()
                ],
            },
        }
        self._ended.set()

    def cancel(self) -> None:
        """Ask it to stop."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tells whether it has ended."""
        return self._ended.wait(seconds)

    @property
    def error(self) -> ApiError | None:
        """What it failed of."""
        return self._error

    def _run(self, fault: Fault | None) -> None:
        try:
            self._wait_for_turn()
            self._take_time(fault)
            if fault is not None and fault.job_error:
                raise ApiError(fault.job_error, fault.job_message or f"injected: {fault.job_error}")
            with self._project.lock:
                {"query": self._query, "copy": self._copy, "load": self._load}[self.kind]()
        except ApiError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - a mistake of this server must not look like a job that never ends
            self._error = ApiError("internalError", f"the test server failed: {error!r}")
        finally:
            if self._mutates:
                self._project.mutations.leave(self._mutates, self)
            self._ended.set()

    def _stand_in_line(self) -> None:
        if self.kind != "query" or self._asked.get("useLegacySql", True):
            return
        try:
            table = mutated(parse(self._asked["query"]))
        except ApiError:
            return  # it fails of itself when it runs
        if table:
            self._project.mutations.join(table, self)
            self._mutates, self._is_waiting = table, True

    def _wait_for_turn(self) -> None:
        while self._is_waiting:
            self._is_waiting = not self._project.mutations.is_turn(self._mutates, self)
            if self._stop.wait(_SHORTLY if self._is_waiting else 0):
                raise ApiError("stopped", "Job execution was cancelled: User requested cancellation")

    def _take_time(self, fault: Fault | None) -> None:
        """Run as long as a fault says, but no longer than the job's time-out, and not on after it was cancelled."""
        takes = fault.job_delay_seconds if fault else 0.0
        allowed = int(self._configuration.get("jobTimeoutMs") or 10**9) / 1000
        until = time.monotonic() + min(takes, allowed)
        while time.monotonic() < until:
            if self._stop.wait(_SHORTLY):
                raise ApiError("stopped", "Job execution was cancelled: User requested cancellation")
        if takes > allowed:
            raise ApiError("stopped", f"Job execution was cancelled: Job timed out after {allowed:g}s")

    def _checked_statement(self) -> Statement:
        if self._asked.get("useLegacySql", True):
            raise not_implemented("legacy SQL")
        given = self._asked.get("queryParameters", [])
        if given and self._asked.get("parameterMode") != "NAMED":
            raise not_implemented("positional parameters")
        statement = Statement(self._project, self._asked["query"], cells.parameters(given))
        for permission, on in statement.needs():
            self._project.authorise(self._account, permission, on)
        statement.tables()
        statement.require_filters()
        return statement

    def _query(self) -> None:
        statement = self._checked_statement()
        read, tables = statement.bytes_processed(), statement.scanned()
        billed = max(read, LEAST_BYTES_BILLED * len(tables)) if tables else 0
        allowed = int(self._asked.get("maximumBytesBilled") or 10**18)
        if billed > allowed:  # https://cloud.google.com/bigquery/docs/best-practices-costs#limit-bytes-billed
            raise ApiError(
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {allowed}. {billed} or higher required.",
            )
        self.result = statement.run()
        query: dict[str, Any] = {
            "statementType": self.result.statement_type,
            "totalBytesProcessed": str(read),
            "totalBytesBilled": str(billed),
        }
        if self.result.changed is not None:
            changed = {"insertedRowCount": self.result.inserted, "deletedRowCount": self.result.deleted}
            query["dmlStats"] = {name: str(count) for name, count in changed.items()} | {"updatedRowCount": "0"}
            query["numDmlAffectedRows"] = str(self.result.changed)
        self._statistics = {"totalBytesProcessed": str(read), "query": query}

    def _copy(self) -> None:
        sources = self._asked.get("sourceTables") or [self._asked["sourceTable"]]
        if len(sources) != 1:
            raise not_implemented("copies of many tables")
        source, target = (Place.of(each, self._project.name) for each in (sources[0], self._asked["destinationTable"]))
        if self._asked.get("createDisposition") != "CREATE_NEVER":
            raise not_implemented("copies that create a table")
        self._project.authorise(self._account, "bigquery.tables.getData", source.full_name)
        self._project.authorise(self._account, "bigquery.tables.updateData", target.full_name)
        rows = writes.copy(self._project, source, target, self._asked.get("writeDisposition", "WRITE_EMPTY"))
        self._statistics = {"copy": {"copiedRows": str(rows)}}

    def _load(self) -> None:
        asked, target = self._asked, Place.of(self._asked["destinationTable"], self._project.name)
        wanted = {
            "sourceFormat": "NEWLINE_DELIMITED_JSON",
            "writeDisposition": "WRITE_APPEND",
            "createDisposition": "CREATE_NEVER",
        }
        for name, value in wanted.items():
            if asked.get(name) != value:
                raise not_implemented(f"loads with {name} {asked.get(name)}")
        if asked.get("autodetect") or target.day is not None:
            raise not_implemented("loads that detect a schema, or into a partition")
        self._project.authorise(self._account, "bigquery.tables.updateData", target.full_name)
        fields = self._project.table(target.full_name).fields
        rows = []
        for number, line in enumerate((self._data or b"").decode().splitlines(), start=1):
            values = json.loads(line)
            if unknown := sorted(set(values) - {each.name for each in fields}):
                raise ApiError(
                    "invalid",
                    f"Error while reading data, error message: JSON parsing error in row {number}: "
                    f"No such field: {unknown[0]}.",
                )
            rows.append(tuple(cells.loaded(values.get(each.name), each, number) for each in fields))
        writes.load(self._project, target, rows)
        self._statistics = {"load": {"outputRows": str(len(rows)), "badRecords": "0"}}


def _refuse_unknown(given: dict[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(given) - known):
        raise not_implemented(f"{', '.join(unknown)} in {where}")
