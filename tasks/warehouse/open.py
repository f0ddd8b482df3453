"""Open the warehouse that the settings choose, or its diagnosis."""

from tasks.settings import BigQuerySettings, WarehouseSettings
from tasks.warehouse.base import Origin, Warehouse
from tasks.warehouse.diagnosis import Diagnosis
from tasks.warehouse.moment import Moment


def open_warehouse(
    settings: WarehouseSettings, origin: Origin | None = None, moment: Moment | None = None
) -> Warehouse:
    """Return a warehouse, not yet connected: use it in a ``with`` block.

    Args:
        settings: Those of the chosen warehouse.
        origin: What the connection works for; a random one if it is missing.
        moment: When the tables that it holds are read as they were; without it, all are read as they are.
    """
    # Imported here, so that a run loads the driver of its own warehouse and no other.
    if isinstance(settings, BigQuerySettings):
        from tasks.warehouse.bigquery.warehouse import BigQueryWarehouse

        return BigQueryWarehouse(settings, origin, moment)
    from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse

    return DuckDBWarehouse(settings, moment)


def open_diagnosis(settings: WarehouseSettings) -> Diagnosis:
    """Return the diagnosis of a warehouse, not yet connected: use it in a ``with`` block."""
    if isinstance(settings, BigQuerySettings):
        from tasks.warehouse.bigquery.diagnosis import BigQueryDiagnosis

        return BigQueryDiagnosis(settings)
    from tasks.warehouse.duckdb_diagnosis import DuckDBDiagnosis

    return DuckDBDiagnosis(settings)
