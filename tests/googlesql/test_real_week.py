"""Both engines give the same rows of a real week, where its data is present."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tasks.settings import Settings, load_settings
from tests.googlesql.agreement import Rows, assert_agree, parameters
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
NAMES = {name for name, _ in statements()}
OF_A_DAY = {name for name in NAMES if re.search(r"/gate|check of a day", name)}
"""They answer for one day. All others answer for a range: seven days take Google's evaluator little longer than one."""


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


@pytest.fixture(scope="module")
def week(season: Rows) -> Rows:
    """The same, with pre-game rows: each day has another share of its players, from none to all of them."""
    upcoming = []
    for number, day in enumerate(WEEK):
        played = sorted({row["player_lookup"] for row in season[BOX] if row["game_date"] == day})
        upcoming += [
            {
                "player_lookup": player,
                "game_date": day,
                "days_rest": place % 4,
                "games_in_last_7_days": place % 5 or None,  # a row that does not say is not used
                "minutes_in_last_7_days": 28.5 * (place % 5),
                "projected_usage_rate": place / 7,
            }
            for place, player in enumerate(played[: len(played) * number // 6])
        ]
    return season | {"nba_analytics.upcoming_player_game_context": upcoming}


def test_the_days_of_a_real_week(googlesql: GoogleSQL, settings: Settings, week: Rows) -> None:
    compared = assert_agree(googlesql, settings, week, parameters(WEEK[-1], OPENING, WEEK[0]), only=NAMES - OF_A_DAY)
    assert compared > 2 * sum(row["game_date"] >= WEEK[0] for row in week[BOX])


def test_what_is_read_of_one_day_of_a_real_week(googlesql: GoogleSQL, settings: Settings, week: Rows) -> None:
    assert assert_agree(googlesql, settings, week, parameters(WEEK[3], OPENING), only=OF_A_DAY) == len(OF_A_DAY)
