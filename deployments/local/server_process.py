"""``python server_process.py ...``: Prefect's programs, for a server whose writers on SQLite take turns.

Prefect begins most transactions as readers. One that reads and then writes is refused at once, with ``database is
locked``, if another has written in between: SQLite cannot wait there, whatever its time limit is. On a busy machine
events were dropped that way, and their alerts came late or never. Here a transaction is a writer's from its beginning,
and waits for its turn: https://www.sqlite.org/lang_transaction.html. On PostgreSQL none of this is needed.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect.cli import app
from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

_begin = AioSqliteConfiguration.begin_transaction


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


if __name__ == "__main__":
    AioSqliteConfiguration.begin_transaction = begin_as_writer  # type: ignore[method-assign]
    app()
