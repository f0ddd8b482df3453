"""The local services of `make up`, in a folder of their own and on a port of their own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from deployments.local import services
from deployments.local.keeper import KEEPER, WORKER
from deployments.local.prefect_server import access, request
from deployments.local.services import Service, log_tail
from tasks.settings import PROJECT_ROOT
from tests.backfill.observe import wait_until

_PATIENCE_SECONDS = 300.0  # for an answer of a server on a busy machine


class Local:
    """What `make up` starts, and what its server says."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home, self._env = home, env
        self.warehouse = home / "first.duckdb"
        self.said = ""

    def __call__(self, action: str) -> str:
        done = self._run([sys.executable, "-m", "deployments.commands", action, "--home", str(self.home)])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "prefect", *arguments], **access(self.home, f"{self.url}/api"))

    def ask(self, path: str, body: dict[str, object] | None = None, *, method: str | None = None) -> Any:
        """Ask the server; a body is posted, unless another method is given."""
        method = method or ("GET" if body is None else "POST")
        return request(self.service("server"), method, path, body, timeout_seconds=_PATIENCE_SECONDS)

    def wait_for(self, run: str, *names: str, attempt: int = 1) -> dict[str, Any]:
        """Wait until an attempt of a run is in one of the states; returns the run."""
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.ask(f"/api/flow_runs/{run}"))
            return found["state_name"] in names and found["run_count"] >= attempt

        try:
            wait_until(is_there)
        except AssertionError as error:
            log = "\n".join(log_tail(self.home / f"{name}.log", 40) for name in (KEEPER, WORKER))
            raise AssertionError(f"{found['state_name'], found['run_count']}, not {names}\n{log}") from error
        return found

    def service(self, name: str) -> Service:
        service = services.find(self.home, name)
        assert service is not None
        return service

    @property
    def port(self) -> int:
        return int(self.service("server").facts["port"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FULLCOURT_"))}
        # as in a shell that is set up for another Prefect
        other = {"PREFECT_HOME": str(self.home / "user"), "PREFECT_API_URL": "http://127.0.0.1:9/api", "PORT": "0"}
        ours = {"FULLCOURT_DUCKDB_PATH": str(self.warehouse)}
        return subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env=clean | other | ours | self._env | env,
            capture_output=True,
            text=True,
            check=False,
        )
