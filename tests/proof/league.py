"""A small league of a seed's making, in which every row is true: what a damage is then measured against.

Every player who plays is on the floor for twelve minutes or more, and in overtime scores: so a row that is missing
leaves a trace in its team's minutes or points. What leaves no trace anywhere cannot be found, and is not made.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

Row = dict[str, Any]

SEASON = 2022
OPENING = date(2022, 10, 18)
DAYS = 36
PRESEASON_DAY = OPENING - timedelta(days=4)
ALL_STAR_DAY = OPENING + timedelta(days=19)
PLAY_IN_DAYS = 2
TEAMS = ("BKN", "BOS", "LAL", "MIA", "NYK", "PHX")
PLAYERS = 8
BENCHED = 2
WRITTEN_AT = datetime(2023, 6, 1, tzinfo=UTC)


@dataclass
class ProofLeague:
    """What the three inputs hold. Every row of a game has its id before any damage, under ``_game``."""

    schedule: list[Row] = field(default_factory=list)
    box: list[Row] = field(default_factory=list)
    upcoming: list[Row] = field(default_factory=list)
    has_ids: bool = True
    """Whether players have a universal_player_id."""

    def copy(self) -> "ProofLeague":
        """Return a league to damage."""
        return deepcopy(self)

    @property
    def tables(self) -> Mapping[str, list[Row]]:
        """The rows by the table that they belong to."""
        return {
            "nba_schedule": self.schedule,
            "player_game_summary": self.box,
            "upcoming_player_game_context": self.upcoming,
        }

    def days(self) -> list[date]:
        """The days on which games of the season were played."""
        return sorted({row["game_date"] for row in self.schedule if row["game_id"][:3] not in ("001", "003")})


def generate(seed: int) -> ProofLeague:
    """Return the league of a seed, without pre-game rows."""
    random = Random(seed)  # noqa: S311 - the same league for the same seed
    league = ProofLeague(has_ids=seed % 4 != 3)
    rosters = {team: [f"{team.lower()}{n}" for n in range(1, PLAYERS + BENCHED + 1)] for team in TEAMS}
    _play(league, random, "0012200001", PRESEASON_DAY, "BOS", "NYK", rosters)
    for number, (day, home, away) in enumerate(_pairings(random), 1):
        kind = "005" if day >= OPENING + timedelta(days=DAYS - PLAY_IN_DAYS) else "002"
        _play(league, random, f"{kind}22{number:05d}", day, home, away, rosters)
    stars = {"EST": rosters["BOS"][:5] + rosters["MIA"][:5], "WST": rosters["LAL"][:5] + rosters["PHX"][:5]}
    _play(league, random, "0032200001", ALL_STAR_DAY, "EST", "WST", stars, is_flagged=seed % 2 == 0)
    return league


def _pairings(random: Random) -> Iterator[tuple[date, str, str]]:
    """Yield each game: every team plays about every other day, and sometimes on two days in a row."""
    for offset in range(DAYS):
        day = OPENING + timedelta(days=offset)
        if day == ALL_STAR_DAY:
            continue
        teams = random.sample(TEAMS, len(TEAMS))
        games = random.choices((0, 1, 2, 3), weights=(1, 4, 4, 2))[0] if offset else 3
        for number in range(games):
            yield day, teams[2 * number], teams[2 * number + 1]


def _play(
    league: ProofLeague,
    random: Random,
    game_id: str,
    day: date,
    home: str,
    away: str,
    rosters: Mapping[str, list[str]],
    *,
    is_flagged: bool = True,
) -> None:
    overtime, scores = 25 if random.random() < 0.08 else 0, dict[str, int]()
    for team, opponent in ((home, away), (away, home)):
        roster = random.sample(rosters[team], len(rosters[team]))
        minutes = _shares(random, 240 + overtime, PLAYERS)
        is_charted = random.random() < 0.9
        scores[team] = 0
        for place, lookup in enumerate(roster):
            row: Row = {
                "_game": game_id,
                "_player": lookup,
                "player_lookup": lookup,
                "universal_player_id": f"id-{lookup}" if league.has_ids else None,
                "player_full_name": lookup.title(),
                "game_id": game_id,
                "game_date": day,
                "team_abbr": team,
                "opponent_team_abbr": opponent,
                "season_year": SEASON,
                "starter_flag": place < 5,
                "is_active": True,
                "is_dnp": place >= PLAYERS,
                "processed_at": WRITTEN_AT,
            }
            if place < PLAYERS:
                row |= _statistics(random, minutes[place], is_charted=is_charted, scores=overtime > 0)
                scores[team] += row["points"]
            league.box.append(row)
    is_all_star, is_regular = game_id.startswith("003"), game_id.startswith("002")
    league.schedule.append(
        {
            "_game": game_id,
            "game_id": game_id,
            "game_date": day,
            "season_year": SEASON,
            "game_status": 3,
            "game_status_text": "Final",
            "home_team_tricode": home,
            "away_team_tricode": away,
            "home_team_score": scores[home],
            "away_team_score": scores[away],
            "is_regular_season": is_regular,
            "is_playoffs": False,
            "is_all_star": is_all_star and is_flagged,
        }
    )


def _shares(random: Random, whole: int, parts: int) -> list[float]:
    """Split team minutes among those who play, none of whom gets less than twelve."""
    cuts = sorted(random.sample(range(1, whole - 12 * parts + parts), parts - 1))
    return [float(11 + b - a) for a, b in zip([0, *cuts], [*cuts, whole - 12 * parts + parts], strict=True)]


def _statistics(random: Random, minutes: float, *, is_charted: bool, scores: bool) -> Row:
    paint, mid, three = random.randint(0, 8), random.randint(0, 5), random.randint(0, 6)
    made = [random.randint(0, attempts) for attempts in (paint, mid, three)]
    free = random.randint(0, 6)
    free_made = random.randint(0, free)
    if scores and not sum(made) + free_made:
        free, free_made = max(free, 1), 1
    return {
        "points": 2 * made[0] + 2 * made[1] + 3 * made[2] + free_made,
        "minutes_played": minutes,
        "fg_makes": sum(made),
        "fg_attempts": paint + mid + three,
        "three_pt_makes": made[2],
        "three_pt_attempts": three,
        "ft_makes": free_made,
        "ft_attempts": free,
        "offensive_rebounds": random.randint(0, 4),
        "defensive_rebounds": random.randint(0, 8),
        "assists": random.randint(0, 9),
        "steals": random.randint(0, 3),
        "blocks": random.randint(0, 3),
        "turnovers": random.randint(0, 5),
        "personal_fouls": random.randint(1, 5),
        "plus_minus": random.randint(-20, 20),
        "paint_makes": made[0] if is_charted else None,
        "paint_attempts": paint if is_charted else None,
        "mid_range_makes": made[1] if is_charted else None,
        "mid_range_attempts": mid if is_charted else None,
        "usage_rate": round(random.uniform(8, 35), 1),
    }


def pre_game_rows(rows: Iterable[Row], random: Random) -> list[Row]:
    """Return pre-game rows that say what the published rows of the same days say, and know more beside."""
    return [
        _pre_game_row(row, random) for row in sorted(rows, key=lambda row: (row["game_date"], row["player_lookup"]))
    ]


def _pre_game_row(row: Row, random: Random) -> Row:
    known = json.loads(row["fatigue_context_json"]) | json.loads(row["pace_context_json"])
    usage = json.loads(row["usage_context_json"])["avg_usage_rate_last_7_games"]
    copied = (
        "days_rest",
        "back_to_back",
        "games_in_last_7_days",
        "minutes_in_last_7_days",
        "avg_minutes_per_game_last_7",
        "back_to_backs_last_14_days",
        "pace_differential",
        "opponent_pace_last_10",
    )
    return {
        "_player": row["player_lookup"],
        **{name: row[name] for name in ("player_lookup", "universal_player_id", "game_id", "game_date", "team_abbr")},
        "opponent_team_abbr": row["opponent_team_abbr"],
        **{name: known[name] for name in copied},
        "avg_usage_rate_last_7_games": usage,
        "player_age": random.randint(20, 38),
        "projected_usage_rate": round(random.uniform(8, 35), 1),
        "star_teammates_out": random.choice((0, 0, 0, 1, 2)),
        "processed_at": WRITTEN_AT,
    }
