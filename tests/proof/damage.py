"""Damages: each makes a league say less than is true, or something else, and leaves a trace of it.

A damage takes a game for itself where a second one could hide the first: a game that is missing from schedule and box
scores alike, or moved in both, is a game like any other.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from tests.proof.league import OPENING, ProofLeague, Row

DAY = timedelta(days=1)
STATISTICS = (
    "points",
    "minutes_played",
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
    "plus_minus",
    "paint_makes",
    "paint_attempts",
    "mid_range_makes",
    "mid_range_attempts",
    "usage_rate",
)
CONTEXT = (
    "days_rest",
    "back_to_back",
    "games_in_last_7_days",
    "minutes_in_last_7_days",
    "avg_minutes_per_game_last_7",
    "back_to_backs_last_14_days",
    "player_age",
    "avg_usage_rate_last_7_games",
    "projected_usage_rate",
    "star_teammates_out",
    "pace_differential",
    "opponent_pace_last_10",
)
OTHER_NAMES = {"BKN": "BRK", "PHX": "PHO"}
SAME_TEAM = {other: name for name, other in OTHER_NAMES.items()}


@dataclass
class Damaged:
    """A league that is being damaged."""

    league: ProofLeague
    random: Random
    days: set[date] = field(default_factory=set)
    """The days whose rows were touched."""
    _taken: set[str] = field(default_factory=set)

    def games(self, most: int = 2) -> list[str]:
        """Take some games for this damage alone; a whole day of them now and then."""
        days = self.league.days()
        day = self.random.choice(days)
        if self.random.random() < 0.25:
            found = [row["_game"] for row in self.league.schedule if row["game_date"] == day]
        else:
            found = [row["_game"] for row in self.league.schedule if row["game_date"] in days]
            found = self.random.sample(sorted(set(found)), self.random.randint(1, most))
        free = [game for game in dict.fromkeys(found) if game not in self._taken]
        self._taken.update(free)
        return free

    def box(self, games: Collection[str]) -> list[Row]:
        """Return the box scores of games."""
        return self._touch([row for row in self.league.box if row["_game"] in games])

    def schedule(self, games: Collection[str]) -> list[Row]:
        """Return the schedule's rows of games."""
        return self._touch([row for row in self.league.schedule if row["_game"] in games])

    def players(self, games: Collection[str]) -> list[Row]:
        """Return box scores of some of those who played in games: one, some, half of a team, or everyone."""
        rows = [row for row in self.box(games) if row.get("minutes_played") is not None]
        teams = sorted({(row["_game"], row["team_abbr"]) for row in rows})
        if not teams:
            return []
        match self.random.randrange(4):
            case 0:
                return [self.random.choice(rows)]
            case 1:
                return self.random.sample(rows, self.random.randint(1, len(rows)))
            case 2:
                of = self.random.choice(teams)
                return [row for row in rows if (row["_game"], row["team_abbr"]) == of][::2]
            case _:
                return rows

    def upcoming(self) -> list[Row]:
        """Return the pre-game rows of a day."""
        days = sorted({row["game_date"] for row in self.league.upcoming})
        if not days:
            return []
        day = self.random.choice(days)
        return self._touch([row for row in self.league.upcoming if row["game_date"] == day])

    def some(self, rows: list[Row], least: float = 0.0) -> list[Row]:
        """Return a share of rows, of ``least`` or more."""
        share = self.random.uniform(least, 1.0)
        return self.random.sample(rows, max(1, round(share * len(rows)))) if rows else []

    def drop(self, rows: Iterable[Row]) -> None:
        """Remove rows from whichever table they are in."""
        gone = {id(row) for row in rows}
        for name in ("schedule", "box", "upcoming"):
            setattr(self.league, name, [row for row in getattr(self.league, name) if id(row) not in gone])

    def move(self, rows: Iterable[Row]) -> None:
        """Put rows a day earlier or later."""
        by = self.random.choice((-DAY, DAY))
        for row in self._touch(list(rows)):
            row["game_date"] += by
            self.days.add(row["game_date"])

    def _touch(self, rows: list[Row]) -> list[Row]:
        self.days.update(row["game_date"] for row in rows)
        return rows


def _copies(rows: Iterable[Row], **changes: object) -> list[Row]:
    return [{**row, **changes} for row in rows]


def _set(rows: Iterable[Row], **changes: object) -> None:
    for row in rows:
        row.update(changes)


def _other_format(row: Row) -> str:
    return f"{row['game_date']:%Y%m%d}_{row['_game'][-3:]}_{min(row['team_abbr'], row['opponent_team_abbr'])}"


def players_removed(it: Damaged) -> None:
    it.drop(it.players(it.games()))


