"""Every query that the application sends to a warehouse, by name."""

from collections.abc import Iterator
from datetime import UTC, datetime

from deployments.commands import ddl
from tasks.backfill import off_days
from tasks.cleanup import doubt
from tasks.cleanup import record as cleanup_record
from tasks.ingest import reload as ingest_reload
from tasks.settings import Settings
from tasks.tables import cleanup, queries
from tasks.tables.adoption_query import adoption_query
from tasks.tables.batch_query import batch_query, identity_changes
from tasks.tables.catalogue import Catalogue, load_catalogue
from tasks.tables.gate_query import comparison_query, facts_query, gate_query
from tasks.warehouse.dry_run import STAGED
from tasks.warehouse.kept_columns import with_kept
from tasks.warehouse.moment import Moment, as_of

SHARED = (
    "audit",
    "box_scores",
    "days",
    "expected_players",
    "holes",
    "people",
    "played",
    "reference",
    "scheduled",
    "scheduled_sides",
    "season_days",
    "seasons",
)


def catalogue() -> Catalogue:
    """The tables of tasks/tables."""
    return load_catalogue(Settings())


def statements() -> Iterator[tuple[str, str]]:
    """Yield name and text of each, also for each source of a table's context."""
    tables = catalogue()
    derived = [tables.table(name) for name in tables.derived]
    for table in derived:
        build = tables.build(table.name)
        for source in build.sources:
            yield f"{table.name}/build from {source.name}", tables.query(table.name, "build", source=source.name)
            whole = tables.query(table.name, "build", source=source.name, has_holes=False)
            yield f"{table.name}/build from {source.name}, of a whole season", whole
            yield f"{table.name}/rows that would be, from {source.name}", queries.would_be(tables, table, source.name)
        yield f"{table.name}/expected", tables.query(table.name, "expected")
        yield f"{table.name}/gate", gate_query(tables, table, table.full_name)
        yield f"{table.name}/facts of many days", facts_query(tables, table, table.full_name)
        for is_suspect in (True, False):
            text = comparison_query(tables, table, table.full_name, is_suspect=is_suspect)
            yield f"{table.name}/comparison{' of a suspect' if is_suspect else ''}", text
        rows = tables.query(table.name, "build", source=build.fallback.name)
        yield f"{table.name}/gate of a dry run", gate_query(tables, table, STAGED, rows)
        yield f"{table.name}/adoption", adoption_query(tables, table)
        if build.preferred is not None:
            for with_missing in (True, False):
                text = queries.coverage(tables, table, build.preferred, with_missing=with_missing)
                yield f"{table.name}/coverage{' with missing' if with_missing else ''}", text
        if (compared := queries.disagreement(tables, table)) is not None:
            yield f"{table.name}/disagreement", compared
    for name in SHARED:
        yield f"shared/{name}", tables.shared_query(name)
    yield "changes of identity", identity_changes(tables, tables.derived)
    yield "check of a day", queries.check(tables, derived)
    yield "rows that are there", queries.rows_there(derived)
    yield "digests of the expected sets", queries.expected_digests(tables)
    yield "open failures", off_days.OPEN_FAILURES
    yield "days of the ledger", queries.recorded_days(tables.table("backfill_ledger"))
    yield "latest attempts", queries.latest_attempts(tables.table("backfill_ledger"))
    yield "a day of the ledger", queries.ledger_of_day(tables.table("backfill_ledger"))
    yield "latest ledger", queries.latest_ledger(tables.table("backfill_ledger"))
    yield from {"newest final game": doubt.NEWEST_FINAL_GAME, "newest box score": doubt.NEWEST_BOX_SCORE}.items()
    yield "unplayed games", doubt.UNPLAYED_GAMES
    yield "audit log", cleanup_record.READ_LOG
    for table in tables.with_ttl:
        yield f"{table.name}/newest row", str(doubt.newest_row(table))
    for view in tables.tables.values():
        if view.query is not None:
            yield f"{view.name}/view", view.query
    for table in (table for table in tables.tables.values() if table.role == "input"):
        yield f"{table.name}/digests", queries.digests(tables.as_read(table.name))
    for name in ("nba_schedule", "player_game_summary"):
        yield f"{name}/known rows", ingest_reload.known_rows(tables.table(name))


def one_engine_statements() -> Iterator[tuple[str, str]]:
    """Yield those that only one engine runs, or whose rows it alone compares: a cleanup's digests print fractions.

    The rows of many days are those of builds, which are compared.
    """
    tables = catalogue()
    for name in tables.derived:
        sources = [source.name for source in tables.build(name).sources]
        rows = batch_query(tables, tables.table(name), sources, has_holes=True, with_others=True)
        yield f"{name}/rows of many days", rows
    moment = Moment(datetime.now(UTC), tables=tuple(table.full_name for table in tables.inputs(tables.derived)))
    yield (
        "check of a day, as of a moment",
        as_of(queries.check(tables, list(map(tables.table, tables.derived))), moment),
    )
    for table in tables.with_ttl:
        yield f"{table.name}/stale days", cleanup.stale_days(table)
        yield f"{table.name}/kept rows", cleanup.kept_rows(table)
        yield f"{table.name}/undated rows", cleanup.undated_rows(table)
        yield f"{table.name}/missing rows", cleanup.missing_rows(table, table.full_name)
        *known, own = (column.name for column in table.columns)
        yield f"{table.name}/values", cleanup.values_in(table, table.full_name, [own])
        where = f"{table.partition} = DATE '2023-02-23'"
        kept = with_kept(table, table.full_name, columns=known, own=[own], where=where, quote="`")
        yield f"{table.name}/kept columns", kept


def changes() -> Iterator[tuple[str, str]]:
    """Yield those that change tables, beside the builds; backups and staging tables are given a name."""
    expires = "TIMESTAMP '2026-12-25 04:00:00+00:00'"
    for table in catalogue().with_ttl:
        yield f"{table.name}/delete days", cleanup.delete_days(table)
        columns = [column.name for column in table.columns]
        yield f"{table.name}/restore rows", cleanup.restore_rows(table, table.full_name, columns)
        clone = f"CLONE {table.full_name}\nOPTIONS(expiration_timestamp = {expires})"
        yield f"{table.name}/back up", f"CREATE SNAPSHOT TABLE IF NOT EXISTS fullcourt_backups.backup\n{clone}"


def definitions() -> Iterator[tuple[str, str]]:
    """Yield every statement that creates a dataset, a table or a view, by its file and place there."""
    for file, text in ddl.files().items():
        for number, statement in enumerate(text.removesuffix(";\n").split(";\n\n"), start=1):
            yield f"{file.name} {number}", statement
