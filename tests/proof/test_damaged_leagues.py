"""A day that ends complete has exactly the rows that the undamaged league gives."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.proof.bench import Bench
from tests.proof.damage import Damaged
from tests.proof.kinds import DAMAGES
from tests.proof.league import PLAYERS, generate
from tests.proof.proof import BASES, FIRST_DAY, Proof

pytestmark = pytest.mark.no_server

WHOLE = (0, 3)
"""Leagues whose players have ids, and have none."""
SEEDS = [seed for seed in range(96) if seed % BASES in WHOLE]


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    with Bench(tmp_path_factory.mktemp("proof") / "proof.duckdb") as bench:
        yield Proof(bench)


@pytest.mark.parametrize("number", WHOLE)
def test_every_day_of_an_undamaged_league_is_complete(proof: Proof, number: int) -> None:
    base = proof.base(number)
    done = {day for day, result in base.decided.results.items() if result.outcome == "complete"}
    assert done == {day for day in base.league.days() if day >= FIRST_DAY}
    known = max(base.league.days())  # of a day after its last game the schedule says nothing
    tried = [checkpoint for checkpoint in base.decided.checkpoints() if checkpoint.game_date <= known]
    assert {checkpoint.outcome for checkpoint in tried} == {"complete"}
    sources = {row["context_source"] for rows in base.decided.rows["player_composite_factors"].values() for row in rows}
    assert sources == {"upcoming", "synthetic"}


@pytest.mark.parametrize("number", range(BASES))
def test_an_undamaged_league_adds_up(number: int) -> None:
    league = generate(number)
    for game in league.schedule:
        for side in ("home", "away"):
            team = game[f"{side}_team_tricode"]
            rows = [row for row in league.box if (row["game_id"], row["team_abbr"]) == (game["game_id"], team)]
            played = [row for row in rows if "minutes_played" in row]
            assert len(played) == PLAYERS < len(rows) or game["game_id"].startswith("003")
            assert sum(row["points"] for row in played) == game[f"{side}_team_score"]
            assert sum(row["minutes_played"] for row in played) in (240, 265)
            assert min(row["minutes_played"] for row in played) >= 12


@pytest.mark.parametrize("change", DAMAGES, ids=lambda change: change.__name__)
def test_a_damage_changes_a_league_and_names_the_days(proof: Proof, change: object) -> None:
    league, tried = proof.base(0).league, [Random(seed) for seed in range(5)]  # noqa: S311
    assert callable(change)
    for random in tried:
        it = Damaged(league.copy(), random)
        change(it)
        if it.league != league:  # a game is chosen at random, and not every one has what is damaged
            assert it.days
            return
    pytest.fail("it changes nothing")


def test_a_day_of_a_damaged_league_that_ends_complete_is_what_the_undamaged_league_gives(proof: Proof) -> None:
    for seed in SEEDS:
        proof.try_seed(seed)
    assert proof.tally.differences == []
    assert proof.tally.lost_days == []
    assert proof.tally.outcomes["complete"] > len(SEEDS), "damages leave most of a league as it is"
    assert proof.tally.outcomes["blocked"] > 0
