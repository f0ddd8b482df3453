"""Queries that name each other are inlined; what is no query is left alone or refused."""

import pytest

from tasks.errors import CatalogueError
from tasks.settings import Settings
from tasks.tables.compose import compose, references
from tasks.warehouse.open import open_warehouse

pytestmark = pytest.mark.no_server

READS = {
    "FROM": ("SELECT a FROM played", {"played"}),
    "JOIN": ("SELECT a FROM x.y JOIN played ON TRUE", {"played"}),
    "LEFT JOIN": ("SELECT a FROM played AS p LEFT JOIN expected AS e ON TRUE", {"played", "expected"}),
    "lower case": ("select a from played", {"played"}),
    "a new line between": ("SELECT a\nFROM\n  played", {"played"}),
    "inside brackets": ("SELECT a FROM (SELECT a FROM played)", {"played"}),
    "a table with a dataset": ("SELECT a FROM nba_analytics.player_game_summary", set()),
    "a table in backticks": ("SELECT a FROM `project.nba_analytics.player_game_summary`", set()),
    "a function": ("SELECT a FROM UNNEST([1, 2]) AS a", set()),
    "its own WITH": ("WITH recent AS (SELECT 1 AS a) SELECT a FROM recent", set()),
    "its own WITH, over another": ("WITH recent AS (\n  SELECT a FROM played\n) SELECT a FROM recent", {"played"}),
    "its own WITH of a WITH": ("WITH r AS (WITH s AS (SELECT 1 AS a) SELECT a FROM s) SELECT a FROM r", set()),
    "its own WITH, a comment first": ("WITH recent AS (\n  -- why\n  SELECT 1 AS a\n) SELECT a FROM recent", set()),
    "a comment": ("SELECT 1 AS a -- not FROM played\n", set()),
    "a comment with a hash": ("SELECT 1 AS a # not FROM played\n", set()),
    "a comment of many lines": ("/* not\nFROM played */ SELECT 1 AS a", set()),
    "a text": ("SELECT 'FROM played' AS a", set()),
    "a text in double quotes": ('SELECT "FROM played" AS a', set()),
    "a text with a quote in it": (r"SELECT 'it\'s FROM played' AS a", set()),
    "two dashes in a text": ("SELECT '--' AS a FROM played", {"played"}),
    "an apostrophe in a comment": ("-- the player's\nSELECT a FROM played -- his team's", {"played"}),
    "part of a date": ("SELECT EXTRACT(YEAR FROM game_date) AS a FROM played", {"played"}),
    "part of a week": ("SELECT EXTRACT(WEEK(MONDAY) FROM game_date) AS a FROM played", {"played"}),
    "a comparison with NULL": ("SELECT a IS NOT DISTINCT FROM b AS c FROM played", {"played"}),
}


@pytest.mark.parametrize("name", READS)
def test_the_bare_names_that_are_read_are_found(name: str) -> None:
    query, expected = READS[name]
    assert references(query) == expected


def test_a_query_that_reads_none_stays_as_it_is() -> None:
    assert compose("a", {"a": "SELECT 1 AS x", "b": "SELECT 2 AS x"}) == "SELECT 1 AS x"


def test_queries_are_inlined_in_the_order_in_which_they_need_each_other(settings: Settings) -> None:
    known = {
        "total": "SELECT SUM(n) AS n FROM doubled",
        "doubled": "SELECT n FROM ones -- twice\nUNION ALL\nSELECT n FROM ones -- and again",
        "ones": "WITH total AS (SELECT 21 AS n)\nSELECT n FROM total",  # a name of its own, though there is a query
        "unused": "SELECT nonsense",
    }
    text = compose("total", known)
    assert text.index("ones AS (") < text.index("doubled AS (")
    assert text.count("ones AS (") == 1
    assert "nonsense" not in text
    with open_warehouse(settings.connection()) as warehouse:
        assert warehouse.fetch(text) == [{"n": 42}]


def test_a_query_that_ends_in_a_comment_is_inlined_whole(settings: Settings) -> None:
    text = compose("a", {"a": "SELECT n FROM b -- the end", "b": "SELECT 1 AS n -- the end"})
    with open_warehouse(settings.connection()) as warehouse:
        assert warehouse.fetch(text) == [{"n": 1}]


def test_what_the_warehouse_knows_is_left_alone() -> None:
    text = compose("a", {"a": "SELECT n FROM staged JOIN b USING (n)", "b": "SELECT 1 AS n"}, given=("staged",))
    assert "b AS (" in text
    assert "staged AS (" not in text


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(CatalogueError, match=r"playd\.sql is missing; there are a, played"):
        compose("a", {"a": "SELECT n FROM playd", "played": "SELECT 1 AS n"})


def test_a_query_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"build\.sql is missing; there are played"):
        compose("build", {"played": "SELECT 1 AS n"})


@pytest.mark.parametrize(
    "known",
    [
        {"a": "SELECT n FROM a"},
        {"a": "SELECT n FROM b", "b": "SELECT n FROM a"},
        {"a": "SELECT n FROM b", "b": "SELECT n FROM c", "c": "SELECT n FROM d", "d": "SELECT n FROM b"},
    ],
    ids=["itself", "two", "further down"],
)
def test_a_circle_is_refused(known: dict[str, str]) -> None:
    with pytest.raises(CatalogueError, match=r"queries name each other in a circle: .* -> "):
        compose("a", known)
