"""What is known of a day: its games, the source of its context, its place in the season, and shares as text."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.backfill.day import ContextSource, Disagreement, Reference, SourceCounts, choose_source, is_bootstrap
from tasks.tables.spec import Build
from tasks.text import percent

pytestmark = pytest.mark.no_server

DAY = date(2023, 2, 23)
BUILD = Build.model_validate(
    {
        "entity": "player_lookup",
        "inputs": [{"table": "player_game_summary", "window": "season_before"}],
        "sources": [{"name": "upcoming", "table": "upcoming_player_game_context"}, {"name": "synthetic"}],
        "never_all_null": ["pace_score"],
    }
)
ONE_SOURCE = BUILD.model_copy(update={"sources": BUILD.sources[1:]})


def counts(covered: int, expected: int = 187, **fields: Any) -> SourceCounts:
    return SourceCounts(source="upcoming", expected=expected, covered=covered, **{"players": covered, **fields})


@pytest.mark.parametrize(
    ("covered", "source"),
    [
        *((covered, "synthetic") for covered in (0, 1, 68, 168)),
        *((covered, "upcoming") for covered in (169, 186, 187)),
    ],
)
def test_upcoming_is_taken_if_it_covers_the_expected_set_by_the_threshold(covered: int, source: str) -> None:
    chosen, _ = choose_source(BUILD, counts(covered))
    assert (chosen, BUILD.is_fallback(chosen)) == (source, source == "synthetic")


def test_upcoming_that_covers_exactly_90_percent_is_taken_for_every_size_of_day() -> None:
    for expected in range(1, 501):
        fewest = -(-9 * expected // 10)
        assert choose_source(BUILD, counts(fewest, expected))[0] == "upcoming"
        assert choose_source(BUILD, counts(fewest - 1, expected))[0] == "synthetic"


def test_a_source_that_is_not_empty_but_below_says_so() -> None:
    assert choose_source(BUILD, counts(1))[1] == "upcoming covers 1 of 187 (0.5 %), which is below 90.0 %"


def test_a_source_that_is_below_says_whom_it_lacks() -> None:
    names = tuple(f"player{number:02d}" for number in range(12))
    _, reason = choose_source(BUILD, counts(8, 20, missing=names))
    assert (
        reason == f"upcoming covers 8 of 20 (40.0 %), which is below 90.0 %; it lacks {', '.join(names[:3])} and 9 more"
    )


def test_a_source_that_is_empty_says_so_and_no_name() -> None:
    _, reason = choose_source(BUILD, counts(0, 2, missing=("one", "two")))
    assert reason == "upcoming covers 0 of 2 (0.0 %), which is empty"


def test_a_source_with_the_right_number_of_wrong_players_is_not_taken() -> None:
    source, reason = choose_source(BUILD, counts(0, players=187))
    assert source == "synthetic"
    assert reason == "upcoming covers 0 of 187 (0.0 %), which is below 90.0 %"


def test_a_source_that_holds_a_player_twice_is_not_taken() -> None:
    source, reason = choose_source(BUILD, counts(187, duplicates=2))
    assert (source, BUILD.is_fallback(source)) == ("synthetic", True)
    assert reason == "upcoming holds 2 players more than once; upcoming covers 187 of 187 (100.0 %)"


def disagreeing(different: int, compared: int, column: str = "days_rest") -> Disagreement:
    return Disagreement(column_name=column, compared=compared, different=different, examples="bos1 2 against 1")


@pytest.mark.parametrize(
    ("different", "compared", "warns"),
    [
        *((different, 187, different >= 10) for different in (0, 1, 9, 10, 187)),
        *((1, compared, compared <= 20) for compared in (1, 19, 20, 21)),
        (0, 0, False),
    ],
)
def test_sources_that_differ_in_5_percent_of_the_rows_of_a_column_are_a_warning(
    different: int, compared: int, warns: bool
) -> None:
    reasons = counts(187, disagreements=(disagreeing(different, compared),)).warnings(BUILD)
    assert [(reason.category, reason.overridable) for reason in reasons] == [("sources_disagree", False)] * warns


def test_exactly_5_percent_is_a_warning_for_every_number_of_rows() -> None:
    for compared in range(1, 501):
        fewest = -(-compared // 20)
        assert counts(187, disagreements=(disagreeing(fewest, compared),)).warnings(BUILD)
        assert not counts(187, disagreements=(disagreeing(fewest - 1, compared),)).warnings(BUILD)


def test_sources_that_disagree_say_of_which_columns_in_how_many_rows_with_examples_and_what_to_do() -> None:
    found = (disagreeing(10, 187), disagreeing(9, 187, "games_in_last_7_days"), disagreeing(3, 4, "pace_differential"))
    (reason,) = counts(187, disagreements=found).warnings(BUILD)
    assert str(reason) == (
        "sources_disagree: upcoming against synthetic: "
        "days_rest in 10 of 187 rows (5.3 %), as in bos1 2 against 1; "
        "pace_differential in 3 of 4 rows (75.0 %), as in bos1 2 against 1; find out which is wrong, and correct it"
    )


def test_sources_that_were_not_compared_are_no_warning() -> None:
    assert counts(187).warnings(BUILD) == ()


def test_a_source_is_not_taken_where_nothing_is_expected() -> None:
    assert choose_source(BUILD, counts(0, expected=0))[0] == "synthetic"
    assert counts(0, expected=0).coverage == 0.0


def test_a_table_with_one_source_has_no_choice_and_no_fallback() -> None:
    source, reason = choose_source(ONE_SOURCE, None, "upcoming")
    assert (source, reason, ONE_SOURCE.is_fallback(source)) == ("synthetic", "the only source", False)


@pytest.mark.parametrize(("requested", "covered"), [("upcoming", 1), ("synthetic", 187)])
def test_a_source_that_is_asked_for_is_taken_whatever_it_covers(requested: ContextSource, covered: int) -> None:
    source, reason = choose_source(BUILD, counts(covered), requested)
    assert (source, BUILD.is_fallback(source)) == (requested, requested == "synthetic")
    assert reason.startswith("asked for; upcoming covers ")


@pytest.mark.parametrize(
    ("days", "expected"), [(-1, True), (0, True), (13, True), (14, False), (200, False)], ids=lambda value: str(value)
)
def test_the_first_14_days_of_a_season_are_bootstrap(days: int, expected: bool) -> None:
    start = date(2022, 10, 18)
    assert is_bootstrap(start + timedelta(days=days), start, 14) is expected


def test_no_day_is_bootstrap_without_bootstrap_days_or_a_season() -> None:
    assert not is_bootstrap(DAY, DAY, 0)
    assert not is_bootstrap(DAY, None, 14)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (1 / 187, "0.5 %"),
        (0.29, "29.0 %"),
        (68 / 175, "38.8 %"),
        (0.57, "57.0 %"),
        (0.8999, "89.9 %"),
        (0.9, "90.0 %"),
        (0.95, "95.0 %"),
        (186 / 187, "99.4 %"),
        (0.9999, "99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_a_share_reads_as_a_percentage_with_1_decimal(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("threshold", [90, 95, 100])
def test_a_percentage_reaches_a_threshold_only_if_the_share_does(threshold: int) -> None:
    for expected in range(1, 1001):
        fewest = -(-threshold * expected // 100)
        assert float(percent((fewest - 1) / expected).removesuffix(" %")) < threshold
        assert float(percent(fewest / expected).removesuffix(" %")) >= threshold


@given(st.integers(1, 1_000_000).flatmap(lambda expected: st.tuples(st.integers(0, expected), st.just(expected))))
def test_a_percentage_is_the_share_rounded_down(share: tuple[int, int]) -> None:
    covered, expected = share
    assert percent(covered / expected) == f"{covered * 1000 // expected / 10:.1f} %"


def test_missing_games_block_and_are_named() -> None:
    day = Reference(game_date=DAY, final_games=11, loaded_games=6, missing_games="BOS at LAL (0022200001)")
    (reason,) = day.blocks()
    assert (reason.category, reason.overridable) == ("reference_incomplete", True)
    assert reason.message.startswith("6 of 11 final games are whole in the box scores; BOS at LAL (0022200001); load")


def test_games_that_are_not_final_block_and_are_named() -> None:
    day = Reference(game_date=DAY, final_games=1, loaded_games=1, pending_games="BOS at LAL (0022200001)")
    (reason,) = day.blocks()
    assert (reason.category, reason.overridable) == ("games_not_final", True)
    assert "BOS at LAL (0022200001)" in reason.message


def test_a_complete_reference_neither_blocks_nor_warns() -> None:
    day = Reference(game_date=DAY, scheduled_games=9, final_games=9, loaded_games=9, expected_players=187)
    assert (day.blocks(), day.warnings()) == ((), ())


def test_games_that_the_schedule_lacks_block_and_are_named() -> None:
    (reason,) = Reference(game_date=DAY, unscheduled_games="0022200001").blocks()
    assert (reason.category, reason.overridable) == ("unscheduled_games", True)
    assert "0022200001" in reason.message


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"conflicting_games": "BOS has 2 games in the schedule"}, "schedule_conflict"),
        ({"double_players": "BOS at LAL (0022200001): bos1"}, "duplicate_box_scores"),
        ({"ambiguous_players": "BOS at LAL (0022200001): bos1"}, "ambiguous_player"),
    ],
    ids=["conflict", "double", "ambiguous"],
)
def test_what_makes_rows_wrong_blocks_whatever_is_forced(fields: dict[str, str], category: str) -> None:
    (reason,) = Reference.model_validate({"game_date": DAY, **fields}).blocks()
    assert (reason.category, reason.overridable) == (category, False)
    assert next(iter(fields.values())) in reason.message


def test_unknown_minutes_and_missing_games_of_the_look_back_warn() -> None:
    day = Reference(game_date=DAY, without_minutes=3, season_holes=1)
    assert [reason.message for reason in day.warnings()] == [
        "in 3 rows of the day and the 6 days before there are statistics, and no minutes",
        "not loaded as played: 1 earlier game of the season",
    ]
    assert [reason.category for reason in day.warnings()] == ["minutes_unknown", "look_back_incomplete"]
    assert [reason.category for reason in day.warnings("30 days")] == ["minutes_unknown"]
    recent = day.model_copy(update={"recent_holes": "2023-02-20 BOS at LAL"}).warnings("30 days")[1]
    assert "2023-02-20 BOS at LAL" in recent.message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"final_games": 1}, True),
        ({"scheduled_games": 1}, False),
        ({"scheduled_games": 1, "pending_games": "BOS at LAL (0022200001)"}, True),
        ({"unscheduled_games": "0022200001"}, True),
    ],
    ids=["nothing", "final", "postponed", "pending", "only in the box scores"],
)
def test_games_were_played_if_the_schedule_or_the_box_scores_say_so(fields: dict[str, Any], expected: bool) -> None:
    day = Reference(game_date=DAY, is_scheduled=True, **fields)
    assert (day.has_games, day.is_off_day) == (expected, not expected)


def test_a_day_that_no_schedule_speaks_of_is_no_off_day() -> None:
    assert not Reference(game_date=DAY).is_off_day
