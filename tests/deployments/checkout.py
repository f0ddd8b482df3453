"""A copy of the project as git has it, with a .venv of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tasks.settings import PROJECT_ROOT


def copy_checkout(copy: Path) -> None:
    """Copy the project, and set it up: its commands run its code, with the packages of this environment.

    Args:
        copy: The folder; made if it is missing.
    """
    copy.mkdir(parents=True, exist_ok=True)
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, files.split("\0")):
        if (PROJECT_ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, copy / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=copy, check=True)
    (packages,) = (copy / ".venv" / "lib").glob("python*/site-packages")
    (packages / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    (copy / ".venv" / "bin" / "prefect").symlink_to(Path(sysconfig.get_path("scripts")) / "prefect")
    (copy / ".venv" / ".installed").touch()  # `make setup` has only the entry point left to install
    subprocess.run(["make", "setup"], cwd=copy, check=True, capture_output=True, env=user_environment())


def user_environment(**more: str) -> dict[str, str]:
    """Return a user's environment: nothing of this session's Prefect server or settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FULLCOURT_"))}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "160", **more}
