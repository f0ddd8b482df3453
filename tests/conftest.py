"""What every test has: its fixtures, and a look at the services' logs at the end."""

import pytest

pytest_plugins = (
    "tests.isolation.plugin",
    "tests.service_logs",
    "tests.fixtures.prefect",
    "tests.fixtures.warehouses",
    "tests.fixtures.flows",
)

# Those that take minutes, longest first: a process that begins one of them last leaves the others without work.
LONGEST = (
    "test_docs.py",
    "test_jobs.py",
    "test_googlesql.py",  # it leaves the compiled analyser to the two others that use it
    "test_local.py",
    "test_real_week.py",
    "test_resume.py",
    "test_fan_out.py",
    "test_engines_agree.py",
    "test_checkpoints.py",
    "test_upstream_repairs.py",
    "test_killed.py",
    "test_killed_batches.py",
    "test_later_failures.py",
    "test_real_seasons.py",
    "test_dead_runs.py",
    "test_cleanup.py",
    "test_bounds.py",
    "test_staging.py",
    "test_register.py",
    "test_gate_and_force.py",
    "test_incident.py",
    "test_restore.py",
    "test_opt_in.py",
    "test_alerts.py",
    "test_terminal.py",
    "test_schedule_days.py",
    "test_limits.py",
    "test_doctor_bigquery.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))
