"""A survey of one day and two tables, one built from the other, for what is decided on it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flows.backfill import backfill
from tasks.backfill.checkpoint import Checkpoint, History, Rows, TableDay
from tasks.backfill.day import Reference, SourceCounts
from tasks.backfill.findings import Survey
from tasks.backfill.gate import Outcome
from tasks.backfill.plan import DayPlan, TablePlan, plan_days
from tasks.backfill.request import BackfillRequest
from tasks.parameters import check
from tasks.tables.spec import Build
from tests.asked import asked

DAY = date(2023, 2, 23)
NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
ZONES, MAIN = "zones", "factors"
ZONES_BUILD = Build.model_validate(
    {
        "entity": "player_lookup",
        "inputs": [{"table": "player_game_summary", "window": "season_before"}],
        "sources": [{"name": "season"}],
        "never_all_null": ["score"],
    }
)
MAIN_BUILD = Build.model_validate(
    {
        "entity": "player_lookup",
        "inputs": [
            {"table": "player_game_summary", "window": "season_to_date"},
            {"table": "nba_schedule", "window": "day"},
        ],
        "depends_on": [ZONES],
        "sources": [{"name": "upcoming", "table": "upcoming_player_game_context"}, {"name": "synthetic"}],
        "never_all_null": ["score"],
    }
)
SURVEY = Survey(
    builds={ZONES: ZONES_BUILD, MAIN: MAIN_BUILD},
    code_versions={ZONES: "v1", MAIN: "v1"},
    bootstrap_days=14,
    references={
        DAY: Reference(
            game_date=DAY, season_year=2022, is_scheduled=True, final_games=9, loaded_games=9, expected_players=187
        )
    },
    season_starts={2022: date(2022, 10, 18)},
    source_counts={
        ZONES: {},
        MAIN: {DAY: SourceCounts(source="upcoming", expected=187, covered=187, players=187)},
    },
    digests={
        "player_game_summary": [(DAY - timedelta(days=1), "aaa"), (DAY, "bbb")],
        "nba_schedule": [(DAY - timedelta(days=1), "ccc"), (DAY, "ddd")],
        "upcoming_player_game_context": [(DAY, "eee")],
    },
    expected_digests={DAY: "fff"},
    rows={(ZONES, DAY): Rows(187, "ggg"), (MAIN, DAY): Rows(187, "hhh")},
    histories={},
)


def checkpoint(outcome: Outcome = "complete", table: str = MAIN, **fields: Any) -> Checkpoint:
    source = {ZONES: "season", MAIN: "upcoming"}[table]
    return Checkpoint.model_validate(
        {
            "table_name": table,
            "game_date": DAY,
            "run_id": "run-1",
            "outcome": outcome,
            "message": "187 of 187",
            "source": source,
            "expected_digest": SURVEY.expected_digest(table, DAY),
            "row_count": 187,
            "rows_digest": SURVEY.rows_there(table, DAY).digest,
            "inputs": SURVEY.inputs(table, DAY, source),
            "code_version": "v1",
            "started_at": NOON,
            "recorded_at": NOON,
            **fields,
        }
    )


ZONES_DONE = checkpoint(table=ZONES)


def survey(
    *checkpoints: Checkpoint | None, rows: int = 187, digest: str = "hhh", rows_of_zones: str = "ggg", **now: Any
) -> Survey:
    """Return what is found where tables have these checkpoints, oldest first, and these rows."""
    histories: dict[TableDay, History] = {(ZONES, DAY): History.of(ZONES_DONE)}
    for each in checkpoints:
        if each is not None:
            before = histories.get((each.table_name, DAY))
            histories[each.table_name, DAY] = History.of(each, before.published if before else None)
    found = replace(
        SURVEY, histories=histories, rows={(ZONES, DAY): Rows(187, rows_of_zones), (MAIN, DAY): Rows(rows, digest)}
    )
    return replace(found, **now)


def request(*tables: str, **given: Any) -> BackfillRequest:
    return check(BackfillRequest, **asked(backfill, as_of=DAY, start_date=DAY, tables=tables or (ZONES, MAIN), **given))


def plan(found: Survey, *tables: str, **given: Any) -> DayPlan:
    (day,) = plan_days(found, request(*tables, **given))
    return day


def main(day: DayPlan) -> TablePlan:
    (table,) = [table for table in day.tables if table.table == MAIN]
    return table
