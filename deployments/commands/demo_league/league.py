"""Generate the demo league and write it to a warehouse."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter

import pyarrow as pa

from deployments.commands.demo_league.play import Line, Player, Side, play, team_of_season
from deployments.commands.demo_league.schedule import ALL_STAR_TEAMS, TEAMS, Draw, Game, season_games, seeded
from deployments.commands.demo_league.upcoming import Appearance, upcoming_rows
from tasks.errors import RequestError
from tasks.settings import load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Warehouse, arrow_schema

FIRST_SEASON, LAST_SEASON = 2000, 2098

_STATISTICS = (
    "points", "minutes", "fg_makes", "fg_attempts", "three_pt_makes", "three_pt_attempts", "ft_makes", "ft_attempts",
    "offensive_rebounds", "defensive_rebounds", "assists", "steals", "blocks", "turnovers", "personal_fouls",
    "plus_minus", "paint_makes", "paint_attempts", "mid_range_makes", "mid_range_attempts", "usage_rate",
)  # fmt: skip
_statistics = attrgetter(*_STATISTICS)
_UNKNOWN = (None,) * len(_STATISTICS)

Row = tuple[object, ...]


@dataclass(frozen=True)
class DemoLeague:
    """The league's three input tables, with the columns and types of their table folders."""

    schedule: pa.Table
    """nba_schedule; grain: game_id."""
    box_scores: pa.Table
    """player_game_summary; grain: player_lookup, game_id."""
    upcoming: pa.Table
    """upcoming_player_game_context; grain: player_lookup, game_date."""


def generate(seasons: Sequence[int]) -> DemoLeague:
    """Return the demo league's seasons.

    Args:
        seasons: The years in which the seasons start, each from 2000 to 2098.

    Raises:
        RequestError: There is no season, or one is out of bounds.
    """
    years = sorted(set(seasons))
    if not years or years[0] < FIRST_SEASON or years[-1] > LAST_SEASON:
        raise RequestError(f"seasons={list(seasons)}: give at least one year from {FIRST_SEASON} to {LAST_SEASON}")
    parts = [_season(year) for year in years]
    return DemoLeague(
        schedule=pa.concat_tables([part.schedule for part in parts]),
        box_scores=pa.concat_tables([part.box_scores for part in parts]),
        upcoming=pa.concat_tables([part.upcoming for part in parts]),
    )


def load(warehouse: Warehouse, league: DemoLeague) -> None:
    """Create the input tables that are missing, and write the league's days in place of what is there.

    Raises:
        WarehouseError: The warehouse refused; nothing of the table concerned was written.
    """
    catalogue = load_catalogue(load_settings())
    warehouse.create(table for table in catalogue.tables.values() if table.role == "input")
    for name, rows in (
        ("nba_schedule", league.schedule),
        ("player_game_summary", league.box_scores),
        ("upcoming_player_game_context", league.upcoming),
    ):
        table = catalogue.table(name)
        warehouse.replace(table, rows, match=[table.partition])


def _season(year: int) -> DemoLeague:
    games = season_games(year)
    teams = {name: team_of_season(name, year) for name in (*TEAMS, *ALL_STAR_TEAMS)}
    schedule: list[Row] = []
    box_scores: list[Row] = []
    appearances: list[Appearance] = []
    for _, games_of_day in groupby(games, key=attrgetter("game_date")):
        for number_of_day, game in enumerate(games_of_day):
            draw = seeded("game", game.game_id).random
            sides = play(game, number_of_day, teams[game.home], teams[game.away], draw)
            schedule.append(_schedule_row(game, *sides))
            for side in sides:
                box_scores += _box_score_rows(side, game, draw)
                appearances += (Appearance(line, game, side.team, side.opponent) for line in side.played)
    return DemoLeague(
        schedule=_table(schedule, "nba_schedule"),
        box_scores=_table(box_scores, "player_game_summary"),
        upcoming=_table(upcoming_rows(appearances), "upcoming_player_game_context"),
    )


def _schedule_row(game: Game, home: Side, away: Side) -> Row:
    status, is_playoffs = (3, "Final"), False
    sides = (home.team, away.team, home.points, away.points)
    return (*game[:3], *status, *sides, not game.is_all_star, is_playoffs, game.is_all_star)


def _box_score_rows(side: Side, game: Game, draw: Draw) -> Iterator[Row]:
    """Yield a team's rows: who played, then who did not, with the ways in which logs say so."""
    written = datetime.combine(game.game_date + timedelta(days=1), time(9), UTC)
    place = (game.game_id, game.game_date, side.team, side.opponent, game.season_year)
    for rank, line in enumerate(side.played):
        yield (*_names(line.player), *place, *_statistics(line), rank < 5, True, False, written)
    for player in side.benched:
        chance = draw()
        if chance < 0.02:  # only the minutes say so: 0, and nothing was counted
            yield (*_names(player), *place, *_statistics(Line(player)), False, True, False, written)
        else:  # or there are none; and sometimes is_dnp does not say so either
            yield (*_names(player), *place, *_UNKNOWN, False, True, chance > 0.06, written)
    for player in side.absent:
        yield (*_names(player), *place, *_UNKNOWN, False, False, True, written)


def _names(player: Player) -> tuple[str, str, str]:
    return player.lookup, player.universal_id, player.full_name


def _table(rows: Iterable[Row], name: str) -> pa.Table:
    schema = arrow_schema(load_catalogue(load_settings()).table(name))
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema)
