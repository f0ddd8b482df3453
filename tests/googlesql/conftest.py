"""Google's analyser, loaded once."""

import pytest

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.googlesql.analyser import GoogleSQL


@pytest.fixture(scope="session")
def googlesql() -> GoogleSQL:
    """The analyser and evaluator over the tables of tasks/tables."""
    return GoogleSQL(list(load_catalogue(Settings()).tables.values()))
