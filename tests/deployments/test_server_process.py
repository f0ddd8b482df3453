"""Prefect's own way with SQLite, with transactions that wait for their turn to write."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration

from deployments.local.server_process import TURN_TIMEOUT_SECONDS, take_turns

pytestmark = pytest.mark.no_server


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AioSqliteConfiguration:
    for name in ("begin_transaction", "setup_sqlite"):  # to be put back
        monkeypatch.setattr(AioSqliteConfiguration, name, getattr(AioSqliteConfiguration, name))
    take_turns()
    return AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{tmp_path / 'prefect.db'}")


def test_transactions_that_read_before_they_write_take_turns(configuration: AioSqliteConfiguration) -> None:
    together = 8

    async def look() -> int:
        """Read in a session of its own, as Prefect does within a transaction."""
        async with await configuration.session(await configuration.engine()) as session:
            (number,) = (await session.execute(sa.text("SELECT number FROM counter"))).one()
            return int(number)

    async def add_one() -> None:
        session = await configuration.session(await configuration.engine())
        async with session, configuration.begin_transaction(session):
            (number,) = (await session.execute(sa.text("SELECT number FROM counter"))).one()
            await asyncio.sleep(0.01)  # the others begin meanwhile
            assert await look() == number
            await session.execute(sa.text("UPDATE counter SET number = :next"), {"next": number + 1})

    async def count() -> int:
        async with await configuration.session(await configuration.engine()) as session:
            await session.execute(sa.text("CREATE TABLE counter AS SELECT 0 AS number"))
            await asyncio.gather(*(add_one() for _ in range(together)))
            return await look()

    assert asyncio.run(count()) == together


def test_a_writer_waits_for_its_turn_longer_than_a_machine_stalls(configuration: AioSqliteConfiguration) -> None:
    async def limit_milliseconds() -> int:
        async with await configuration.session(await configuration.engine()) as session:
            return int((await session.execute(sa.text("PRAGMA busy_timeout"))).scalar_one())

    assert asyncio.run(limit_milliseconds()) == TURN_TIMEOUT_SECONDS * 1000 > 60_000
