"""What every test has: its fixtures, and a look at the services' logs at the end."""

pytest_plugins = (
    "tests.isolation.plugin",
    "tests.service_logs",
    "tests.fixtures.prefect",
    "tests.fixtures.warehouses",
    "tests.fixtures.flows",
)
