"""Let the daemon do every partition that is missing, and wait until it has."""

import sys
import time

from dagster import AssetKey, DagsterInstance
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill  # what the web server does
from dagster._core.utils import make_new_backfill_id
from definitions import QUIET, TABLES, days, defs

if __name__ == "__main__":
    keys = [AssetKey(name) for name in TABLES]
    with DagsterInstance.get() as instance:
        done = [instance.get_materialized_partitions(key) for key in keys]
        missing = [day for day in days.get_partition_keys() if not all(day in partitions for partitions in done)]
        if missing:
            backfill = PartitionBackfill.from_asset_partitions(
                backfill_id=make_new_backfill_id(),
                asset_graph=defs.resolve_asset_graph(),
                partition_names=missing,
                asset_selection=keys,
                all_partitions=False,
                backfill_timestamp=time.time(),
                tags={},
                dynamic_partitions_store=instance,
                title=None,
                description=None,
                run_config=QUIET,
            )
            instance.add_backfill(backfill)
            status = BulkActionStatus.REQUESTED
            while status not in (
                BulkActionStatus.COMPLETED,
                BulkActionStatus.COMPLETED_SUCCESS,
                BulkActionStatus.COMPLETED_FAILED,
                BulkActionStatus.FAILED,
                BulkActionStatus.CANCELED,
            ):
                time.sleep(2)
                status = instance.get_backfill(backfill.backfill_id).status
            if status != BulkActionStatus.COMPLETED_SUCCESS:
                sys.exit(f"error: the backfill is {status.value}")
