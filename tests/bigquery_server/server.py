"""A strict server of the BigQuery REST API, for the real client; README.md says how it is built.

https://cloud.google.com/bigquery/docs/reference/rest
"""

import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from http.server import ThreadingHTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.bigquery_server.api.handler import Handler
from tests.bigquery_server.errors import ApiError
from tests.bigquery_server.faults import Fault, Faults
from tests.bigquery_server.storage import writes
from tests.bigquery_server.storage.project import Account, Clock, Project, Quotas

__all__ = ["BigQueryServer", "Fault"]

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
        handler = type("BoundHandler", (Handler,), {"bigquery": self})
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

    def drop_project(self, name: str) -> None:
        """Forget a project and all that it holds."""
        project = self._projects.pop(name)
        with project.lock:
            project.connection.close()

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

    def relax(self, project: str, table: str, column: str) -> None:
        """Let a column hold NULL, as ALTER COLUMN ... DROP NOT NULL does."""
        there = self.project(project)
        with there.lock:
            there.table(table).field(column).mode = "NULLABLE"

    def stream(self, project: str, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Stream rows as tabledata.insertAll does, with values as JSON has them."""
        there = self.project(project)
        with there.lock:
            answer = writes.stream(there, table, {"rows": [{"json": dict(row)} for row in rows]})
        assert "insertErrors" not in answer, answer

    def project(self, name: str) -> Project:
        """Return a project."""
        if name not in self._projects:
            raise ApiError("notFound", f"Not found: Project {name}")
        return self._projects[name]

    def has_project(self, name: str) -> bool:
        """Tell whether there is a project of that name."""
        return name in self._projects

    def exchange(self, assertion: str) -> dict[str, Any]:
        """Give an access token for a signed assertion: https://developers.google.com/identity/protocols/oauth2."""
        try:
            claims: dict[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                assertion, certs=self._key_pair[1], audience=_AUDIENCE
            )
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
