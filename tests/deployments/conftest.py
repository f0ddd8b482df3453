"""What the tests of the first check share."""

import pytest

from tests.deployments.checkup import Doctor


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """The first check, to be called."""
    return Doctor(capsys)
