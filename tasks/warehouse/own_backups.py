"""Which tables of the backup dataset are backups of the cleanup: the dataset can be shared."""

from collections.abc import Iterable

from tasks.errors import StorageError
from tasks.warehouse.backup_name import BackupName
from tasks.warehouse.base import Backup


def is_own_backup(name: str, *, application: str | None) -> bool:
    """Tell whether the cleanup made a backup: it says so, or has the name of one, as those from before it said so."""
    return application == "fullcourt" or BackupName.parse(name) is not None


def backup_named(name: str, backups: Iterable[Backup], location: str) -> Backup:
    """Return the backup of a name.

    Raises:
        StorageError: What has that name is something else; it was left as it is.
    """
    for backup in backups:
        if backup.name == name:
            return backup
    raise StorageError(f"{location} is there, and is no backup of a cleanup: rename it; nothing was deleted")
