"""A league of a test's own making: a handful of games, written through the real warehouse."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from tasks.settings import PROJECT_ROOT, Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import arrow_schema
from tasks.warehouse.open import open_warehouse
from tests.backdoor import run_sql
from tests.pre_game import PreGame

Row = dict[str, Any]
SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"
WRITTEN_AT = datetime(2023, 6, 1, tzinfo=UTC)


@dataclass
class League:
    """Games, box scores and upcoming rows; change the lists as a test needs, then ``write``."""

    season: int = 2022
    games: list[Row] = field(default_factory=list)
    box: list[Row] = field(default_factory=list)
    upcoming: list[Row] = field(default_factory=list)

    def game(
        self,
        day: date,
        home: str,
        away: str,
        *,
        status: int = 3,
        players: int = 10,
        all_star: bool = False,
        loaded: bool = True,
        **stats: Any,
    ) -> str:
        """Add a game with ``players`` players a team, bos1, bos2 and so on, who share 240 minutes."""
        game_id = f"00{3 if all_star else 2}{self.season % 100}{len(self.games) + 1:05d}"
        self.games.append(
            {
                "game_id": game_id,
                "game_date": day,
                "season_year": self.season,
                "game_status": status,
                "home_team_tricode": home,
                "away_team_tricode": away,
                "is_regular_season": not all_star,
                "is_playoffs": False,
                "is_all_star": all_star,
            }
        )
        if loaded and players:
            stats = {"minutes_played": 240 / players, **stats}
            for team, opponent in ((home, away), (away, home)):
                for number in range(1, players + 1):
                    self.player(f"{team.lower()}{number}", day, game_id, team, opponent, **stats)
        return game_id

    def player(self, lookup: str, day: date, game_id: str, team: str, opponent: str, **stats: Any) -> Row:
        """Add one box-score row; ``stats`` overrides any column."""
        row = {
            "player_lookup": lookup,
            "universal_player_id": lookup,
            "player_full_name": lookup.title(),
            "game_id": game_id,
            "game_date": day,
            "team_abbr": team,
            "opponent_team_abbr": opponent,
            "season_year": self.season,
            "points": 12,
            "minutes_played": 24.0,
            "fg_makes": 5,
            "fg_attempts": 10,
            "three_pt_makes": 1,
            "three_pt_attempts": 3,
            "ft_makes": 1,
            "ft_attempts": 2,
            "offensive_rebounds": 1,
            "defensive_rebounds": 3,
            "assists": 2,
            "steals": 1,
            "blocks": 0,
            "turnovers": 2,
            "personal_fouls": 2,
            "plus_minus": 0,
            "paint_makes": 3,
            "paint_attempts": 5,
            "mid_range_makes": 1,
            "mid_range_attempts": 2,
            "usage_rate": 20.0,
            "starter_flag": True,
            "is_active": True,
            "is_dnp": False,
            "processed_at": WRITTEN_AT,
            **stats,
        }
        self.box.append(row)
        return row

    def expect_upcoming(self, day: date, lookups: Iterable[str], **context: Any) -> None:
        """Add an upcoming row of the day for each player: true by the box scores so far, but for ``context``."""
        exhibitions = {row["game_id"] for row in self.games if row["is_all_star"]}
        known = PreGame((row for row in self.box if row["game_id"] not in exhibitions), day)
        for lookup in lookups:
            row = {
                "player_lookup": lookup,
                "universal_player_id": lookup,
                "game_date": day,
                **known.context(lookup),
                "player_age": 25,
                "projected_usage_rate": 20.0,
                "star_teammates_out": 0,
                "processed_at": WRITTEN_AT,
                **context,
            }
            self.upcoming.append(row)

    def write(self, settings: Settings) -> None:
        """Create every table and put the league in, in place of whatever was there."""
        catalogue = load_catalogue(settings)
        tables = {
            "nba_schedule": self.games,
            "player_game_summary": self.box,
            "upcoming_player_game_context": self.upcoming,
        }
        with open_warehouse(settings.connection()) as warehouse:
            warehouse.create(catalogue.tables.values())
        run_sql(settings, *(f"DELETE FROM {catalogue.table(name).full_name}" for name in tables))
        with open_warehouse(settings.connection()) as warehouse:
            for name, rows in tables.items():
                spec = catalogue.table(name)
                arrow = pa.Table.from_pylist(rows, arrow_schema(spec))
                warehouse.replace(spec, arrow, match=[spec.partition])


def fetch(settings: Settings, sql: str, **parameters: Any) -> list[Row]:
    """Read rows with GoogleSQL, through the warehouse."""
    with open_warehouse(settings.connection()) as warehouse:
        rows: list[Row] = warehouse.fetch(sql, parameters)
        return rows
