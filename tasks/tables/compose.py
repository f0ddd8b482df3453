"""Inline queries that name each other, as dbt inlines its ephemeral models.

A file may read ``FROM played`` or ``JOIN expected``: a bare name, without a dataset, that is the name of another .sql
file of the same folder or of ``shared/``. Each such file becomes one common table expression of the composed query,
in the order in which they need each other. The result is plain GoogleSQL that runs in the BigQuery console.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from tasks.errors import CatalogueError

# What a FROM can stand in without reading anything: comments, texts, EXTRACT(DAY FROM d), a IS DISTINCT FROM b.
_NOT_READ = re.compile(
    r"""--[^\n]*|\#[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"
    |\bEXTRACT\s*\(\s*\w+(?:\s*\(\s*\w+\s*\))?\s+FROM\b|\bDISTINCT\s+FROM\b""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_READ = re.compile(r"\b(?:FROM|JOIN)\s+([a-z][a-z0-9_]*)\b(?!\s*[.(])", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\b", re.IGNORECASE)
_EVERY_COLUMN = re.compile(r"(?:\bSELECT\s+(?:DISTINCT\s+)?|,\s*|\.)\*", re.IGNORECASE)
_NAME = re.compile(r"\b[a-z][a-z0-9_]*\b")
_COMMENT = re.compile(
    r"""--[^\n]*|\#[^\n]*|/\*.*?\*/|(?P<kept>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", re.DOTALL | re.VERBOSE
)
_DEFINED = re.compile(r"\b([a-z][a-z0-9_]*)\s+AS\s*\(\s*(?:SELECT|WITH)\b", re.IGNORECASE)


def compose(query: str, known: Mapping[str, str], *, given: Collection[str] = ()) -> str:
    """Return the text of ``query`` with every known query that it reads, directly or not, as a WITH clause.

    Args:
        query: The name of the query.
        known: The text of every query by name.
        given: Bare names to leave alone: the warehouse resolves them.

    Raises:
        CatalogueError: There is no such query, a bare name is unknown, or queries name each other in a circle.
    """
    graph: dict[str, set[str]] = {}
    todo = [query]
    while todo:
        name = todo.pop()
        if name in graph:
            continue
        if name not in known:
            raise CatalogueError(f"{name}.sql is missing; there are {', '.join(sorted(known))}")
        graph[name] = references(known[name]) - set(given)
        todo += graph[name]
    try:
        *parts, _ = TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)}).static_order()
    except CycleError as error:
        raise CatalogueError(f"queries name each other in a circle: {' -> '.join(error.args[1])}") from error
    return inline(known[query], {part: known[part] for part in parts})


def inline(query: str, parts: Mapping[str, str]) -> str:
    """Return ``query`` with ``parts`` as common table expressions before it."""
    if not parts:
        return query
    clauses = ",\n".join(f"{name} AS (\n{text}\n)" for name, text in parts.items())
    return f"WITH {clauses}\nSELECT * FROM (\n{query}\n)"


def tables_read(query: str) -> set[str]:
    """Return the full names of the tables that a complete query reads."""
    return set(_TABLE.findall(_NOT_READ.sub(" ", query)))


def names_read(queries: Iterable[str], columns: Mapping[str, Collection[str]]) -> set[str]:
    """Return every name in queries, and each column of a table of which a query may read all: it holds a ``*``.

    Args:
        queries: Their text.
        columns: The columns of every table by full name.
    """
    names: set[str] = set()
    for query in queries:
        text = normalized(query)
        names.update(_NAME.findall(text))
        if _EVERY_COLUMN.search(text):
            names.update(*(columns.get(table, ()) for table in tables_read(query)))
    return names


def normalized(query: str) -> str:
    """Return a query without comments and with single spaces: what it says, however it is written."""
    text = _COMMENT.sub(lambda found: found["kept"] or " ", query)
    return " ".join(text.split())


def references(query: str) -> set[str]:
    """Return the bare names that a query reads and does not define itself."""
    text = _NOT_READ.sub(" ", query)
    return set(_READ.findall(text)) - set(_DEFINED.findall(text))
