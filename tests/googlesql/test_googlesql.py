"""The SQL is GoogleSQL: Google's own analyser takes every text that the application sends."""

import re

import pytest

from tasks.tables.catalogue import SHARED_DIR, TABLES_DIR
from tests.googlesql.analyser import GoogleSQL, RefusedError
from tests.googlesql.statements import catalogue, changes, definitions, one_engine_statements, statements

pytestmark = pytest.mark.no_server

STATEMENTS = dict(statements()) | dict(one_engine_statements())
CHANGES, DEFINITIONS = dict(changes()), dict(definitions())
# BigQuery takes options of a view's columns, which this build of the analyser does not know:
# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_view_statement
_COLUMN_OPTIONS = re.compile(r"^(  \w+) OPTIONS\(description = \"[^\"]*\"\)", re.MULTILINE)


@pytest.mark.parametrize("name", STATEMENTS)
def test_google_takes_every_statement_that_the_application_sends(googlesql: GoogleSQL, name: str) -> None:
    assert googlesql.columns(STATEMENTS[name])


@pytest.mark.parametrize("name", CHANGES)
def test_google_takes_every_statement_that_changes_a_table(googlesql: GoogleSQL, name: str) -> None:
    assert googlesql.check(CHANGES[name])
    with pytest.raises(RefusedError, match="nowhere"):
        googlesql.check(re.sub(r"nba_\w+\.\w+", "nba_analytics.nowhere", CHANGES[name]))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_google_takes_every_definition_that_is_committed(googlesql: GoogleSQL, name: str) -> None:
    statement = DEFINITIONS[name]
    if statement.startswith("CREATE OR REPLACE VIEW"):
        statement = _COLUMN_OPTIONS.sub(r"\1", statement)
    assert googlesql.check(statement)


@pytest.mark.parametrize(
    "name",
    [name for name in STATEMENTS if "/build from " in name or name.endswith("/view")],
    ids=lambda name: name.replace(" ", "-"),
)
def test_a_build_or_view_gives_exactly_the_columns_and_types_of_its_table(googlesql: GoogleSQL, name: str) -> None:
    table = catalogue().table(name.partition("/")[0])
    given = {column.name: column.type for column in googlesql.columns(STATEMENTS[name])}
    assert given == {column.name: column.type for column in table.columns}


def test_every_sql_file_is_part_of_a_statement() -> None:
    files = [*TABLES_DIR.glob("*/*.sql"), *SHARED_DIR.glob("*.sql")]
    assert len(files) >= 12
    sent = "\n".join(STATEMENTS.values())
    for file in files:
        text = file.read_text(encoding="utf-8").strip().removesuffix(";")
        last = text.splitlines()[-1].strip()
        assert re.search(re.escape(last), sent), f"{file.parent.name}/{file.name} is in no statement that is analysed"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nobody FROM nba_analytics.player_game_summary", r"Unrecognized name: nobody \[at 1:8\]"),
        ("SELECT 1 FROM nba_analytics.nothing", r"Table not found: nba_analytics.nothing \[at 1:15\]"),
        ("SELECT game_id = 1 AS same FROM nba_analytics.player_game_summary", "STRING, INT64"),
        ("SELECT points AS p FROM nba_analytics.player_game_summary WHERE p > 1", "Unrecognized name: p"),
        ("SELECT DATE_DIFF(@game_date, DAY) AS days", r"Unrecognized name: DAY \[at 1:30\]"),
        ("SELECT @nothing AS parameter", "(?i)parameter 'nothing' not found"),
        ("SELECT COUNT(*) AS n FROM (SELECT 1 AS x) GROUP BY y", r"Unrecognized name: y \[at 1:52\]"),
    ],
)
def test_what_bigquery_would_refuse_is_refused_with_its_place(googlesql: GoogleSQL, sql: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        googlesql.columns(sql)
