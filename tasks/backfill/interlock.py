"""Keep cleanups away from the pre-game tables while a backfill reads them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.backfill.request import BackfillRequest
from tasks.runtime.limits import reading
from tasks.runtime.run import Run


@contextmanager
def reading_sources(run: Run, request: BackfillRequest) -> Iterator[None]:
    """Keep cleanups from the tables that a backfill takes its context from, as long as the block lasts.

    Raises:
        WarehouseBusyError: A cleanup did not release them in time.
    """
    preferred = [run.catalogue.build(table).preferred for table in request.tables]
    sources = {source.table for source in preferred if source and source.table}
    cleaned_up = {table.name for table in run.catalogue.with_ttl}
    with reading(run.settings, set() if request.context_source == "synthetic" else sources & cleaned_up):
        yield
