"""What a peer has for itself alone: its interpreter, and an environment without anybody's settings."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.peers import Peer, PeerError

_KEPT_OUT = ("FULLCOURT_", "PREFECT_", "DAGSTER_", "AIRFLOW_", "SQLMESH_", "DBT_", "PYTHON", "VIRTUAL_ENV")


def default_cache() -> Path:
    """Return where the peers are installed if nobody says where."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fullcourt" / "peers"


def own_environment() -> dict[str, str]:
    """Return this program's environment without what is meant for itself or for a peer."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_OUT)}


def install(peer: Peer, cache: Path) -> Path:
    """Return the interpreter of a peer; what it pins is installed if it is not there yet.

    Raises:
        PeerError: That failed; the message is the installer's.
    """
    if peer.is_ours:
        return Path(sys.executable)
    place = cache / f"{peer.folder.name}-{hashlib.sha256(peer.requirements.read_bytes()).hexdigest()[:12]}"
    python, complete = place / "bin" / "python", place / "installed"
    if not complete.exists():
        shutil.rmtree(place, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(place))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        _run(*pip, "-r", str(peer.requirements))
        complete.touch()
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own_environment())
    if done.returncode:
        lines = done.stderr.splitlines() or ["?"]
        raise PeerError(f"not installed: {([line for line in lines if line.startswith('ERROR')] or lines)[-1]}")
