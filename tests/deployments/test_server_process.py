"""Prefect's own way with SQLite, with transactions that wait for their turn to write."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration

from deployments.local.server_process import begin_as_writer


def test_transactions_that_read_before_they_write_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AioSqliteConfiguration, "begin_transaction", begin_as_writer)
    configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{tmp_path / 'prefect.db'}")
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
