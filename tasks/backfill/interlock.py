"""Keep cleanups away from the pre-game tables while a backfill reads them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.backfill.request import BackfillRequest
from tasks.runtime.limits import reading
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue


@contextmanager
def reading_sources(settings: Settings, request: BackfillRequest) -> Iterator[None]:
    """Keep cleanups from the tables that a backfill takes its context from, as long as the block lasts.

    Raises:
        WarehouseBusyError: A cleanup did not let go of them in time.
    """
    catalogue = load_catalogue(settings)
    preferred = [catalogue.build(table).preferred for table in request.tables]
    sources = {source.table for source in preferred if source and source.table}
    perishable = {table.name for table in catalogue.perishable}
    with reading(settings, set() if request.context_source == "synthetic" else sources & perishable):
        yield
