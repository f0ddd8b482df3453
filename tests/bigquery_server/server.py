"""A strict server of the BigQuery REST API, for the real client: what the application uses, and nothing that pretends.

It speaks HTTP on a port of its own; BIGQUERY_EMULATOR_HOST tells Google's client of it. Datasets, tables, partitions,
jobs, permissions and limits behave as BigQuery documents them (each place links the page); a request, a field or a form
of SQL that is not implemented exactly is refused with 501. Queries run on DuckDB. Faults are injected by tests.

- ``server.py``: HTTP, accounts and tokens, routes
- ``jobs.py``: query, copy and load jobs
- ``statements.py``: GoogleSQL statements, partition filters, bytes
- ``project.py``, ``tables.py``: what is stored, copies, quotas
- ``cells.py``: values on the wire; ``errors.py``: error shapes; ``faults.py``: what goes wrong

https://cloud.google.com/bigquery/docs/reference/rest
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.bigquery_server import cells
from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.faults import Fault, Faults, Request
from tests.bigquery_server.jobs import Job
from tests.bigquery_server.project import Account, Clock, Project, Quotas

__all__ = ["BigQueryServer", "Fault"]

_API = r"(?:/upload)?/bigquery/v2/projects/(?P<project>[^/]+)"
_TOKEN_SECONDS = 3600
_AUDIENCE = "https://oauth2.googleapis.com/token"  # of every assertion, wherever its key sends it


class BigQueryServer:
    """The server; it listens as long as its ``with`` block lasts."""

    def __init__(self) -> None:
        self.quotas, self.faults = Quotas(), Faults()
        self._projects: dict[str, Project] = {}
        self._tokens: dict[str, tuple[Account, float]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        """Resumable uploads that were begun: the job that each is for."""
        self._http: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"bigquery": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()

    @property
    def url(self) -> str:
        """What BIGQUERY_EMULATOR_HOST must be."""
        assert self._http is not None
        return f"http://127.0.0.1:{self._http.server_port}"

    def create_project(self, name: str, *, location: str = "US") -> None:
        """Create an empty project, whose datasets are in that location."""
        self._projects[name] = Project(name, location, Clock(), self.quotas)

    def service_account(self, project: str, name: str, permissions: Iterable[str] | None = None) -> dict[str, str]:
        """Create an account; returns its key. It may do everything, or just what is named."""
        email = f"{name}@{project}.iam.gserviceaccount.com"
        given = None if permissions is None else set(permissions)
        self.project(project).accounts[email] = Account(email, given)
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": "1",
            "private_key": self._key_pair[0],
            "client_email": email,
            "client_id": "1",
            "token_uri": f"{self.url}/token",
        }

    def revoke(self, project: str, account: str, permission: str, *, on: str | None = None) -> None:
        """Take a permission away: on one table or dataset, or everywhere."""
        self._account(project, account).revoked.add((permission, on))

    def disable(self, project: str, account: str) -> None:
        """Let an account's key be refused from now on."""
        disabled = self._account(project, account)
        disabled.is_disabled = True
        self._tokens = {token: kept for token, kept in self._tokens.items() if kept[0] is not disabled}

    def jobs(self, project: str) -> list[dict[str, Any]]:
        """Return the jobs, oldest first; dry runs are not kept."""
        return [job.resource for job in self.project(project).jobs.values()]

    def requests(self, project: str) -> list[tuple[str, str, int]]:
        """Return method, path and status of every request."""
        return list(self.project(project).requests)

    def sql(self, project: str, *statements: str) -> list[tuple[Any, ...]]:
        """Change or read what is stored, in DuckDB's dialect, behind the API's back; returns the last one's rows."""
        return self.project(project).sql(*statements)

    def table(self, project: str, name: str) -> dict[str, Any] | None:
        """Return a table's resource."""
        there = self.project(project)
        with there.lock:
            return there.resource(name) if name in there.tables else None

    def project(self, name: str) -> Project:
        """Return a project."""
        if name not in self._projects:
            raise ApiError("notFound", f"Not found: Project {name}")
        return self._projects[name]

    def exchange(self, assertion: str) -> dict[str, Any]:
        """Give an access token for a signed assertion: https://developers.google.com/identity/protocols/oauth2."""
        try:
            claims = jwt.decode(assertion, certs=self._key_pair[1], audience=_AUDIENCE)
        except ValueError as error:
            raise ApiError("invalid", f"invalid_grant: {error}") from error
        email = str(claims["iss"])
        for project in self._projects.values():
            account = project.accounts.get(email)
            if account is not None and not account.is_disabled:
                token = secrets.token_hex(16)
                self._tokens[token] = account, time.time() + _TOKEN_SECONDS
                return {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS}
        raise ApiError("invalid", "invalid_grant: Invalid grant: account not found or disabled")

    def account_of(self, header: str) -> Account:
        """Return the account that a request's token stands for."""
        account, until = self._tokens.get(header.removeprefix("Bearer "), (None, 0.0))
        if account is None or until < time.time():
            raise ApiError("authError", "Request had invalid authentication credentials.")
        return account

    def _account(self, project: str, name: str) -> Account:
        return self.project(project).accounts[f"{name}@{project}.iam.gserviceaccount.com"]

    @cached_property
    def _key_pair(self) -> tuple[str, str]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return private.decode(), public.decode()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    bigquery: BigQueryServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_CONNECT(self) -> None:
        """Let nothing through: as the tests' HTTPS proxy, this server keeps google-auth from asking Google."""
        self._send(403, b"{}")

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        if url.path == "/token":
            self._token(raw)
            return
        found = re.match(_API, url.path)
        name = found["project"] if found else ""
        query = parse_qs(url.query)
        is_resumable = query.get("uploadType") == ["resumable"]
        if is_resumable and self.command == "POST":
            self._start_upload(raw)
            return
        body, data = self._finish_upload(raw, query) if is_resumable else self._read(raw)
        request = self._described(name, url.path, body)
        fault = self.bigquery.faults.take(request)
        if fault is not None and fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        is_lost = fault is not None and (fault.reset or fault.cut or fault.status is not None)
        if fault is not None and is_lost and not fault.after and not fault.cut:
            self._fail(fault)
            return
        try:
            status, answer = 200, self._route(name, url.path, query, body, data, fault)
        except ApiError as error:
            status, answer = error.status, error.body
        if found and name in self.bigquery._projects:
            self.bigquery.project(name).requests.append((self.command, url.path, status))
        if fault is not None and is_lost:
            self._fail(fault, json.dumps(answer).encode())
            return
        self._send(status, json.dumps(answer).encode())

    def _fail(self, fault: Fault, answer: bytes = b"") -> None:
        """Do what a fault says instead of answering."""
        if fault.status is not None:
            error = ApiError(fault.reason, f"injected: {fault.reason}", status=fault.status)
            self._send(fault.status, json.dumps(error.body).encode())
            return
        self.close_connection = True
        if fault.cut:
            self._send(200, answer, length=len(answer), sent=len(answer) // 2)

    def _send(
        self, status: int, body: bytes, *, length: int | None = None, sent: int | None = None, location: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body[:sent])

    def _read(self, raw: bytes) -> tuple[dict[str, Any], bytes | None]:
        """Return the request's resource, and the data of a multipart upload.

        https://cloud.google.com/bigquery/docs/reference/api-uploads#multipart
        """
        kind = self.headers.get("Content-Type", "")
        if not raw:
            return {}, None
        if not kind.startswith("multipart/related"):
            return json.loads(raw), None
        boundary = kind.partition("boundary=")[2].strip("\"'").encode()
        _, first, second, _ = raw.split(b"--" + boundary, 3)
        resource, data = (part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in (first, second))
        return json.loads(resource), data

    def _start_upload(self, raw: bytes) -> None:
        """Begin a resumable upload: https://cloud.google.com/bigquery/docs/reference/api-uploads#resumable."""
        upload = secrets.token_hex(8)
        self.bigquery.uploads[upload] = json.loads(raw)
        self._send(200, b"{}", location=f"{self.bigquery.url}{self.path}&upload_id={upload}")

    def _finish_upload(self, raw: bytes, query: dict[str, list[str]]) -> tuple[dict[str, Any], bytes]:
        """Take the data of an upload, in one piece; it then begins the job as any POST does."""
        if self.headers.get("Content-Range") != f"bytes 0-{len(raw) - 1}/{len(raw)}":
            raise not_implemented("uploads in many pieces")
        self.command = "POST"
        query["uploadType"] = ["multipart"]
        return self.bigquery.uploads[query["upload_id"][0]], raw

    def _described(self, project: str, path: str, body: dict[str, Any]) -> Request:
        configuration = body.get("configuration", {})
        kind = next((kind for kind in ("query", "copy", "load") if kind in configuration), None)
        return Request(
            method=self.command,
            path=path,
            project=project,
            kind=kind,
            job_id=body.get("jobReference", {}).get("jobId"),
            statement=str(configuration.get("query", {}).get("query", "")),
            body=body,
        )

    def _token(self, raw: bytes) -> None:
        assertion = parse_qs(raw.decode()).get("assertion", [""])[0]
        try:
            self._send(200, json.dumps(self.bigquery.exchange(assertion)).encode())
        except ApiError as error:
            said = {"error": "invalid_grant", "error_description": error.message}
            self._send(400, json.dumps(said).encode())

    def _route(
        self,
        name: str,
        path: str,
        query: dict[str, list[str]],
        body: dict[str, Any],
        data: bytes | None,
        fault: Fault | None,
    ) -> dict[str, Any]:
        account = self.bigquery.account_of(self.headers.get("Authorization", ""))
        project = self.bigquery.project(name)
        routes: tuple[tuple[str, str, Callable[..., dict[str, Any]]], ...] = (
            ("POST", "/jobs", lambda: self._begin(project, account, query, body, data, fault)),
            ("GET", "/jobs/(?P<job>[^/]+)", lambda job: self._job(project, job, query).resource),
            ("POST", "/jobs/(?P<job>[^/]+)/cancel", lambda job: self._cancel(project, job, query)),
            ("GET", "/queries/(?P<job>[^/]+)", lambda job: self._results(project, job, query)),
            ("GET", "/datasets/(?P<dataset>[^/]+)", lambda dataset: self._dataset(project, account, dataset)),
            ("GET", "/datasets/(?P<dataset>[^/]+)/tables", lambda dataset: self._list(project, account, dataset)),
            (
                "GET",
                "/datasets/(?P<dataset>[^/]+)/tables/(?P<table>[^/]+)",
                lambda dataset, table: self._table(project, account, f"{dataset}.{table}"),
            ),
            (
                "POST",
                "/datasets/(?P<dataset>[^/]+)/tables/(?P<table>[^/:]+):testIamPermissions",
                lambda dataset, table: self._permissions(project, account, f"{dataset}.{table}", body),
            ),
            (
                "DELETE",
                "/datasets/(?P<dataset>[^/]+)/tables/(?P<table>[^/]+)",
                lambda dataset, table: self._drop(project, account, f"{dataset}.{table}"),
            ),
        )
        for method, pattern, answer in routes:
            found = re.fullmatch(_API + pattern, path)
            if found and method == self.command:
                return answer(**{key: value for key, value in found.groupdict().items() if key != "project"})
        raise not_implemented(f"{self.command} {path}")

    def _begin(
        self,
        project: Project,
        account: Account,
        query: dict[str, list[str]],
        body: dict[str, Any],
        data: bytes | None,
        fault: Fault | None,
    ) -> dict[str, Any]:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert."""
        if query.get("uploadType", ["multipart"]) != ["multipart"]:
            raise not_implemented("uploads of another type")
        project.authorise(account, "bigquery.jobs.create", "")
        job = Job(project, account, body, data)
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
        job.begin(fault)
        return answer

    def _job(self, project: Project, job_id: str, query: dict[str, list[str]]) -> Job:
        job = project.jobs.get(job_id)
        if job is None or query.get("location", [job.location]) != [job.location]:
            raise ApiError("notFound", f"Not found: Job {project.name}:{job_id}")
        return job  # type: ignore[no-any-return]

    def _cancel(self, project: Project, job_id: str, query: dict[str, list[str]]) -> dict[str, Any]:
        job = self._job(project, job_id, query)
        job.cancel()
        return {"kind": "bigquery#jobCancelResponse", "job": job.resource}

    def _results(self, project: Project, job_id: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults."""
        job = self._job(project, job_id, query)
        is_done = job.wait(int(query.get("timeoutMs", ["10000"])[0]) / 1000)
        answer: dict[str, Any] = {
            "kind": "bigquery#getQueryResultsResponse",
            "jobReference": job.resource["jobReference"],
            "jobComplete": is_done,
        }
        if not is_done:
            return answer
        if job.error is not None:
            raise job.error
        if job.result is None:
            raise ApiError("invalid", f"Job {job_id} is no query")
        start = int(query.get("startIndex", query.get("pageToken", ["0"]))[0])
        count = int(query.get("maxResults", ["10000"])[0])
        page = job.result.rows[start : start + count]
        answer["schema"] = {"fields": [each.resource for each in job.result.fields]}
        answer["totalRows"] = str(len(job.result.rows))
        answer["cacheHit"] = False
        if page:
            if query.get("formatOptions.useInt64Timestamp", ["false"])[0].lower() != "true":
                raise not_implemented("results whose timestamps are floats")
            answer["rows"] = [cells.row(row) for row in page]
        if start + count < len(job.result.rows):
            answer["pageToken"] = str(start + count)
        return answer

    def _dataset(self, project: Project, account: Account, name: str) -> dict[str, Any]:
        project.authorise(account, "bigquery.datasets.get", name)
        if name not in project.datasets:
            raise ApiError("notFound", f"Not found: Dataset {project.name}:{name}")
        return {
            "kind": "bigquery#dataset",
            "id": f"{project.name}:{name}",
            "datasetReference": {"projectId": project.name, "datasetId": name},
            "location": project.datasets[name],
        }

    def _list(self, project: Project, account: Account, dataset: str) -> dict[str, Any]:
        project.authorise(account, "bigquery.tables.list", dataset)
        if dataset not in project.datasets:
            raise ApiError("notFound", f"Not found: Dataset {project.name}:{dataset}")
        with project.lock:
            found = [project.resource(name) for name, table in project.tables.items() if table.dataset == dataset]
        shown = ("kind", "id", "tableReference", "type", "creationTime", "expirationTime", "labels")
        tables = [{key: each[key] for key in shown if key in each} for each in found]
        return {"kind": "bigquery#tableList", "tables": tables, "totalItems": len(tables)}

    def _table(self, project: Project, account: Account, name: str) -> dict[str, Any]:
        project.authorise(account, "bigquery.tables.get", name)
        with project.lock:
            if name not in project.tables:
                raise ApiError("notFound", f"Not found: Table {project.name}:{name}")
            return project.resource(name) if name.partition(".")[0] in project.datasets else {}

    def _permissions(self, project: Project, account: Account, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/testIamPermissions."""
        asked = body["permissions"]
        if any("*" in permission for permission in asked):
            raise ApiError("invalid", "Permissions with wildcards are not allowed.")
        given = [each for each in asked if name in project.tables and account.may(each, name)]
        return {"permissions": given} if given else {}

    def _drop(self, project: Project, account: Account, name: str) -> dict[str, Any]:
        project.authorise(account, "bigquery.tables.delete", name)
        with project.lock:
            if name not in project.tables:
                raise ApiError("notFound", f"Not found: Table {project.name}:{name}")
            project.drop_table(name)
        return {}
