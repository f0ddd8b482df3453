"""Let every test of a folder hold on both warehouses: its conftest takes this hook over.

``make test`` runs them on DuckDB, and on BigQuery only what ``always_on_bigquery`` marks; ``make test-all`` on both.
"""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses a warehouse once on DuckDB and once on BigQuery."""
    if "warehouse_kind" not in metafunc.fixturenames or "rules" in metafunc.definition.path.parts:
        return
    marked = {marker.name for marker in metafunc.definition.iter_markers()}
    bigquery = pytest.param("bigquery", marks=[] if "always_on_bigquery" in marked else [pytest.mark.slow])
    metafunc.parametrize("warehouse_kind", ["duckdb"] if "duckdb_only" in marked else ["duckdb", bigquery])
