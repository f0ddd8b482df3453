"""Every test of this folder holds on both warehouses."""

from tests.both_warehouses import pytest_generate_tests

__all__ = ["pytest_generate_tests"]
