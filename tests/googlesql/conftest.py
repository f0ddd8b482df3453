"""Google's analyser, loaded once."""

import pytest

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.googlesql.analyser import GoogleSQL, keep_compiled


@pytest.fixture(scope="session")
def googlesql(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> GoogleSQL:
    """The analyser and evaluator over the tables of tasks/tables."""
    assert pytestconfig.cache is not None
    keep_compiled(pytestconfig.cache.mkdir("googlesql"), tmp_path_factory.mktemp("wasmtime") / "cache.toml")
    return GoogleSQL(list(load_catalogue(Settings()).tables.values()))
