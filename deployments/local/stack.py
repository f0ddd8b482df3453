"""The local Prefect services: a server with everything registered on it, and a worker.

The server listens on port 4200, or on the one that the environment variable PORT names (0: a free one).
"""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from deployments.errors import ServiceError
from deployments.local import services
from deployments.local.access import password_file, write_private
from deployments.local.api import use_server
from deployments.local.keeper import KEEPER, WORKER, set_up_pool
from deployments.local.prefect_server import (
    access,
    api_url,
    environment,
    find_server,
    forget_dead,
    free_port,
    has_password,
    is_temporary,
    request,
    start_server,
    ui_url,
    usable_server,
    wait_for,
)
from deployments.local.services import Service
from deployments.registered.prefect_yaml import POOL
from tasks.errors import SettingsError
from tasks.explain import explain
from tasks.settings import PROJECT_ROOT, Settings, load_settings

HOME = PROJECT_ROOT / ".fullcourt" / "prefect"
DEFAULT_PORT = 4200


def up(home: Path) -> None:
    """Start what is not running, register the deployments, and say how to go on.

    Raises:
        SettingsError: PORT or another setting is invalid.
        ServiceError: The port is taken, or something does not start; the message has the end of its log.
    """
    settings = load_settings()
    server = _server(home)
    warehouse = warehouse_variables(settings)
    worker, started = _worker(home, server, warehouse)
    wait_for(lambda: _pool_is_ready(server), [server, worker])
    registered = _register(home, server)
    wait_for(lambda: _has_polled(server, since=started), [server, worker])
    _say(server, worker, registered)


def down(home: Path) -> None:
    """Stop the processes that `up` started, and no others."""
    server = find_server(home)
    found = [services.find(home, name) for name in (KEEPER, WORKER)]
    found.append(server if server and not is_temporary(server) else None)
    for service in filter(None, found):
        service.stop()
        print(f"Stopped the {service.name} (process {service.id.pid}).")
    if not any(found):
        print("Nothing is running.")
    forget_dead(home)


def status(home: Path) -> bool:
    """Say what is running; returns whether all of it is."""
    server, worker = find_server(home), services.find(home, WORKER)
    print(f"server: {f'process {server.id.pid}, {ui_url(server)}' if server else 'not running'}")
    print(f"worker: {f'process {worker.id.pid}' if worker else 'not running'}")
    return server is not None and worker is not None


def warehouse_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that name the warehouse of the settings for another process, wherever it runs."""
    connection = settings.connection()
    return {"FULLCOURT_DUCKDB_PATH": str(connection.path)} if connection.kind == "duckdb" else {}


def _server(home: Path) -> Service:
    if (running := usable_server(home)) is None:
        return start_server(home, _port() or free_port())
    if not has_password(running):  # of an earlier version
        running.stop()
        return start_server(home, int(running.facts["port"]))
    if os.environ.get("PORT") and _port() not in {0, running.facts["port"]}:
        raise ServiceError(f"the server runs on port {running.facts['port']} already; stop it first: {_stop(home)}")
    return running


def _port() -> int:
    """Return the port that PORT asks for; 0 for a free one."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise SettingsError(f"PORT={text!r}: must be a number from 1 to 65535, or 0 for a free port")
    return int(text)


def _worker(home: Path, server: Service, warehouse: dict[str, str]) -> tuple[Service, datetime]:
    """Return the worker's keeper, and when it was started or found; one for another warehouse or server is replaced."""
    started = datetime.now(UTC)
    given = {name: value for name, value in os.environ.items() if name.startswith("FULLCOURT_")}
    # its settings are kept in a file, and where alerts go is a secret that only the registration needs
    ours = {name: value for name, value in given.items() if not name.startswith("FULLCOURT_ALERT_")} | warehouse
    facts = {"api_url": api_url(server), "access": "password", "settings": json.dumps(ours, sort_keys=True)}
    for name in (KEEPER, WORKER):
        if (running := services.find(home, name)) is not None and running.facts != facts:
            running.stop()
    wait_for(lambda: set_up_pool(server), [server])
    if (running := services.find(home, KEEPER)) is not None:
        return running, datetime.fromtimestamp(running.id.created, UTC)  # its worker has sent one since then
    if services.find(home, WORKER) is None:
        (home / f"{WORKER}.log").unlink(missing_ok=True)
    keeper = services.start(
        home,
        KEEPER,
        [sys.executable, "-m", "deployments.local.keeper", str(home), json.dumps(facts)],
        cwd=PROJECT_ROOT,
        env=environment(home, api_url=api_url(server))
        | ours
        | {"FULLCOURT_PROJECT_DIR": str(PROJECT_ROOT), "PREFECT_WORKER_QUERY_SECONDS": "2"},
        facts=facts,
    )
    return keeper, started


def _pool_is_ready(server: Service) -> bool:
    """Whether a worker has sent the pool its template for runs."""
    return bool((request(server, "GET", f"/api/work_pools/{POOL}") or {}).get("base_job_template"))


def _has_polled(server: Service, *, since: datetime) -> bool:
    """Whether a worker has sent a heartbeat since a time."""
    workers = request(server, "POST", f"/api/work_pools/{POOL}/workers/filter", {}) or []
    calls = [worker["last_heartbeat_time"] for worker in workers if worker["last_heartbeat_time"]]
    return any(datetime.fromisoformat(call) >= since for call in calls)


def _register(home: Path, server: Service) -> list[str]:
    """Register the deployments, the limits and the alerts; returns what was registered."""
    with use_server(home, api_url(server)):
        # imported here, because Prefect reads its settings when it is imported
        from deployments.registered.register import register_all

        try:
            return register_all(load_settings())
        except Exception as error:  # whatever it is
            raise ServiceError(f"not everything can be registered: {explain(error)}") from error


def _write_access(home: Path, server: Service) -> Path:
    """Write the file that gives a shell the server's address and password, and the project's programs."""
    programs = shlex.quote(str(Path(sys.executable).parent))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in access(home, api_url(server)).items()]
    file = home / "env"
    write_private(file, "\n".join([*lines, f'export PATH={programs}:"$PATH"', ""]))
    return file


def _say(server: Service, worker: Service, registered: Sequence[str]) -> None:
    variables = json.loads(str(worker.facts["settings"]))
    warehouse = load_settings().connection().display_name
    remark = ""
    if (path := variables.get("FULLCOURT_DUCKDB_PATH")) is not None:
        warehouse = str(short(Path(path)))
        if not Path(path).exists():
            remark = " (not there yet: load data with the deployment ingest/game-logs)"
    home = server.folder
    print("Registered:", *(f"  {line}" for line in registered), "", sep="\n")
    print(
        f"Prefect UI  {ui_url(server)}\n"
        f"Password    the line in {short(password_file(home))}; the UI asks for it once\n"
        f"Warehouse   {warehouse}{remark}\n"
        f"Logs        {short(home / 'server.log')}, {short(home / 'worker.log')}\n"
        "\n"
        "Run the backfill:\n"
        f"  source {short(_write_access(home, server))}\n"
        "  prefect deployment run 'backfill/player-composite-factors' "
        "-p start_date=2023-02-20 -p end_date=2023-03-05 --watch\n"
        "Stop it all:\n"
        f"  {_stop(home)}"
    )


def _stop(home: Path) -> str:
    return "make down" if home == HOME else f"fullcourt down --home {shlex.quote(str(home))}"


def short(path: Path) -> Path:
    """Return a path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
