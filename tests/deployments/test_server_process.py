"""Prefect's own way with SQLite, with transactions that wait for their turn to write."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest
import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration

from deployments.local.server_process import take_turns

pytestmark = pytest.mark.no_server


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AioSqliteConfiguration:
    for kind, name in (
        (AioSqliteConfiguration, "begin_transaction"),
        (AioSqliteConfiguration, "setup_sqlite"),
        (aiosqlite.Connection, "_execute"),
    ):
        monkeypatch.setattr(kind, name, getattr(kind, name))  # to be put back
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


def test_a_cursor_that_the_event_loop_frees_does_not_wait_for_its_connections_turn(
    configuration: AioSqliteConfiguration, tmp_path: Path
) -> None:
    """The loop frees a cursor while its connection waits for a lock, which only the loop can release."""

    async def run() -> int:
        async with await configuration.session(await configuration.engine()) as session:
            await session.execute(sa.text("CREATE TABLE counter AS SELECT 0 AS number"))
            raw = await (await session.connection()).get_raw_connection()
            assert raw.driver_connection is not None
            cursor = await raw.driver_connection.cursor()
            await cursor.execute("SELECT 1 UNION SELECT 2")  # it has rows left
            with closing(sqlite3.connect(tmp_path / "prefect.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                write = asyncio.create_task(session.execute(sa.text("UPDATE counter SET number = 7")))
                await asyncio.sleep(0.2)  # the connection's thread asks for the lock meanwhile
                del cursor
                other.execute("COMMIT")
            await write
            return int((await session.execute(sa.text("SELECT number FROM counter"))).scalar_one())

    assert asyncio.run(run()) == 7
