"""Build a table's rows for one day, or audit days, with the real SQL on a real DuckDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tasks.backfill.coverage import read_references, window
from tasks.backfill.day import Reference
from tasks.runtime.run import Run
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Parameters
from tasks.warehouse.open import open_warehouse
from tests.league import WRITTEN_AT, League, Row
from tests.pre_game import COUNTS

SEASON_START = date(2022, 10, 18)
LAST_SEASON = date(2022, 6, 16)
DAY = date(2023, 1, 20)
COMPOSITE = "player_composite_factors"
SHOT_ZONES = "player_shot_zone_analysis"
DEFENSE = "team_defense_zone_analysis"
SAT_OUT: Row = dict.fromkeys(("minutes_played", *COUNTS))
"""What a box score says of a player who sat out."""
VOLATILE = ("run_id", "processed_at")
NEUTRAL: Row = {
    "days_rest": 1,
    "back_to_back": False,
    "games_in_last_7_days": 3,
    "minutes_in_last_7_days": 72.0,
    "avg_minutes_per_game_last_7": 24.0,
    "back_to_backs_last_14_days": 0,
    "avg_usage_rate_last_7_games": 20.0,
    "pace_differential": 0.0,
    "opponent_pace_last_10": 100.0,
}
"""A pre-game context that changes no score."""


@dataclass(frozen=True)
class Case:
    """One player-game: what differs from a neutral pre-game context, and the zone rows of either side."""

    context: Mapping[str, Any] = field(default_factory=dict)
    zone: Mapping[str, Any] | None = None
    defense: Mapping[str, Any] | None = None


def build(
    settings: Settings,
    table: str,
    day: date = DAY,
    *,
    source: str | None = None,
    season_start: date = SEASON_START,
    run_id: str = "run-1",
    processed_at: datetime = datetime(2023, 6, 2, tzinfo=UTC),
    publish: bool = False,
) -> list[Row]:
    """Return the rows that a table's build makes for a day, in the order of their keys.

    Args:
        settings: Whose warehouse to build in; the derived tables are created where they are missing.
        table: A derived table.
        day: The day.
        source: The source of the context; None for the table's last one.
        season_start: The season's first day.
        run_id: Who writes.
        processed_at: When.
        publish: Put them in the table too, for other tables to read.
    """
    catalogue = load_catalogue(settings)
    spec = catalogue.table(table)
    sql = catalogue.query(table, "build", source=source or catalogue.build(table).fallback.name)
    parameters: Parameters = {
        **window(settings, season_start, day, day),
        "run_id": run_id,
        "processed_at": processed_at,
    }
    order = ", ".join(spec.grain)
    with (
        open_warehouse(settings.connection()) as warehouse,
        warehouse.stage(spec, sql, parameters, game_date=day, run_id=run_id) as staged,
    ):
        rows: list[Row] = warehouse.fetch(f"SELECT * FROM {staged.location} ORDER BY {order}")
        if publish:
            warehouse.publish(staged)
        return rows


def read(settings: Settings, query: str, day: date = DAY, *, season_start: date = SEASON_START) -> list[Row]:
    """Return the rows of one of the composite table's own queries, such as ``expected`` or ``context_synthetic``."""
    sql = load_catalogue(settings).query(COMPOSITE, query)
    with open_warehouse(settings.connection()) as warehouse:
        rows: list[Row] = warehouse.fetch(sql, window(settings, season_start, day, day))
        return rows


def references(settings: Settings, league: League, first: date = DAY, last: date = DAY) -> dict[date, Reference]:
    """Put a league in place of the one before, and return what its audit says of each day, by day."""
    write(settings, league)
    with open_warehouse(settings.connection()) as warehouse:
        start = min(SEASON_START, *(row["game_date"] for row in league.games))
        return read_references(Run(settings, "audit", 1), warehouse, start, first, last)


def write(settings: Settings, league: League, **zones: Sequence[Mapping[str, Any]]) -> None:
    """Put a league in place of the one before, and rows of the zone tables, by table, in place of theirs."""
    stamp = {"calculation_version": "v", "data_hash": "h", "processed_at": WRITTEN_AT}
    tables: dict[str, Sequence[Mapping[str, Any]]] = {
        "nba_schedule": league.games,
        "player_game_summary": league.box,
        "upcoming_player_game_context": league.upcoming,
        **{
            name: [{"analysis_date": DAY, **stamp, **row} for row in zones.get(name, ())]
            for name in (SHOT_ZONES, DEFENSE)
        },
    }
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        for name, rows in tables.items():
            change(settings, f"DELETE FROM {catalogue.table(name).full_name} WHERE TRUE")
            if rows:
                warehouse.append(catalogue.table(name), rows)


def change(settings: Settings, statement: str) -> None:
    """Change the rows of a table; ``write`` and ``bench`` hold the file open, so that this costs no time."""
    with open_warehouse(settings.connection()) as warehouse:
        warehouse.fetch(statement)


def score(settings: Settings, cases: Mapping[str, Case]) -> dict[str, Row]:
    """Return the composite row of each case: all are players of one day, each with an opponent of his own."""
    league, zones, defenses = League(), [], []
    game_id = league.game(DAY, "BOS", "LAL", players=0)
    players = {f"player{number:03d}": name for number, name in enumerate(cases)}
    for player, name in players.items():
        case, opponent = cases[name], f"OPP{player[-3:]}"
        league.player(player, DAY, game_id, "BOS", opponent)
        league.expect_upcoming(DAY, [player], **NEUTRAL | dict(case.context))
        if case.zone is not None:
            zones.append({"player_lookup": player, **case.zone})
        if case.defense is not None:
            defenses.append({"team_abbr": opponent, **case.defense})
    write(settings, league, **{SHOT_ZONES: zones, DEFENSE: defenses})
    return {players[row["player_lookup"]]: row for row in build(settings, COMPOSITE, source="upcoming")}


def build_all(settings: Settings, day: date = DAY, **options: Any) -> dict[str, str]:
    """Return, by derived table, all that may not differ between two builds of a day, as text: floats to the last bit.

    The tables are built in the order in which they need each other, each on the others' rows.
    """
    return {
        name: repr(
            [
                {column: value for column, value in row.items() if column not in VOLATILE}
                for row in build(settings, name, day, publish=True, **options)
            ]
        )
        for name in (SHOT_ZONES, DEFENSE, COMPOSITE)
    }
