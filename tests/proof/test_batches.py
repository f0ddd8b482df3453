"""Days that are staged at once end as each of them does by itself: the same rows, checkpoints and ledger."""

from collections.abc import Iterator
from datetime import date
from random import Random

import pytest

from tests.proof.bench import Bench, Decided
from tests.proof.kinds import damage
from tests.proof.league import ProofLeague, generate
from tests.proof.proof import FIRST_DAY, Base, build_base

pytestmark = pytest.mark.no_server

SEEDS = range(8)
BASE = 2
"""A league whose players have ids, which a damage takes from some of them."""
DAYS = 8
NOT_COMPARED = {"started_at", "recorded_at"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("batches") / "batches.duckdb") as bench:
        yield bench


@pytest.fixture(scope="module")
def base(bench: Bench) -> Base:
    return build_base(bench, BASE, _last_days(generate(BASE)))


def _last_days(league: ProofLeague) -> list[date]:
    return [day for day in sorted(league.days()) if day >= FIRST_DAY][-DAYS:]


def said(decided: Decided) -> tuple[object, object]:
    """Return the checkpoints and the rows, without the times."""
    checkpoints = {
        (each.table_name, each.game_date): each.model_dump(exclude=NOT_COMPARED) for each in decided.checkpoints()
    }
    rows = {
        (table, day): sorted(str({**row, "processed_at": None}) for row in found)
        for table, days in decided.rows.items()
        for day, found in days.items()
    }
    return checkpoints, rows


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_of_any_size_of_a_damaged_league_ends_as_day_by_day(bench: Bench, base: Base, seed: int) -> None:
    league, _, _ = damage(base.league, Random(seed))  # noqa: S311
    days = _last_days(base.league)
    by_day = said(bench.decide(league, days=days, at_most=1))
    assert said(bench.decide(league, days=days, at_most=3)) == by_day
    assert said(bench.decide(league, days=days)) == by_day
