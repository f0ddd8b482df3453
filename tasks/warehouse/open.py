"""Open the warehouse that the settings choose."""

from tasks.settings import BigQuerySettings, WarehouseSettings
from tasks.warehouse.base import Origin, Warehouse


def open_warehouse(settings: WarehouseSettings, origin: Origin | None = None) -> Warehouse:
    """Return a warehouse, not yet connected: use it in a ``with`` block.

    Args:
        settings: Those of the chosen warehouse.
        origin: On whose behalf; one of its own without.
    """
    # Imported here, so that a run loads the driver of its own warehouse and no other.
    if isinstance(settings, BigQuerySettings):
        from tasks.warehouse.bigquery.warehouse import BigQueryWarehouse

        return BigQueryWarehouse(settings, origin)
    from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse

    return DuckDBWarehouse(settings)
