"""Let every test of a folder hold on both warehouses: its conftest takes this hook over.

``make test`` runs them on DuckDB, and on BigQuery only what ``always_on_bigquery`` marks; ``make test-all`` on both.
"""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs a warehouse and a server once on DuckDB and once on BigQuery."""
    marked = {marker.name for marker in metafunc.definition.iter_markers()}
    if "no_server" in marked:
        return
    bigquery = pytest.param("bigquery", marks=[] if "always_on_bigquery" in marked else [pytest.mark.slow])
    metafunc.parametrize("warehouse_kind", ["duckdb"] if "duckdb_only" in marked else ["duckdb", bigquery])
