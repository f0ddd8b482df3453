"""Recognise the cleanup's backups: other tables may share their dataset."""

from collections.abc import Iterable

from tasks.errors import StorageError
from tasks.warehouse.backup_name import BackupName
from tasks.warehouse.base import Backup


def is_own_backup(name: str, *, application: str | None) -> bool:
    """Return whether the cleanup made a table: by its label, or by its name, for backups older than the label."""
    return application == "fullcourt" or BackupName.parse(name) is not None


def backup_named(name: str, backups: Iterable[Backup], location: str) -> Backup:
    """Return the backup with a name.

    Raises:
        StorageError: Another table has that name; it was not changed.
    """
    for backup in backups:
        if backup.name == name:
            return backup
    raise StorageError(f"{location} is there, and is no backup of a cleanup: rename it; nothing was deleted")
