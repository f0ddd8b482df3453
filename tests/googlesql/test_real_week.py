"""Both engines give the same rows of a real week, where its data is present."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tasks.settings import Settings, load_settings
from tests.googlesql.agreement import Rows, assert_agree
from tests.googlesql.analyser import GoogleSQL
from tests.googlesql.statements import statements
from tests.ingest.files import run_ingest
from tests.league import SHARED_DATA, fetch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SHARED_DATA.is_dir(), reason="the real seasons are not beside this checkout (../shared/data)"
    ),
]

SCHEDULE, BOX = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"
OPENING = date(2023, 10, 24)
WEEK = [date(2023, 10, 31) + timedelta(days=n) for n in range(7)]
# Statements about many days, such as the digests, are compared once, at the week's end: they see the whole week there.
OF_A_DAY = {name for name, _ in statements() if re.search(r"/(build|expected|gate|coverage)|check of a day", name)}


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory, api_url: str) -> Iterator[Rows]:
    """Schedule and box scores of 2023-24, from its opening to the end of the week."""
    with pytest.MonkeyPatch.context() as environment:
        path = tmp_path_factory.mktemp("real") / "warehouse.duckdb"
        environment.setenv("FULLCOURT_DUCKDB_PATH", str(path))
        run_ingest(
            schedules=[str(SHARED_DATA / "games_2021_2025.csv")],
            game_logs=[str(SHARED_DATA / "league_game_log_2023_24.parquet")],
        )
        settings = load_settings()
        yield {
            name: fetch(
                settings,
                f"SELECT * FROM {name} WHERE game_date BETWEEN @first AND @last",
                first=OPENING,
                last=WEEK[-1],
            )
            for name in (SCHEDULE, BOX)
        }


@pytest.mark.parametrize("day", WEEK, ids=str)
def test_a_day_of_a_real_week(googlesql: GoogleSQL, settings: Settings, season: Rows, day: date) -> None:
    played = {row["player_lookup"] for row in season[BOX] if row["game_date"] == day}
    # Each day leaves another share of its players in the pre-game table, from none to all of them.
    upcoming = sorted(played)[: len(played) * WEEK.index(day) // 6]
    rows = season | {
        "nba_analytics.upcoming_player_game_context": [
            {"player_lookup": player, "game_date": day, "days_rest": number % 4, "projected_usage_rate": number / 7}
            for number, player in enumerate(upcoming)
        ]
    }
    compared = assert_agree(googlesql, settings, rows, day, OPENING, only=None if day == WEEK[-1] else OF_A_DAY)
    assert compared > 2 * len(played)
