"""``python server_process.py ...``: Prefect's programs, for a server whose writers on SQLite take turns.

Prefect begins most transactions as readers. One that reads and then writes is refused at once, with ``database is
locked``, if another has written in between: SQLite cannot wait there, whatever its time limit is. On a busy machine
events were dropped that way, and their alerts came late or never. Here a transaction is a writer's from its beginning,
and waits for its turn: https://www.sqlite.org/lang_transaction.html. On PostgreSQL none of this is needed.

It does not wait within SQLite, which would hold the connection's mutex. If the event loop then frees a cursor of that
connection, it waits for the mutex, and with it the transaction that has the turn: the whole server stood still until
the time limit.
"""

import random
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import aiosqlite
from prefect.cli import app
from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

TURN_TIMEOUT_SECONDS = 600
"""How long a call waits for its turn: longer than any transaction takes, however busy the machine is."""

_begin, _set_up = AioSqliteConfiguration.begin_transaction, AioSqliteConfiguration.setup_sqlite
_execute = aiosqlite.Connection._execute  # noqa: SLF001 - all of a connection's calls go through it


@asynccontextmanager
async def begin_as_writer(
    self: AioSqliteConfiguration,
    session: AsyncSession,
    with_for_update: bool = True,  # noqa: ARG001 - as Prefect calls it
) -> AsyncGenerator[AsyncSessionTransaction, None]:
    """Begin a transaction that waits for its turn to write, at once and not with its first statement.

    Prefect opens sessions within it that only read. They begin as readers: as writers, they would wait for it.
    """
    async with _begin(self, session, with_for_update=True) as transaction:
        await session.connection()
        token = SQLITE_BEGIN_MODE.set("DEFERRED")
        try:
            yield transaction
        finally:
            SQLITE_BEGIN_MODE.reset(token)


def set_up(self: AioSqliteConfiguration, connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """Set up a connection as Prefect does, but let SQLite not wait for the lock."""
    _set_up(self, connection, record)
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")


async def execute(self: aiosqlite.Connection, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a call in the connection's thread, again until it has its turn."""
    return await _execute(self, _in_turn, call, *args, **kwargs)  # type: ignore[no-untyped-call]


def _in_turn(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    deadline = time.monotonic() + TURN_TIMEOUT_SECONDS
    while True:
        try:
            return call(*args, **kwargs)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - jitter


def take_turns() -> None:
    """Replace what Prefect does with SQLite, for this process."""
    AioSqliteConfiguration.begin_transaction = begin_as_writer  # type: ignore[method-assign]
    AioSqliteConfiguration.setup_sqlite = set_up  # type: ignore[method-assign, assignment]
    aiosqlite.Connection._execute = execute  # type: ignore[method-assign, assignment] # noqa: SLF001


if __name__ == "__main__":
    take_turns()
    app()