def players_doubled(it: Damaged) -> None:
    it.league.box += _copies(it.players(it.games()))


def players_doubled_under_another_game(it: Damaged) -> None:
    it.league.box += _copies(it.players(it.games()), game_id="0022299999")


def players_doubled_under_another_name(it: Damaged) -> None:
    rows = it.players(it.games())
    it.league.box += [{**row, "player_lookup": f"{row['player_lookup']}jr"} for row in rows]


def players_moved(it: Damaged) -> None:
    it.move(it.players(it.games()))


def players_renamed(it: Damaged) -> None:
    """One person of two names; who has no id is then two persons, and nobody can tell."""
    if it.league.has_ids:
        for row in it.players(it.games()):
            row["player_lookup"] = f"{row['player_lookup']}jr"


def player_renamed_from_a_day_on(it: Damaged) -> None:
    if it.league.has_ids:
        since, player = it.random.choice(it.league.days()), it.random.choice(it.league.box)["_player"]
        it.days.add(since)
        for row in it.league.box:
            if row["_player"] == player and row["game_date"] >= since:
                row["player_lookup"] = f"{player}jr"


def player_ids_blanked(it: Damaged) -> None:
    _set(it.players(it.games()), universal_player_id=None)


def player_ids_changed(it: Damaged) -> None:
    for row in it.players(it.games()):
        row["universal_player_id"] = f"other-{row['_player']}"


def player_ids_swapped(it: Damaged) -> None:
    rows = it.players(it.games())
    if len(rows) > 1 and it.league.has_ids:
        one, other = it.random.sample(rows, 2)
        one["universal_player_id"], other["universal_player_id"] = (
            other["universal_player_id"],
            one["universal_player_id"],
        )


def minutes_blanked(it: Damaged) -> None:
    _set(it.players(it.games()), minutes_played=None)


def minutes_zero(it: Damaged) -> None:
    _set(it.players(it.games()), minutes_played=0.0)


def flags_blanked(it: Damaged) -> None:
    _set(it.players(it.games()), is_active=None, is_dnp=None, starter_flag=None)


def flags_wrong(it: Damaged) -> None:
    _set(it.players(it.games()), is_active=False, is_dnp=True)


def statistics_blanked(it: Damaged) -> None:
    _set(it.players(it.games()), **dict.fromkeys(STATISTICS))


def box_removed(it: Damaged) -> None:
    it.drop(it.box(it.games()))


