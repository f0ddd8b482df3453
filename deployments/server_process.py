"""``python deployments/server_process.py ...``: Prefect's programs, for a server whose writers on SQLite take turns.

Prefect begins most transactions as readers. One that reads and then writes is refused at once, with ``database is
locked``, if another has written in between: SQLite cannot wait there, whatever its time limit is. On a busy machine
events were dropped that way, and their alerts came late or never. Here a transaction is a writer's from its beginning,
and waits for its turn: https://www.sqlite.org/lang_transaction.html. On PostgreSQL none of this is needed.
"""

import sqlalchemy as sa
from prefect.cli import app
from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration


def begin_as_writer(self: AioSqliteConfiguration, conn: sa.Connection) -> None:  # noqa: ARG001 - a method of it
    """Begin a transaction that waits for its turn to write; what needs no transaction begins none, as in Prefect."""
    if SQLITE_BEGIN_MODE.get() is not None:
        conn.exec_driver_sql("BEGIN IMMEDIATE")


if __name__ == "__main__":
    AioSqliteConfiguration.begin_sqlite_stmt = begin_as_writer  # type: ignore[method-assign]
    app()
