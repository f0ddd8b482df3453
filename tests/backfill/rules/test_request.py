"""A request: the days it names, and what each invalid parameter is told."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from flows.backfill import backfill
from tasks.backfill.choose_tables import DEFAULT_TABLE as MAIN
from tasks.backfill.choose_tables import choose_tables
from tasks.backfill.request import BackfillRequest
from tasks.errors import RequestError, describe_validation_error
from tasks.parameters import check
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tests.asked import asked, backfill_request

pytestmark = pytest.mark.no_server

TODAY = date(2023, 3, 1)
DAYS = st.dates(date(2021, 10, 1), TODAY)


def ask(**parameters: Any) -> BackfillRequest:
    return check(BackfillRequest, **asked(backfill, **{"as_of": TODAY, "tables": (MAIN,), **parameters}))


def test_a_range_includes_both_ends() -> None:
    request = ask(start_date=date(2023, 2, 27), end_date=TODAY)
    assert request.days() == [date(2023, 2, 27), date(2023, 2, 28), TODAY]
    assert (request.first_date, request.last_date) == (date(2023, 2, 27), TODAY)


def test_a_start_alone_is_one_day() -> None:
    assert ask(start_date=TODAY).days() == [TODAY]


def test_a_list_is_put_in_order_and_names_each_day_once() -> None:
    request = ask(dates=[date(2023, 2, 24), date(2023, 2, 23), date(2023, 2, 24)])
    assert request.days() == [date(2023, 2, 23), date(2023, 2, 24)]


def test_dates_may_be_text_as_a_command_line_gives_them() -> None:
    assert ask(start_date="2023-02-23", end_date="2023-02-24").last_date == date(2023, 2, 24)


def test_the_defaults_are_safe() -> None:
    request = ask(start_date=TODAY)
    assert (request.force, request.dry_run, request.resume, request.context_source) == (False, False, True, "auto")


def test_a_request_does_not_change() -> None:
    with pytest.raises(ValidationError):
        ask(start_date=TODAY).force = True  # type: ignore[misc]


@limits(deadline=None, max_examples=100)
@given(DAYS, DAYS)
def test_every_day_of_a_range_is_named_once_and_in_order(one: date, other: date) -> None:
    first, last = sorted((one, other))
    days: Sequence[date] = ask(start_date=first, end_date=last).days()
    assert len(days) == (last - first).days + 1
    assert list(days) == sorted(set(days))
    assert (days[0], days[-1]) == (first, last)


def test_a_long_range_is_planned_if_it_is_asked_for() -> None:
    assert len(ask(start_date=date(1972, 3, 1), end_date=TODAY, max_days=20_000).days()) == 18_628


# What is asked for, and what the message must hold: the parameter with its value, and what is allowed.
INVALID: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no day": ({}, ("start_date is missing", "give start_date and end_date, or dates")),
    "an end alone": ({"end_date": TODAY}, ("start_date is missing", "give start_date and end_date, or dates")),
    "the end before the start": (
        {"start_date": date(2023, 2, 24), "end_date": date(2023, 2, 23)},
        ("end_date=2023-02-23", "must be on or after start_date=2023-02-24"),
    ),
    "a start in the future": (
        {"start_date": date(2023, 3, 2)},
        ("start_date=2023-03-02", "today in New York, 2023-03-01"),
    ),
    "an end in the future": (
        {"start_date": TODAY, "end_date": date(2023, 3, 2)},
        ("end_date=2023-03-02", "must not be after today in New York, 2023-03-01"),
    ),
    "a listed day in the future": (
        {"dates": [TODAY, date(2023, 3, 2)]},
        ("dates=2023-03-02", "must not be after today in New York, 2023-03-01"),
    ),
    "a year of two digits": (
        {"start_date": date(22, 11, 8), "end_date": TODAY},
        ("start_date=0022-11-08", "must not be before the league's first day, 1946-11-01"),
    ),
    "a listed day of another age": (
        {"dates": [date(1922, 11, 8)]},
        ("dates=1922-11-08", "must not be before the league's first day, 1946-11-01"),
    ),
    "too many days": (
        {"start_date": date(1972, 3, 1), "end_date": TODAY},
        ("1972-03-01 to 2023-03-01: 18,628 days", "max_days=2,000", "narrow the range, or raise max_days"),
    ),
    "too many listed days": ({"dates": [TODAY, date(2023, 2, 1)], "max_days": 1}, ("2 days", "max_days=1")),
    "an empty list": ({"dates": []}, ("dates=[]", "name at least one day")),
    "a list and a start": (
        {"dates": [TODAY], "start_date": TODAY},
        ("start_date=2023-03-01", "not together with dates"),
    ),
    "a list and an end": ({"dates": [TODAY], "end_date": TODAY}, ("end_date=2023-03-01", "not together with dates")),
    "no date": ({"start_date": "yesterday"}, ("start_date='yesterday'", "valid date")),
    "no date in the list": ({"dates": ["2023-02-30"]}, ("dates.0='2023-02-30'", "valid date")),
    "a number for a day": ({"start_date": 5}, ("start_date=5", "must be a valid date, such as 2023-01-20")),
    "a number that could be a moment": ({"start_date": 0}, ("start_date=0", "must be a valid date")),
    "a number in a text": ({"start_date": "86400"}, ("start_date='86400'", "must be a valid date")),
    "a truth for a day": ({"start_date": TODAY, "end_date": True}, ("end_date=True", "must be a valid date")),
    "a moment": (
        {"start_date": datetime(2023, 2, 23)},  # noqa: DTZ001
        ("start_date=datetime.datetime(2023, 2, 23, 0, 0)", "without a time of day"),
    ),
    "a moment in a text": (
        {"dates": ["2023-02-23T19:30:00Z"]},
        ("dates.0='2023-02-23T19:30:00Z'", "without a time of day"),
    ),
    "a day for a list": ({"dates": "2023-02-23"}, ("dates='2023-02-23'", "should be a list")),
    "a truth for a number": (
        {"start_date": TODAY, "max_days": True},
        ("max_days=True", "must be a whole number, not true or false"),
    ),
    "what cannot be printed": ({"start_date": "\0\x1b[2J"}, (r"start_date='\x00\x1b[2J'", "must be a valid date")),
    "no truth": ({"start_date": TODAY, "force": "perhaps"}, ("force='perhaps'", "valid boolean")),
    "a reason without force": (
        {"start_date": TODAY, "force_reason": "lost"},
        ("force_reason='lost'", "add force=true"),
    ),
    "a reason that says nothing": (
        {"start_date": TODAY, "waive_reason": " "},
        ("waive_reason=' '", "must say something"),
    ),
    "a waiver with force": (
        {"start_date": TODAY, "force": True, "waive_reason": "lost"},
        ("waive_reason='lost'", "not together with force", "give either"),
    ),
    "adoption from one source": (
        {"start_date": TODAY, "adopt": True, "context_source": "upcoming"},
        ("context_source='upcoming'", "not together with adopt", "give either"),
    ),
    "an unknown source": (
        {"start_date": TODAY, "context_source": "guess"},
        ("context_source='guess'", "'auto', 'upcoming' or 'synthetic'"),
    ),
    "nothing at once": (
        {"start_date": TODAY, "max_concurrency": 0},
        ("max_concurrency=0", "greater than or equal to 1"),
    ),
    "no number": ({"start_date": TODAY, "max_concurrency": "all"}, ("max_concurrency='all'", "valid integer")),
    "never stopping": (
        {"start_date": TODAY, "stop_after_identical_failures": 0},
        ("stop_after_identical_failures=0", "greater than or equal to 1"),
    ),
}


def test_a_reason_is_kept_on_one_line() -> None:
    assert ask(start_date=TODAY, force=True, force_reason=" lost in\nthe fire ").force_reason == "lost in the fire"
    assert ask(start_date=TODAY, waive_reason="never played").waive_reason == "never played"


def test_force_needs_no_reason() -> None:
    assert (ask(start_date=TODAY, force=True).force, ask(start_date=TODAY, force=True).force_reason) == (True, None)


@pytest.mark.parametrize("name", INVALID)
def test_what_is_invalid_is_told_the_parameter_its_value_and_what_is_allowed(name: str) -> None:
    parameters, parts = INVALID[name]
    with pytest.raises(RequestError) as error:
        ask(**parameters)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("tables", "parts"),
    [
        ([], ("tables=[]", "name at least one of", "player_composite_factors")),
        (["player_factors"], ("tables='player_factors'", "no such table; there are", "player_composite_factors")),
        (["nba_schedule"], ("tables='nba_schedule'", "not a derived table; those are", "player_composite_factors")),
    ],
    ids=["none", "unknown", "an input"],
)
def test_tables_that_cannot_be_built_are_told_which_can(
    settings: Settings, tables: list[str], parts: tuple[str, ...]
) -> None:
    with pytest.raises(RequestError) as error:
        choose_tables(load_catalogue(settings), tables)
    for part in parts:
        assert part in str(error.value)


def test_the_main_table_and_all_it_depends_on_are_the_default(settings: Settings) -> None:
    tables = backfill_request(settings, as_of=TODAY, start_date=TODAY).tables
    assert tables == ("player_shot_zone_analysis", "team_defense_zone_analysis", "player_composite_factors")


def test_tables_are_put_in_the_order_in_which_they_need_each_other(settings: Settings) -> None:
    names = [MAIN, "team_defense_zone_analysis", MAIN]
    tables = choose_tables(load_catalogue(settings), names)
    assert tables == ("team_defense_zone_analysis", MAIN)


class _Form(BaseModel):
    size: int = Field(ge=1)
    names: list[int] = []
    note: str = ""


def described(prefix: str = "", **values: Any) -> str:
    with pytest.raises(ValidationError) as error:
        _Form.model_validate(values)
    return describe_validation_error(error.value, prefix=prefix)


def test_an_invalid_field_is_described_by_name_value_and_what_is_allowed() -> None:
    assert described(size=0) == "size=0: Input should be greater than or equal to 1"


def test_an_invalid_environment_variable_is_described_by_the_name_it_has_there() -> None:
    assert described("FULLCOURT_", size=0).startswith("FULLCOURT_SIZE=0: ")


def test_every_invalid_field_is_described() -> None:
    assert described(size=0, names=["a", "b"]).count("; ") == 2
    assert "names.1='b': " in described(size=0, names=["a", "b"])


def test_a_missing_field_is_described_without_the_rest() -> None:
    assert described(note="private") == "size: Field required"


def test_a_long_value_is_not_repeated() -> None:
    assert described(size="9" * 5000).startswith("size: ")
