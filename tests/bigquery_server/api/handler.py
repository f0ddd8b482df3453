"""HTTP: requests and answers, uploads, and the faults that a test injects."""

import json
import re
import secrets
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.bigquery_server.api.routes import API, Call, answer_to
from tests.bigquery_server.errors import ApiError, not_implemented
from tests.bigquery_server.faults import Fault, Request

if TYPE_CHECKING:
    from tests.bigquery_server.server import BigQueryServer


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    bigquery: "BigQueryServer"
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
        found = re.match(API, url.path)
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
            status, answer = 200, self._route(Call(name, self.command, url.path, query, body, data, fault))
        except ApiError as error:
            status, answer = error.status, error.body
        except Exception as error:  # noqa: BLE001 - the client would try again for minutes if there were no answer
            failed = ApiError("notImplemented", f"the test server failed: {error!r}")
            status, answer = failed.status, failed.body
        if found and self.bigquery.has_project(name):
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

    def _route(self, call: Call) -> dict[str, Any]:
        account = self.bigquery.account_of(self.headers.get("Authorization", ""))
        return answer_to(call, self.bigquery.project(call.project), account)
