"""Load input files into the warehouse: find and check them all, load them one by one, report."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from prefect import get_run_logger

from tasks.calendar import league_day
from tasks.errors import describe_error
from tasks.ingest.contents import FileReport, IngestReport, IngestRequest, InputFile
from tasks.ingest.files import find_files, inspect, passed_over
from tasks.ingest.reload import Loadable, keep_back
from tasks.ingest.rows import CONTENTS, read_table
from tasks.runtime import markdown
from tasks.runtime.artifacts import write_markdown, write_table
from tasks.runtime.boundary import understand
from tasks.runtime.limits import writing
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.text import first_of
from tasks.warehouse.base import Replaced
from tasks.warehouse.schema import refuse_rows

MAX_NAMED_GAMES = 200

_COLUMNS = ("file", "table", "read", "written", "replaced", "rejected", "games", "days", "first day", "last day")


@step("check-input-files")
def check_input_files(request: IngestRequest) -> list[InputFile]:
    """Find all files, and read each once to see that it is whole and has its columns; schedules come first.

    Raises:
        IngestError: A file is missing, unreadable, empty, neither Parquet nor CSV, or lacks a column.
    """
    logger = get_run_logger()
    files = [InputFile(path=str(path), kind="schedule") for path in find_files(request.schedules)]
    files += [InputFile(path=str(path), kind="game log") for path in find_files(request.game_logs)]
    for entry in passed_over([*request.schedules, *request.game_logs]):
        logger.warning("not read: %s", entry)
    for file in files:
        rows = inspect(Path(file.path), CONTENTS[file.kind].model)
        logger.info("%s: %s, %s rows", file.path, file.kind, f"{rows:,}")
    return files


def load_input_files(run: Run, request: IngestRequest, files: Sequence[InputFile]) -> list[FileReport]:
    """Load the files in order; one that fails is reported, and stops no other."""
    return [_load_or_report(run, request, file) for file in files]


@step("load-file", run_name="load {file.path}")
def load_input_file(run: Run, request: IngestRequest, file: InputFile) -> FileReport:
    """Load the good rows of one file, all or none, except those of games that the warehouse has more of.

    No other run of the ingest writes between the comparison and the replacement.

    Raises:
        IngestError: The file cannot be read.
        SchemaError: The table cannot hold the rows; nothing was written.
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    catalogue = run.catalogue
    now = datetime.now(UTC)
    contents = CONTENTS[file.kind](league_day(now))
    table = catalogue.table(contents.table)
    rows, report = read_table(
        Path(file.path),
        contents,
        table,
        processed_at=now,
        max_reported_rejections=request.max_reported_rejections,
    )
    if rows.num_rows and not request.dry_run:
        part = sha256(file.path.encode()).hexdigest()[:8]
        with writing(run.settings, [table.name]), run.warehouse("ingest", table=table.name, part=part) as warehouse:
            warehouse.create(spec for spec in catalogue.tables.values() if spec.role == "input")
            refuse_rows(warehouse, table, [name for name in rows.column_names if not rows.column(name).null_count])
            rows, report = keep_back(
                warehouse, table, Loadable(rows, report), match=contents.match, allow_shrink=request.allow_shrink
            )
            replaced = warehouse.replace(table, rows, match=contents.match) if rows.num_rows else Replaced(0, 0)
        report = report.model_copy(update={"rows_written": replaced.inserted, "rows_replaced": replaced.deleted})
    _log(report, is_dry_run=request.dry_run)
    return report


@step("report-ingest")
def report_ingest(request: IngestRequest, files: Sequence[FileReport]) -> IngestReport:
    """Publish what became of every file: a markdown artifact, and tables of rejected rows and of games kept back."""
    report = IngestReport(files=tuple(files), dry_run=request.dry_run)
    shown = [rejection for file in files for rejection in file.rejections][: request.max_reported_rejections]
    rejected = sum(file.rows_rejected for file in files)
    kept = report.kept_back
    heading = f"{rejected:,} rows rejected, {len(shown):,} reasons shown" if rejected else "No row was rejected."
    write_markdown("ingest-report", _markdown(report), description=report.summary)
    write_table("ingest-rejections", [row.model_dump() for row in shown], description=heading)
    write_table(
        "ingest-kept-back",
        [game.model_dump(mode="json") for game in kept],
        description=f"{len(kept):,} games kept as they were" if kept else "No game was kept back.",
    )
    get_run_logger().info("%s", report.summary)
    return report


def _load_or_report(run: Run, request: IngestRequest, file: InputFile) -> FileReport:
    try:
        return retrying(load_input_file)(run, request, file)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other files are to be loaded
        reason = describe_error(understand(error))
    return FileReport(file=file.path, kind=file.kind, table=CONTENTS[file.kind].table, error=reason)


def _log(report: FileReport, *, is_dry_run: bool) -> None:
    logger = get_run_logger()
    done = "dry run, nothing written" if is_dry_run else f"{report.rows_written:,} written"
    logger.info(
        "%s: %s rows read, %s, %s replaced, %s rejected; %s games on %s days, %s to %s",
        report.file,
        f"{report.rows_read:,}",
        done,
        f"{report.rows_replaced:,}",
        f"{report.rows_rejected:,}",
        f"{report.games:,}",
        f"{report.days:,}",
        report.first_date,
        report.last_date,
    )
    for warning in report.warnings:
        logger.warning("%s: %s", report.file, warning)
    if report.kept_back:
        logger.error(
            "%s: %s games kept as they were:\n%s",
            report.file,
            f"{len(report.kept_back):,}",
            "\n".join(_kept_back(report)),
        )
    if report.rows_rejected:
        first = report.rejections[0]
        logger.error(
            "%s: %s rows rejected; the first: line %s, %s %r %s",
            report.file,
            f"{report.rows_rejected:,}",
            first.line,
            first.column,
            first.value,
            first.reason,
        )


def _markdown(report: IngestReport) -> str:
    rows = []
    for file in report.files:
        counts = (file.rows_read, file.rows_written, file.rows_replaced, file.rows_rejected, file.games, file.days)
        dates = (file.first_date or "", file.last_date or "")
        rows.append((file.file, file.table, *(f"{count:,}" for count in counts), *dates))
    lines = ["# Ingest", "", markdown.text(report.summary), "", *markdown.table(_COLUMNS, rows)]
    for file in report.files:
        notes = [f"not loaded: {file.error}"] if file.error else []
        if file.rejected_games:
            notes.append(f"games with rejected rows: {first_of(file.rejected_games, MAX_NAMED_GAMES)}")
        notes += [f"kept as it was: {line}" for line in _kept_back(file)]
        notes += [f"warning: {warning}" for warning in file.warnings]
        if notes:
            lines += ["", f"## {markdown.text(file.file)}", "", *(f"- {markdown.text(note)}" for note in notes)]
    return "\n".join([*lines, ""])


def _kept_back(report: FileReport) -> list[str]:
    """Return the first games that were kept back, with their reasons, and how many more there are."""
    games = [f"{game.game_id} on {game.game_date}: {game.reason}" for game in report.kept_back]
    more = len(games) - MAX_NAMED_GAMES
    return games[:MAX_NAMED_GAMES] + ([f"and {more:,} more, in the artifact ingest-kept-back"] if more > 0 else [])
