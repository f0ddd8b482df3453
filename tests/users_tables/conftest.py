"""The suite of users' own tables holds on both warehouses."""

from collections.abc import Iterator

import pytest

from tasks.settings import Settings
from tests.both_warehouses import pytest_generate_tests
from tests.proof.bench import Bench
from tests.proof.league import generate
from tests.proof.proof import Base, build_base
from tests.users_tables.league import box_scores, days_of, of_the_box_scores
from tests.users_tables.tables import UsersTable, make_tables, put

__all__ = ["pytest_generate_tests"]
LEAGUE = 2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """A league, and what it gives in tables of our own making."""
    with Bench(tmp_path_factory.mktemp("own") / "own.duckdb") as bench:
        yield build_base(bench, LEAGUE, days_of(generate(LEAGUE), 3))


@pytest.fixture
def tables(settings: Settings, base: Base) -> dict[str, UsersTable]:
    """The users' tables, with a league in them."""
    tables = make_tables(settings)
    put(settings, tables["nba_schedule"], base.league.schedule)
    put(settings, tables["player_game_summary"], box_scores(base.league))
    put(settings, tables["upcoming_player_game_context"], map(of_the_box_scores(base.league), base.league.upcoming))
    return tables
