"""Open the warehouse that the settings choose."""

from tasks.settings import WarehouseSettings
from tasks.warehouse.base import Warehouse


def open_warehouse(settings: WarehouseSettings) -> Warehouse:
    """Return a warehouse, not yet connected: use it in a ``with`` block."""
    # Imported here, so that a run loads the driver of its own warehouse and no other.
    from tasks.warehouse.duckdb_warehouse import DuckDBWarehouse

    return DuckDBWarehouse(settings)
