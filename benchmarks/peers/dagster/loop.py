"""Materialize every partition that is missing, one after the other, in this process."""

import sys

from dagster import AssetKey, DagsterInstance, materialize
from definitions import QUIET, TABLES, days, defs

if __name__ == "__main__":
    assets = list(defs.assets or ())
    with DagsterInstance.get() as instance:
        done = [instance.get_materialized_partitions(AssetKey(name)) for name in TABLES]
        for day in days.get_partition_keys():
            if not all(day in partitions for partitions in done):
                result = materialize(
                    assets, partition_key=day, instance=instance, resources=defs.resources, run_config=QUIET
                )
                if not result.success:
                    sys.exit(f"error: {day} failed")
