from collections.abc import Iterator

import pytest

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One warehouse for all formulas, with every table; a test puts its own league in place of the one before."""
    path = tmp_path_factory.mktemp("bench") / "warehouse.duckdb"
    settings = Settings(duckdb_path=path, extra_tables_dir=None)
    with open_warehouse(settings.connection()) as warehouse:  # held, so that opening it again costs no time
        warehouse.create(load_catalogue(settings).tables.values())
        yield settings
