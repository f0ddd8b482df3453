"""Make folders that are their owner's alone: what the application writes is data, logs and passwords."""

import stat
from contextlib import suppress
from pathlib import Path

from tasks.settings import PROJECT_ROOT

PRIVATE_UMASK = 0o077
"""What is written under it can be read by its owner alone."""

_OWN = PROJECT_ROOT / ".fullcourt"


def make_folder(folder: Path) -> None:
    """Make a folder, and each one above it that is missing, for its owner alone.

    Those that are there stay as they are, but for the project's own ``.fullcourt``: it is the application's, and
    becomes its owner's alone if it was not made so.
    """
    above = (folder, *folder.parents)
    for each in reversed(above):
        if not each.exists():
            each.mkdir(mode=0o777 & ~PRIVATE_UMASK, exist_ok=True)
    mode = stat.S_IMODE(_OWN.stat().st_mode) if _OWN in above else 0
    if mode & PRIVATE_UMASK:
        with suppress(PermissionError):  # another user's
            _OWN.chmod(mode & ~PRIVATE_UMASK)
