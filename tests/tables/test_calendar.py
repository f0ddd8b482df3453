"""What the schedule says of a day itself: its season, whether it speaks of it, and what came before it."""

from datetime import date, timedelta

import pytest

from tasks.settings import Settings
from tests.league import League
from tests.tables.rows import DAY, references

pytestmark = pytest.mark.no_server


@pytest.mark.parametrize(
    ("day", "season"),
    [
        (date(2020, 7, 31), 2019),
        (date(2020, 10, 11), 2019),
        (date(2020, 10, 12), 2020),
        (date(2021, 7, 31), 2020),
        (date(2021, 8, 1), 2021),
    ],
)
def test_a_season_lasts_from_august_to_july_but_for_that_of_2019(bench: Settings, day: date, season: int) -> None:
    league = League()
    league.game(day, "BOS", "NYK")
    assert references(bench, league, day, day)[day].season_year == season


@pytest.mark.parametrize(("days", "speaks"), [(14, True), (15, False)])
def test_the_schedule_speaks_of_days_between_two_games_of_a_season_at_most_two_weeks_apart(
    bench: Settings, days: int, speaks: bool
) -> None:
    league, last = League(), DAY + timedelta(days=days)
    for day in (DAY, last):
        league.game(day, "BOS", "NYK")
    found = references(bench, league, DAY, last)
    between = {DAY + timedelta(days=number) for number in range(1, days)}
    assert {found[day].is_scheduled for day in between} == {speaks}
    assert {found[day].is_off_day for day in between} == {speaks}
    assert found[DAY].is_scheduled
    assert found[last].is_scheduled


@pytest.mark.parametrize(("days", "speaks"), [(150, True), (151, False)])
def test_the_schedule_speaks_of_the_summer_between_two_seasons(bench: Settings, days: int, speaks: bool) -> None:
    league, last = League(), date(2023, 6, 12)
    league.game(last, "BOS", "NYK")
    league.season = 2023
    league.game(last + timedelta(days=days), "BOS", "NYK")
    day = last + timedelta(days=30)
    assert references(bench, league, day, day)[day].is_scheduled == speaks


def test_the_pause_of_2020_is_known(bench: Settings) -> None:
    league = League(season=2019)
    for day in (date(2020, 3, 11), date(2020, 7, 30)):
        league.game(day, "BOS", "NYK")
    day = date(2020, 5, 1)
    assert references(bench, league, day, day)[day].is_off_day


@pytest.mark.parametrize(("days", "is_near"), [(29, True), (30, False)])
def test_a_hole_of_the_last_30_days_is_named_and_an_older_one_is_counted(
    bench: Settings, days: int, is_near: bool
) -> None:
    league, hole = League(), DAY - timedelta(days=days)
    league.game(hole, "BOS", "NYK", loaded=False)
    for number in range(1, days + 1):
        league.game(hole + timedelta(days=number), "BOS", "NYK")
    found = references(bench, league)[DAY]
    assert found.season_holes == 1
    assert (found.recent_holes is not None) == is_near
    assert [reason.category for reason in found.warnings("season")] == ["look_back_incomplete"]
    assert len(found.warnings("30 days")) == is_near


@pytest.mark.parametrize(("rest", "is_after_break"), [(6, False), (7, True)])
def test_a_day_is_after_a_break_if_its_teams_have_not_played_for_a_week(
    bench: Settings, rest: int, is_after_break: bool
) -> None:
    league = League()
    for day in (DAY - timedelta(days=rest), DAY):
        league.game(day, "BOS", "NYK")
    assert references(bench, league)[DAY].is_after_break == is_after_break


@pytest.mark.parametrize(("others", "is_after_break"), [(2, True), (3, False)])
def test_a_day_is_after_a_break_if_that_is_so_for_a_third_of_its_teams(
    bench: Settings, others: int, is_after_break: bool
) -> None:
    league = (
        League()
    )  # two days after a break half of the teams play for the first time, and some who play were injured
    for day in (DAY - timedelta(days=7), DAY):
        league.game(day, "BOS", "NYK")
    for home, away in (("LAL", "MIA"), ("DEN", "UTA"), ("CHI", "DET"))[:others]:
        for day in (DAY - timedelta(days=2), DAY):
            league.game(day, home, away)
    assert references(bench, league)[DAY].is_after_break == is_after_break
