"""The seeds of tests that try something at random."""

import pytest


def seeds(count: int, *, in_every_run: int) -> list[object]:
    """Return seeds as parameters of a test: the first ones are tried in every test run, all where there is time."""
    return [pytest.param(seed, marks=[] if seed < in_every_run else [pytest.mark.slow]) for seed in range(count)]
