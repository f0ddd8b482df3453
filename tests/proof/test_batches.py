"""Days that are staged at once end as each of them does by itself: the same rows, checkpoints and ledger."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from random import Random

import pytest

from tests.proof.bench import Bench, Decided
from tests.proof.kinds import damage
from tests.proof.league import ProofLeague, generate
from tests.proof.proof import FIRST_DAY, Base, build_base
from tests.proof.said import row_said, rows_said
from tests.proof.seeds import seeds

pytestmark = pytest.mark.no_server

DAMAGED, WHOLE = seeds(16, in_every_run=4), seeds(16, in_every_run=2)
BASE = 2
"""A league whose players have ids, which a damage takes from some of them."""
DAYS = 8


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("batches") / "batches.duckdb") as bench:
        yield bench


@pytest.fixture(scope="module")
def base(bench: Bench) -> Base:
    return build_base(bench, BASE, _last_days(generate(BASE)))


@pytest.fixture(scope="module")
def in_one_run(bench: Bench, base: Base) -> tuple[object, object, object]:
    return said(bench.decide(base.league, days=_last_days(base.league)))


def _last_days(league: ProofLeague) -> list[date]:
    return [day for day in sorted(league.days()) if day >= FIRST_DAY][-DAYS:]


def said(decided: Decided) -> tuple[object, object, object]:
    """Return the checkpoints, the rows and the ledger, without runs and times."""
    checkpoints = {(each.table_name, each.game_date): row_said(each.model_dump()) for each in decided.checkpoints()}
    return checkpoints, rows_said(decided.rows), sorted(map(row_said, decided.ledger))


def in_runs(days: list[date], random: Random) -> list[list[date]]:
    """Cut a range into two or three, each at least a day long."""
    cuts = [0, *sorted(random.sample(range(1, len(days)), random.randint(1, 2))), len(days)]
    return [days[begin:end] for begin, end in pairwise(cuts)]


@pytest.mark.parametrize("seed", DAMAGED)
def test_however_the_days_of_a_damaged_league_are_split_they_end_as_day_by_day(
    bench: Bench, base: Base, seed: int
) -> None:
    random = Random(seed)  # noqa: S311
    league, _, _ = damage(base.league, random)
    days = _last_days(base.league)
    by_day = said(bench.decide(league, days=days, sizes=[1]))
    assert said(bench.decide(league, days=days)) == by_day
    runs, sizes = in_runs(days, random), [random.randint(1, DAYS) for _ in range(3)]
    at_once = random.randint(1, 8)
    assert said(bench.decide(league, runs=runs, sizes=sizes, at_once=at_once)) == by_day, (runs, sizes, at_once)


@pytest.mark.parametrize("seed", WHOLE)
def test_in_whatever_order_the_runs_of_a_whole_league_are_made_they_end_as_one(
    bench: Bench, base: Base, seed: int, in_one_run: tuple[object, object, object]
) -> None:
    random, days = Random(seed), _last_days(base.league)  # noqa: S311
    runs, sizes = in_runs(days, random), [random.randint(1, DAYS) for _ in range(3)]
    random.shuffle(runs)
    at_once = random.randint(1, 8)
    decided = bench.decide(base.league, runs=runs, sizes=sizes, at_once=at_once)
    assert said(decided) == in_one_run, (runs, sizes, at_once)
