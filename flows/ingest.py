"""The ingest: check the input files, load them, report."""

from prefect import State

from tasks.ingest.contents import MAX_REPORTED_REJECTIONS, IngestReport, IngestRequest, Rejections
from tasks.ingest.load import check_input_files, load_input_files, report_ingest
from tasks.parameters import check
from tasks.runtime.boundary import main_flow, state_of
from tasks.runtime.run import Run
from tasks.settings import load_settings


@main_flow("ingest")
def ingest(
    game_logs: list[str] = [],  # noqa: B006 - never changed
    schedules: list[str] = [],  # noqa: B006
    dry_run: bool = False,
    allow_shrink: bool = False,
    max_reported_rejections: Rejections = MAX_REPORTED_REJECTIONS,
) -> State[IngestReport]:
    """Load schedules and player game logs; a rerun, or a corrected file, replaces the rows of its games.

    Nothing is written before every file has been found readable and to have its columns. Then each file is loaded by
    itself, all of its good rows or none. A game log that has both teams of all its games replaces whole games, any
    other the games of its teams. A dry run does not open the warehouse.

    A game that is there already is kept as it is if a row of it is rejected, if the file has fewer of its players or
    minutes, other points, or statistics that it does not know although they are known; a final game of the schedule
    also if the file has it not final, on another day, or of other teams.

    Columns of a game log, in any case and order: GAME_ID, GAME_DATE, PLAYER_ID, PLAYER_NAME, TEAM_ABBREVIATION, MATCHUP
    and MIN; unknown where they are missing: PTS, FGM, FGA, FG3M, FG3A, FTM, FTA, OREB, DREB, AST, STL, BLK, TOV, PF,
    PLUS_MINUS, PAINT_FGM, PAINT_FGA, MID_RANGE_FGM, MID_RANGE_FGA, START_POSITION or STARTER, COMMENT or IS_DNP.
    Columns of a schedule: GAME_ID, GAME_DATE, HOME_TEAM, AWAY_TEAM, and HOME_PTS with AWAY_PTS or GAME_STATUS; or those
    of nba_schedule.

    Args:
        game_logs: Player game logs in stats.nba.com's columns: Parquet or CSV files, folders or patterns. A relative
            path starts at the worker's working directory.
        schedules: Schedules with final scores or game status, as files, folders or patterns.
        dry_run: Read and check the files; the warehouse is not opened, so that nothing is compared with it.
        allow_shrink: Replace a game even if the file has less of it, or other points; never one with a rejected row.
        max_reported_rejections: Rejections that the report lists; all are counted.

    Returns:
        A Completed state if every row was good; it holds the report. A Failed one if any row was rejected, although
        the good rows are loaded, if a game was kept back, or if a file was not loaded: a partial load must not pass as
        a whole one.

    Raises:
        RequestError: A parameter is invalid; nothing was started.
        SettingsError: A setting is invalid; nothing was started.
        IngestError: A file is missing, unreadable, empty or lacks a column; nothing was written.
    """
    run = Run.begin(load_settings())
    request = check(
        IngestRequest,
        game_logs=game_logs,
        schedules=schedules,
        dry_run=dry_run,
        allow_shrink=allow_shrink,
        max_reported_rejections=max_reported_rejections,
    )
    files = check_input_files(request)
    report = report_ingest(request, load_input_files(run, request, files))
    return state_of(report, is_done=report.is_complete)
