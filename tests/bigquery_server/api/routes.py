"""The methods of the API: https://cloud.google.com/bigquery/docs/reference/rest."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.faults import Fault
from tests.bigquery_server.jobs import Job
from tests.bigquery_server.storage import cells, writes
from tests.bigquery_server.storage.project import Account, Project

API = r"(?:/upload)?/bigquery/v2/projects/(?P<project>[^/]+)"
_TABLES_A_PAGE = 50
_DATASET = r"/datasets/(?P<dataset>[^/]+)"
_TABLE = _DATASET + r"/tables/(?P<table>[^/]+)"

Answer = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A request."""

    project: str
    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]
    data: bytes | None
    """What an upload brought."""
    fault: Fault | None

    def asked(self, name: str, default: str) -> str:
        """Return a parameter of the URL."""
        return self.query.get(name, [default])[0]


def answer_to(call: Call, project: Project, account: Account) -> Answer:
    """Do what a request asks for.

    Raises:
        ApiError: It is refused, or not implemented.
    """
    resource = _Resources(call, project, account)
    routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
        ("POST", "/jobs", resource.insert_job),
        ("GET", "/jobs/(?P<job>[^/]+)", resource.get_job),
        ("POST", "/jobs/(?P<job>[^/]+)/cancel", resource.cancel_job),
        ("GET", "/queries/(?P<job>[^/]+)", resource.get_query_results),
        ("GET", _DATASET, resource.get_dataset),
        ("DELETE", _DATASET, resource.delete_dataset),
        ("GET", f"{_DATASET}/tables", resource.list_tables),
        ("GET", _TABLE, resource.get_table),
        ("DELETE", _TABLE, resource.delete_table),
        ("POST", f"{_TABLE}/insertAll", resource.insert_all),
        ("POST", f"{_DATASET}/tables/(?P<table>[^/:]+):testIamPermissions", resource.test_iam_permissions),
    )
    for method, pattern, answer in routes:
        found = re.fullmatch(API + pattern, call.path)
        if found and method == call.method:
            return answer(**{key: value for key, value in found.groupdict().items() if key != "project"})
    raise not_implemented(f"{call.method} {call.path}")


