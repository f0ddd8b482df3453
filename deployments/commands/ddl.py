"""``fullcourt ddl``: the CREATE TABLE statements that follow from the table folders."""

from pathlib import Path

from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.tables.ddl import create_schema, create_table
from tasks.tables.spec import TableSpec
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.schema import differences

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


def apply() -> int:
    """Create what is missing, and say of every table what became of it."""
    settings = load_settings()
    tables = list(load_catalogue(settings).tables.values())
    problems = 0
    with open_warehouse(settings.connection()) as warehouse:
        existing = warehouse.schema(tables)
        for table in tables:
            if table.full_name not in existing:
                warehouse.create([table])
                print(f"created  {table.full_name}")
            elif found := differences(table, existing):
                problems += len(found)
                print(f"differs  {table.full_name}: {'; '.join(found)}")
            else:
                print(f"is there {table.full_name}")
    return 1 if problems else 0


def _text(table: TableSpec) -> str:
    return f"{create_schema(table.dataset)};\n\n{create_table(table)};\n"
