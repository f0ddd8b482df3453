"""GoogleSQL on DuckDB: what is parsed, and what is refused."""

import pytest
import sqlglot  # noqa: TID251 - the parser that must give the same trees

from tasks.errors import QueryError
from tasks.warehouse.dialect import parse, to_duckdb
from tests.googlesql.statements import statements

pytestmark = pytest.mark.no_server

JOINS = (
    "SELECT player FROM games, games.players",
    "SELECT p FROM games AS g, g.players AS p",
    "SELECT p FROM games AS g CROSS JOIN g.players AS p",
    "SELECT p FROM (SELECT * FROM d.games) AS g, d.other AS o, g.players AS p",
    "SELECT 1 FROM d.games AS g JOIN d.other AS o USING (game_id) LEFT JOIN d.third ON TRUE",
)


@pytest.mark.parametrize("sql", JOINS)
def test_a_join_with_a_column_is_parsed_as_sqlglot_parses_it(sql: str) -> None:
    assert parse(sql) == sqlglot.parse_one(sql, read="bigquery")


def test_the_longest_statements_are_parsed_as_sqlglot_parses_them() -> None:
    longest = sorted((sql for _, sql in statements()), key=len)[-2:]
    assert all(sql.count("JOIN") > 10 for sql in longest)
    for sql in longest:
        assert parse(sql) == sqlglot.parse_one(sql, read="bigquery")


@pytest.mark.parametrize("sql", ["", "SELECT FROM WHERE", "SELECT 1; SELECT 2", "SELECT 'open"])
def test_what_is_not_one_statement_is_refused(sql: str) -> None:
    with pytest.raises(QueryError, match="GoogleSQL"):
        to_duckdb(sql)