class _Resources:
    """What one request can be about."""

    def __init__(self, call: Call, project: Project, account: Account) -> None:
        self._call, self._project, self._account = call, project, account

    def insert_job(self) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert."""
        call, project = self._call, self._project
        if call.asked("uploadType", "multipart") != "multipart":
            raise not_implemented("uploads of another type")
        project.authorise(self._account, "bigquery.jobs.create", "")
        job = Job(project, self._account, call.body, call.data)
        if job.location != project.location:
            raise ApiError("notFound", f"Not found: the datasets of {project.name} are not in location {job.location}")
        with project.lock:
            if job.is_dry:
                job.dry_run()
                return job.resource
            if job.id in project.jobs:
                raise ApiError("duplicate", f"Already Exists: Job {project.name}:{job.location}.{job.id}")
            project.jobs[job.id] = job
        answer = job.resource
        job.begin(call.fault)
        return answer

    def get_job(self, job: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/get."""
        return self._job(job).resource

    def cancel_job(self, job: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/cancel."""
        cancelled = self._job(job)
        cancelled.cancel()
        return {"kind": "bigquery#jobCancelResponse", "job": cancelled.resource}

    def get_query_results(self, job: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults."""
        found = self._job(job)
        is_done = found.wait(int(self._call.asked("timeoutMs", "10000")) / 1000)
        answer: Answer = {
            "kind": "bigquery#getQueryResultsResponse",
            "jobReference": found.resource["jobReference"],
            "jobComplete": is_done,
        }
        if not is_done:
            return answer
        if found.error is not None:
            raise found.error
        if found.result is None:
            raise ApiError("invalid", f"Job {job} is no query")
        result = found.result
        start = int(self._call.asked("startIndex", self._call.asked("pageToken", "0")))
        count = int(self._call.asked("maxResults", "10000"))
        page = result.rows[start : start + count]
        answer["schema"] = {"fields": [each.resource for each in result.fields]}
        answer["totalRows"] = str(len(result.rows))
        answer["cacheHit"] = False
        if result.changed is not None:
            answer["numDmlAffectedRows"] = str(result.changed)
        if page:
            if self._call.asked("formatOptions.useInt64Timestamp", "false").lower() != "true":
                raise not_implemented("results whose timestamps are floats")
            answer["rows"] = [cells.row(row, result.fields) for row in page]
        if start + count < len(result.rows):
            answer["pageToken"] = str(start + count)
        return answer

    def get_dataset(self, dataset: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets/get."""
        self._project.authorise(self._account, "bigquery.datasets.get", dataset)
        return {
            "kind": "bigquery#dataset",
            "id": f"{self._project.name}:{dataset}",
            "datasetReference": {"projectId": self._project.name, "datasetId": dataset},
            "location": self._location_of(dataset),
        }

    def delete_dataset(self, dataset: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets/delete."""
        self._project.authorise(self._account, "bigquery.datasets.delete", dataset)
        with self._project.lock:
            self._location_of(dataset)
            inside = [name for name in self._project.tables if name.partition(".")[0] == dataset]
            if inside and self._call.asked("deleteContents", "false") != "true":
                raise ApiError("resourceInUse", f"Dataset {self._project.name}:{dataset} is still in use")
            for name in inside:
                self._project.drop_table(name)
            del self._project.datasets[dataset]
        return {}

    def list_tables(self, dataset: str) -> Answer:
        """Tables, snapshots and views, by name, a page at a time.

        https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/list
        """
        self._project.authorise(self._account, "bigquery.tables.list", dataset)
        self._location_of(dataset)
        with self._project.lock:
            tables = sorted(
                (table for table in self._project.tables.values() if table.dataset == dataset), key=lambda t: t.name
            )
        after, count = self._call.asked("pageToken", ""), int(self._call.asked("maxResults", str(_TABLES_A_PAGE)))
        left = [table for table in tables if table.name > after]
        answer: Answer = {
            "kind": "bigquery#tableList",
            "tables": [table.listed(self._project.name) for table in left[:count]],
            "totalItems": len(tables),
        }
        if left[count:]:
            answer["nextPageToken"] = left[count - 1].name
        return answer

    def get_table(self, dataset: str, table: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/get."""
        name = f"{dataset}.{table}"
        self._project.authorise(self._account, "bigquery.tables.get", name)
        with self._project.lock:
            self._check_there(name)
            return self._project.resource(name)

    def delete_table(self, dataset: str, table: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/delete.

        A snapshot takes a permission of its own: https://cloud.google.com/bigquery/docs/table-snapshots-delete
        """
        name = f"{dataset}.{table}"
        with self._project.lock:
            there = self._project.tables.get(name)
            is_snapshot = there is not None and there.type == "SNAPSHOT"
            permission = "bigquery.tables.deleteSnapshot" if is_snapshot else "bigquery.tables.delete"
            self._project.authorise(self._account, permission, name)
            self._check_there(name)
            self._project.drop_table(name)
        return {}

    def insert_all(self, dataset: str, table: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll."""
        name = f"{dataset}.{table}"
        self._project.authorise(self._account, "bigquery.tables.updateData", name)
        with self._project.lock:
            self._check_there(name)
            return writes.stream(self._project, name, self._call.body)

    def test_iam_permissions(self, dataset: str, table: str) -> Answer:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/testIamPermissions."""
        name, asked = f"{dataset}.{table}", self._call.body["permissions"]
        if any("*" in permission for permission in asked):
            raise ApiError("invalid", "Permissions with wildcards are not allowed.")
        is_there = name in self._project.tables
        given = [each for each in asked if is_there and self._account.may(each, name)]
        return {"permissions": given} if given else {}

    def _job(self, job_id: str) -> Job:
        job = self._project.jobs.get(job_id)
        if job is None or self._call.asked("location", job.location) != job.location:
            raise ApiError("notFound", f"Not found: Job {self._project.name}:{job_id}")
        return job  # type: ignore[no-any-return]

    def _location_of(self, dataset: str) -> str:
        if dataset not in self._project.datasets:
            raise ApiError("notFound", f"Not found: Dataset {self._project.name}:{dataset}")
        return self._project.datasets[dataset]

    def _check_there(self, name: str) -> None:
        if name not in self._project.tables:
            raise ApiError("notFound", f"Not found: Table {self._project.name}:{name}")
