"""``fullcourt ddl``: the statements that follow from the table folders."""

from collections.abc import Mapping
from pathlib import Path

from deployments.commands.output import ask
from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.tables.ddl import add_columns, create_schema, create_table
from tasks.tables.spec import TableSpec
from tasks.warehouse.base import Columns, Warehouse
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.schema import missing_columns, wrong_columns

FOLDER = Path(__file__).resolve().parent.parent / "bigquery"


def files() -> dict[Path, str]:
    """Return the text of every file."""
    tables = load_catalogue(load_settings()).tables.values()
    return {FOLDER / f"{table.full_name}.sql": _text(table) for table in tables}


def write() -> int:
    """Replace the files."""
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.sql"):
        file.unlink()
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")
    return 0


def apply(*, dry_run: bool, yes: bool) -> int:
    """Create the tables that are missing, and add the columns that tables of ours lack; asks before it adds any.

    Args:
        dry_run: Whether to say only what would be done.
        yes: Whether not to ask.

    Returns:
        The exit code: 0 if every table is as it should be now, or would be.
    """
    settings = load_settings()
    catalogue = load_catalogue(settings)
    tables = list(catalogue.tables.values())
    with open_warehouse(settings.connection()) as warehouse:
        existing = warehouse.schema(tables)
        # A view reads columns that its table may lack: they are added before it is created.
        wanted = [catalogue.as_read(table.name) if table.full_name in existing else table for table in tables]
        results = [_apply(warehouse, table, existing, dry_run=dry_run, yes=yes) for table in wanted]
    return 0 if all(results) else 1


def _apply(
    warehouse: Warehouse, table: TableSpec, existing: Mapping[str, Columns], *, dry_run: bool, yes: bool
) -> bool:
    """Create a table or add to it, and say so; returns whether it is as it should be now, or would be."""
    name = table.full_name
    if name not in existing:
        if not dry_run:
            warehouse.create([table])
        print(f"{'missing ' if dry_run else 'created '} {name}")
        return True
    wrong, lacking = wrong_columns(table, existing), missing_columns(table, existing)
    if wrong:
        print(f"differs  {name}: {'; '.join(wrong)}")
    if lacking:
        names = ", ".join(column.name for column in lacking)
        print(f"lacks    {name}: {names}\n{add_columns(table, lacking)};")
        if dry_run:
            return not wrong
        if not yes and ask("Type yes to add these columns; they are NULL in the rows that are there: ") != "yes":
            print("No column was added to it.")
            return False
        warehouse.add_columns(table, lacking)
        print(f"added    {name}: {names}")
    if not wrong and not lacking:
        print(f"is there {name}")
    return not wrong


def _text(table: TableSpec) -> str:
    return f"{create_schema(table.dataset)};\n\n{create_table(table)};\n"
