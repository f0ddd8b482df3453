"""What a pre-game row truly says of a player: worked out from box scores without the application's queries."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from statistics import fmean
from typing import Any

Row = dict[str, Any]
COUNTS = (
    "points",
    "fg_makes",
    "fg_attempts",
    "three_pt_makes",
    "three_pt_attempts",
    "ft_makes",
    "ft_attempts",
    "offensive_rebounds",
    "defensive_rebounds",
    "assists",
    "steals",
    "blocks",
    "turnovers",
    "personal_fouls",
)
"""What a box score counts of a player."""


class PreGame:
    """What is known on the morning of a day."""

    def __init__(self, box: Iterable[Row], day: date) -> None:
        """Look back from a day on the box scores of its season, without exhibition games."""
        self._day = day
        self._tonight: dict[str, Row] = {}
        self._players: defaultdict[str, dict[date, Row]] = defaultdict(dict)
        self._sides: defaultdict[tuple[str, date], list[Row]] = defaultdict(list)
        for row in box:
            if row["game_date"] == day:
                self._tonight[row["player_lookup"]] = row
            elif row["game_date"] < day and any(row[name] for name in ("minutes_played", *COUNTS)):
                self._players[row["player_lookup"]][row["game_date"]] = row
                self._sides[row["team_abbr"], row["game_date"]].append(row)
        self._paces: dict[str, float | None] = {}

    def context(self, lookup: str) -> Row:
        """Return what a row truly says of a player; nothing is known of the team of one who does not play."""
        mine, tonight = self._players[lookup], self._tonight.get(lookup, {})
        week = [row for when, row in mine.items() if when > self._day - timedelta(days=7)]
        minutes = _known(row["minutes_played"] for row in week)
        usage = [row["usage_rate"] for row in week if row["usage_rate"] is not None]
        days_rest = (self._day - max(mine)).days if mine else None
        own, opponent = (self._last_10(tonight.get(side)) for side in ("team_abbr", "opponent_team_abbr"))
        pairs = [when for when in mine if when - timedelta(days=1) in mine and when > self._day - timedelta(days=13)]
        return {
            "days_rest": days_rest,
            "back_to_back": days_rest == 1,
            "games_in_last_7_days": len(week),
            "minutes_in_last_7_days": None if minutes is None else float(sum(minutes)),
            "avg_minutes_per_game_last_7": fmean(minutes) if minutes else None,
            "back_to_backs_last_14_days": len(pairs),
            "avg_usage_rate_last_7_games": fmean(usage) if usage else None,
            "pace_differential": None if own is None or opponent is None else own - opponent,
            "opponent_pace_last_10": opponent,
        }

    def _last_10(self, team: str | None) -> float | None:
        """Return the mean pace of a team's last 10 games."""
        if team is None:
            return None
        if team not in self._paces:
            days = sorted(when for of, when in self._sides if of == team)[-10:]
            known = [pace for pace in (self._pace(team, when) for when in days) if pace is not None]
            self._paces[team] = fmean(known) if known else None
        return self._paces[team]

    def _pace(self, team: str, when: date) -> float | None:
        own = self._sides[team, when]
        other = self._sides.get((own[0]["opponent_team_abbr"], when))
        minutes, possessions = (
            _known(row["minutes_played"] for row in own),
            _known(map(_possessions, own + (other or []))),
        )
        if not other or minutes is None or possessions is None or not sum(minutes):
            return None
        return 48 * (sum(possessions) / 2) / (sum(minutes) / 5)


def _possessions(row: Row) -> float | None:
    known = _known(row[name] for name in ("fg_attempts", "ft_attempts", "offensive_rebounds", "turnovers"))
    return None if known is None else known[0] + 0.44 * known[1] - known[2] + known[3]


def _known(values: Iterable[float | None]) -> list[float] | None:
    """Return the values if all of them are known."""
    found = list(values)
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else None
