"""A league as users have it: its game ids are of two formats, and most flags are unknown."""

from collections.abc import Callable, Iterator
from datetime import date

from tests.proof.league import ProofLeague, Row
from tests.proof.proof import FIRST_DAY


def of_the_box_scores(league: ProofLeague) -> Callable[[Row], Row]:
    """Return what gives a row the id that the box scores have for its game: day, visitors and hosts."""
    ids = {
        game["game_id"]: f"{game['game_date']:%Y%m%d}_{game['away_team_tricode']}_{game['home_team_tricode']}"
        for game in league.schedule
    }
    return lambda row: row | {"game_id": ids[row["game_id"]]}


def box_scores(league: ProofLeague) -> Iterator[Row]:
    """Yield the box scores as users have them: no flag says who did not play but for those who did not."""
    for row in map(of_the_box_scores(league), league.box):
        yield row | {"is_dnp": row["is_dnp"] or None, "usage_rate_valid": True, "plus_minus": None}


def days_of(league: ProofLeague, count: int) -> list[date]:
    """Return the first days on which something is built."""
    return [day for day in league.days() if day >= FIRST_DAY][:count]