def team_removed(it: Damaged) -> None:
    rows = it.box(it.games())
    teams = sorted({row["team_abbr"] for row in rows})
    it.drop([row for row in rows if row["team_abbr"] in teams[: max(1, len(teams) // 2)]])


def box_moved(it: Damaged) -> None:
    it.move(it.box(it.games(1)))


def box_doubled_under_another_id(it: Damaged) -> None:
    it.league.box += _copies(it.box(it.games(1)), game_id="0022299998")


def box_doubled_on_another_day(it: Damaged) -> None:
    copies = _copies(it.box(it.games(1)))
    it.move(copies)
    it.league.box += copies


def box_under_other_ids(it: Damaged) -> None:
    for row in it.box(it.games(9)):
        row["game_id"] = _other_format(row)


def box_ids_crossed(it: Damaged) -> None:
    games = it.games()
    for row in it.box(games):
        row["game_id"] = games[(games.index(row["_game"]) + 1) % len(games)]


def box_under_other_team_names(it: Damaged) -> None:
    for row in it.box(it.games(9)):
        for name in ("team_abbr", "opponent_team_abbr"):
            row[name] = OTHER_NAMES.get(row[name], row[name])


def schedule_removed(it: Damaged) -> None:
    it.drop(it.schedule(it.games()))


def schedule_ends_early(it: Damaged) -> None:
    last = it.random.choice(it.league.days())
    it.drop(it.schedule(_free(it, [row["_game"] for row in it.league.schedule if row["game_date"] > last])))


def schedule_begins_late(it: Damaged) -> None:
    first = OPENING + it.random.randint(1, 20) * DAY
    it.drop(it.schedule(_free(it, [row["_game"] for row in it.league.schedule if row["game_date"] < first])))


def schedule_doubled(it: Damaged) -> None:
    it.league.schedule += _copies(it.schedule(it.games()))


def schedule_doubled_under_another_id(it: Damaged) -> None:
    it.league.schedule += _copies(it.schedule(it.games(1)), game_id="0022299997")


def schedule_doubled_on_another_day(it: Damaged) -> None:
    copies = _copies(it.schedule(it.games(1)))
    it.move(copies)
    it.league.schedule += copies


def schedule_moved(it: Damaged) -> None:
    it.move(it.schedule(it.games()))


def schedule_under_other_ids(it: Damaged) -> None:
    for row in it.schedule(it.games(9)):
        row["game_id"] = f"00222{row['_game'][5:7]}{row['_game'][7:]}"[:9] + "X"


def schedule_not_final(it: Damaged) -> None:
    _set(it.schedule(it.games()), game_status=it.random.choice((1, 2, None)), game_status_text=None)


def schedule_without_scores(it: Damaged) -> None:
    _set(it.schedule(it.games()), home_team_score=None, away_team_score=None)


def schedule_flags_blanked(it: Damaged) -> None:
    _set(it.schedule(it.games()), is_regular_season=None, is_playoffs=None, is_all_star=None)


def schedule_under_other_team_names(it: Damaged) -> None:
    for row in it.schedule(it.games(9)):
        for name in ("home_team_tricode", "away_team_tricode"):
            row[name] = OTHER_NAMES.get(row[name], row[name])


def pre_game_stale(it: Damaged) -> None:
    """Rows that say what was so some days before; as many as a comparison of the sources speaks of."""
    for row in it.some(it.upcoming(), least=0.2):
        row["games_in_last_7_days"] = (row["games_in_last_7_days"] or 0) + it.random.choice((1, 2))
        row["minutes_in_last_7_days"] = (row["minutes_in_last_7_days"] or 0.0) + it.random.choice((20.0, 41.5))
        row["days_rest"] = (row["days_rest"] or 0) + 1


def pre_game_partial(it: Damaged) -> None:
    it.drop(it.some(it.upcoming()))


def pre_game_empty(it: Damaged) -> None:
    it.drop(it.upcoming())


def pre_game_all_empty(it: Damaged) -> None:
    it.days.update(row["game_date"] for row in it.league.upcoming)
    it.league.upcoming = []


def pre_game_blank(it: Damaged) -> None:
    _set(it.some(it.upcoming()), **dict.fromkeys(CONTEXT))


def pre_game_without_what_a_row_must_have(it: Damaged) -> None:
    name = it.random.choice(("games_in_last_7_days", "minutes_in_last_7_days"))
    _set(it.some(it.upcoming()), **{name: None})


def pre_game_doubled(it: Damaged) -> None:
    it.league.upcoming += _copies(it.some(it.upcoming()))


def pre_game_moved(it: Damaged) -> None:
    it.move(it.some(it.upcoming()))


def pre_game_under_other_ids(it: Damaged) -> None:
    rows = it.some(it.upcoming())
    match it.random.randrange(3):
        case 0:
            _set(rows, game_id=it.random.choice((None, "20221101_BOS_NYK")))
        case 1:
            _set(rows, universal_player_id=None)
        case _:
            for row in rows:
                row |= {"player_lookup": f"x{row['player_lookup']}", "universal_player_id": None}


def _free(it: Damaged, games: Iterable[str]) -> list[str]:
    free = [game for game in games if game not in it._taken]
    it._taken.update(free)
    return free


DAMAGES: tuple[Callable[[Damaged], None], ...] = (
    players_removed,
    players_doubled,
    players_doubled_under_another_game,
    players_doubled_under_another_name,
    players_moved,
    players_renamed,
    player_renamed_from_a_day_on,
    player_ids_blanked,
    player_ids_changed,
    player_ids_swapped,
    minutes_blanked,
    minutes_zero,
    flags_blanked,
    flags_wrong,
    statistics_blanked,
    box_removed,
    team_removed,
    box_moved,
    box_doubled_under_another_id,
    box_doubled_on_another_day,
    box_under_other_ids,
    box_ids_crossed,
    box_under_other_team_names,
    schedule_removed,
    schedule_ends_early,
    schedule_begins_late,
    schedule_doubled,
    schedule_doubled_under_another_id,
    schedule_doubled_on_another_day,
    schedule_moved,
    schedule_under_other_ids,
    schedule_not_final,
    schedule_without_scores,
    schedule_flags_blanked,
    schedule_under_other_team_names,
    pre_game_stale,
    pre_game_partial,
    pre_game_empty,
    pre_game_all_empty,
    pre_game_blank,
    pre_game_without_what_a_row_must_have,
    pre_game_doubled,
    pre_game_moved,
    pre_game_under_other_ids,
)


def damage(league: ProofLeague, random: Random, most: int = 3) -> tuple[ProofLeague, list[str], set[date]]:
    """Return a league with one to ``most`` damages, their names, and the days whose rows they touched."""
    it = Damaged(league.copy(), random)
    chosen = random.choices(DAMAGES, k=random.randint(1, most))
    for each in chosen:
        each(it)
    return it.league, [each.__name__ for each in chosen], it.days
