"""A warehouse in which an earlier version of the application has worked."""

from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.open import open_warehouse
from tests.cleanup.observe import put_some
from tests.fixtures.flows import Clean
from tests.league import fetch


def test_a_view_of_an_earlier_version_is_replaced_by_the_one_that_reads_todays_rows(
    settings: Settings, clean: Clean
) -> None:
    catalogue = load_catalogue(settings)
    log, view = catalogue.table("cleanup_operations"), catalogue.table("cleanup_history")
    counts = "deleted AS total_records_deleted, deleted AS tables_cleaned, table_name AS table_names"
    columns = f"run_id, cleanup_type, cleanup_time, {counts}, errors IS NULL AS is_success"
    earlier = f"SELECT {columns} FROM {log.full_name}"
    put_some(settings)
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.create([log, view.model_copy(update={"query": earlier})])
    assert clean().is_done
    found = fetch(settings, f"SELECT total_records_deleted, is_success FROM {view.full_name}")
    assert found == [{"total_records_deleted": 5, "is_success": True}]
