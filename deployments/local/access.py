"""Access to the local services: files for one user of this machine, a password for the server.

Whoever can reach a Prefect server can run code on its workers. So each home folder has a password, and only its owner
can read what is in it: the password, the key of Prefect's secrets, logs, results.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tasks.errors import SettingsError
from tasks.folders import PRIVATE_UMASK, make_folder

_PASSWORD = "password"  # noqa: S105  (the name of the file)
_USER = "fullcourt"


def make_private(folder: Path) -> None:
    """Make a folder and everything in it accessible to its owner alone; create it if it is missing."""
    make_folder(folder)
    for path in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError):  # a running server removes files
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~PRIVATE_UMASK)


def write_private(file: Path, text: str) -> None:
    """Replace a file by one that only its owner can read."""
    draft = _draft(file, text)
    draft.replace(file)


def password_file(home: Path) -> Path:
    """Return the file of the password of the server in ``home``."""
    return home / _PASSWORD


def auth_string(home: Path) -> str:
    """Return the ``user:password`` of the server in ``home``; made at the first call, and then kept.

    Raises:
        SettingsError: The file is damaged.
    """
    file = password_file(home)
    if not file.exists():
        make_folder(home)
        draft = _draft(file, f"{_USER}:{secrets.token_urlsafe(32)}\n")
        with suppress(FileExistsError):  # another program was quicker, and its password holds
            os.link(draft, file)
        draft.unlink()
    said = file.read_text(encoding="utf-8").strip()
    user, _, password = said.partition(":")
    if user != _USER or len(password) < 32:
        raise SettingsError(f"{file} does not hold the server's password any more: make down, remove it, make up")
    return said


def _draft(file: Path, text: str) -> Path:
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    return draft
