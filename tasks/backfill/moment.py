"""Let a run read all of its inputs as they are at its start, whatever happens to them meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tasks.backfill.request import BackfillRequest
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.warehouse.moment import Moment


@contextmanager
def at_one_moment(run: Run, request: BackfillRequest) -> Iterator[Run]:
    """Yield the run with the moment at which its steps see the inputs: plan, checks, builds and gates agree on them.

    What changes later is not in the rows, nor in their fingerprint: the next plan finds the day stale.

    Raises:
        TransientError: The moment could not be taken; nothing was started.
        WarehouseError: The warehouse refused.
    """
    moment = retrying(take_moment)(run, request)
    try:
        yield replace(run, moment=moment)
    finally:
        with run.warehouse("release") as warehouse:
            warehouse.release(moment)


@step("take-moment", run_name="take-moment")
def take_moment(run: Run, request: BackfillRequest) -> Moment:
    """Keep the inputs of the tables asked for, and of all that they depend on, as they are now."""
    tables = run.catalogue.inputs(run.catalogue.with_dependencies(request.tables))
    with run.warehouse("moment") as warehouse:
        return warehouse.take_moment(tables, run_id=run.id, may_store=not run.dry_run)
