from collections.abc import Iterator

import pytest

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One warehouse for all formulas, with every table; a test puts its own league in place of the one before.

    The inputs are as users have them: any column may hold NULL.
    """
    path = tmp_path_factory.mktemp("bench") / "warehouse.duckdb"
    settings = Settings(duckdb_path=path, extra_tables_dir=None)
    with open_warehouse(settings.connection()) as warehouse:  # held, so that opening it again costs no time
        tables = load_catalogue(settings).tables.values()
        warehouse.create(tables)
        for table in (table for table in tables if table.role == "input"):
            for column in (column for column in table.columns if column.required):
                warehouse.fetch(f"ALTER TABLE {table.full_name} ALTER COLUMN {column.name} DROP NOT NULL")
        yield settings
