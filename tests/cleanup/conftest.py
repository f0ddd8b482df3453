"""Every test of this folder holds on both warehouses; it is noon of 2023-03-01 in New York."""

import pytest

from tests.both_warehouses import pytest_generate_tests
from tests.cleanup.observe import NOW
from tests.fixtures.flows import SetClock

__all__ = ["pytest_generate_tests"]


@pytest.fixture(autouse=True)
def _noon(set_clock: SetClock) -> None:
    set_clock(NOW)
