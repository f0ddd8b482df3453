"""Make folders that only their owner can read: the application writes data, logs and passwords."""

import stat
from contextlib import suppress
from pathlib import Path

from tasks.settings import PROJECT_ROOT

PRIVATE_UMASK = 0o077
"""The umask under which only the owner can read what is written."""

_OWN = PROJECT_ROOT / ".fullcourt"


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, readable by their owner only.

    Existing folders keep their mode, except the project's ``.fullcourt``: it becomes private if it is not.
    """
    above = (folder, *folder.parents)
    for each in reversed(above):
        if not each.exists():
            each.mkdir(mode=0o777 & ~PRIVATE_UMASK, exist_ok=True)
    mode = stat.S_IMODE(_OWN.stat().st_mode) if _OWN in above else 0
    if mode & PRIVATE_UMASK:
        with suppress(PermissionError):  # it belongs to another user
            _OWN.chmod(mode & ~PRIVATE_UMASK)
