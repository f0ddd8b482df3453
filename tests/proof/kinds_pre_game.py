"""The kinds of damage to pre-game rows."""

from collections.abc import Callable

from tests.proof.damage import Damaged, copies_of, put

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
    put(it.some(it.upcoming()), **dict.fromkeys(CONTEXT))


def pre_game_without_what_a_row_must_have(it: Damaged) -> None:
    name = it.random.choice(("games_in_last_7_days", "minutes_in_last_7_days"))
    put(it.some(it.upcoming()), **{name: None})


def pre_game_doubled(it: Damaged) -> None:
    it.league.upcoming += copies_of(it.some(it.upcoming()))


def pre_game_moved(it: Damaged) -> None:
    it.move(it.some(it.upcoming()))


def pre_game_under_other_ids(it: Damaged) -> None:
    rows = it.some(it.upcoming())
    match it.random.randrange(3):
        case 0:
            put(rows, game_id=it.random.choice((None, "20221101_BOS_NYK")))
        case 1:
            put(rows, universal_player_id=None)
        case _:
            for row in rows:
                row |= {"player_lookup": f"x{row['player_lookup']}", "universal_player_id": None}


PRE_GAME: tuple[Callable[[Damaged], None], ...] = (
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
