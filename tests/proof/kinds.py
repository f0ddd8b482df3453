"""The kinds of damage: to players' rows, to games and to the schedule."""

from collections.abc import Callable
from datetime import date
from random import Random

from tests.pre_game import COUNTS
from tests.proof.damage import DAY, Damaged, copies_of, put
from tests.proof.kinds_pre_game import PRE_GAME
from tests.proof.league import OPENING, ProofLeague, Row

STATISTICS = (
    *COUNTS,
    "minutes_played",
    "plus_minus",
    "paint_makes",
    "paint_attempts",
    "mid_range_makes",
    "mid_range_attempts",
    "usage_rate",
)
OTHER_NAMES = {"BKN": "BRK", "PHX": "PHO"}
SAME_TEAM = {other: name for name, other in OTHER_NAMES.items()}


def _other_format(row: Row) -> str:
    return f"{row['game_date']:%Y%m%d}_{row['_game'][-3:]}_{min(row['team_abbr'], row['opponent_team_abbr'])}"


def players_removed(it: Damaged) -> None:
    it.drop(it.players(it.games()))


def players_doubled(it: Damaged) -> None:
    it.league.box += copies_of(it.players(it.games()))


def players_doubled_under_another_game(it: Damaged) -> None:
    it.league.box += copies_of(it.players(it.games()), game_id="0022299999")


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
    put(it.players(it.games()), universal_player_id=None)


def player_ids_emptied(it: Damaged) -> None:
    put(it.players(it.games()), universal_player_id=it.random.choice(("", " ")))


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
    put(it.players(it.games()), minutes_played=None)


def minutes_zero(it: Damaged) -> None:
    put(it.players(it.games()), minutes_played=0.0)


def flags_blanked(it: Damaged) -> None:
    put(it.players(it.games()), is_active=None, is_dnp=None, starter_flag=None)


def flags_wrong(it: Damaged) -> None:
    put(it.players(it.games()), is_active=False, is_dnp=True)


def statistics_blanked(it: Damaged) -> None:
    put(it.players(it.games()), **dict.fromkeys(STATISTICS))


def part_of_pace_blanked(it: Damaged) -> None:
    """Of shots and usage, a row says itself what it does not know: charted_games_10, missing_data_fields."""
    put(it.players(it.games()), **{it.random.choice(("ft_attempts", "offensive_rebounds", "turnovers")): None})


def box_removed(it: Damaged) -> None:
    it.drop(it.box(it.games()))


def team_removed(it: Damaged) -> None:
    rows = it.box(it.games())
    teams = sorted({row["team_abbr"] for row in rows})
    it.drop([row for row in rows if row["team_abbr"] in teams[: max(1, len(teams) // 2)]])


def box_moved(it: Damaged) -> None:
    it.move(it.box(it.games(1)))


def box_doubled_under_another_id(it: Damaged) -> None:
    it.league.box += copies_of(it.box(it.games(1)), game_id="0022299998")


def box_doubled_on_another_day(it: Damaged) -> None:
    copies = copies_of(it.box(it.games(1)))
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


def box_opponents_blanked(it: Damaged) -> None:
    put(it.players(it.games()), opponent_team_abbr=None)


def box_of_another_season(it: Damaged) -> None:
    put(it.box(it.games()), season_year=it.random.choice((2021, 2023, None)))


def schedule_of_another_season(it: Damaged) -> None:
    put(it.schedule(it.games()), season_year=it.random.choice((2021, 2023, None)))


def schedule_called_all_star(it: Damaged) -> None:
    put(it.schedule(it.games()), is_all_star=True)


def schedule_removed(it: Damaged) -> None:
    it.drop(it.schedule(it.games()))


def schedule_ends_early(it: Damaged) -> None:
    last = it.random.choice(it.league.days())
    it.drop(it.schedule(it.free([row["_game"] for row in it.league.schedule if row["game_date"] > last])))


def schedule_begins_late(it: Damaged) -> None:
    first = OPENING + it.random.randint(1, 20) * DAY
    it.drop(it.schedule(it.free([row["_game"] for row in it.league.schedule if row["game_date"] < first])))


def schedule_doubled(it: Damaged) -> None:
    it.league.schedule += copies_of(it.schedule(it.games()))


def schedule_doubled_under_another_id(it: Damaged) -> None:
    it.league.schedule += copies_of(it.schedule(it.games(1)), game_id="0022299997")


def schedule_doubled_on_another_day(it: Damaged) -> None:
    copies = copies_of(it.schedule(it.games(1)))
    it.move(copies)
    it.league.schedule += copies


def schedule_moved(it: Damaged) -> None:
    it.move(it.schedule(it.games()))


def schedule_under_other_ids(it: Damaged) -> None:
    for row in it.schedule(it.games(9)):
        row["game_id"] = f"00222{row['_game'][5:7]}{row['_game'][7:]}"[:9] + "X"


def schedule_not_final(it: Damaged) -> None:
    put(it.schedule(it.games()), game_status=it.random.choice((1, 2, None)), game_status_text=None)


def schedule_without_scores(it: Damaged) -> None:
    put(it.schedule(it.games()), home_team_score=None, away_team_score=None)


def schedule_flags_blanked(it: Damaged) -> None:
    put(it.schedule(it.games()), is_regular_season=None, is_playoffs=None, is_all_star=None)


def schedule_under_other_team_names(it: Damaged) -> None:
    for row in it.schedule(it.games(9)):
        for name in ("home_team_tricode", "away_team_tricode"):
            row[name] = OTHER_NAMES.get(row[name], row[name])


DAMAGES: tuple[Callable[[Damaged], None], ...] = (
    players_removed,
    players_doubled,
    players_doubled_under_another_game,
    players_doubled_under_another_name,
    players_moved,
    players_renamed,
    player_renamed_from_a_day_on,
    player_ids_blanked,
    player_ids_emptied,
    player_ids_changed,
    player_ids_swapped,
    minutes_blanked,
    minutes_zero,
    flags_blanked,
    flags_wrong,
    statistics_blanked,
    part_of_pace_blanked,
    box_removed,
    team_removed,
    box_moved,
    box_doubled_under_another_id,
    box_doubled_on_another_day,
    box_under_other_ids,
    box_ids_crossed,
    box_under_other_team_names,
    box_opponents_blanked,
    box_of_another_season,
    schedule_of_another_season,
    schedule_called_all_star,
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
    *PRE_GAME,
)


def damage(league: ProofLeague, random: Random, most: int = 3) -> tuple[ProofLeague, list[str], set[date]]:
    """Return a league with one to ``most`` damages, their names, and the days whose rows they touched."""
    it = Damaged(league.copy(), random)
    chosen = random.choices(DAMAGES, k=random.randint(1, most))
    for each in chosen:
        each(it)
    return it.league, [each.__name__ for each in chosen], it.days
