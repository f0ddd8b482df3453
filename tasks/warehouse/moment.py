"""One moment: what a run reads of its inputs, whatever happens to them meanwhile."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_NO_ALIAS = (
    "CROSS|EXCEPT|FOR|FULL|GROUP|HAVING|INNER|INTERSECT|JOIN|LEFT|LIMIT|ON|ORDER|PIVOT|QUALIFY|RIGHT|TABLESAMPLE|UNION|"
    "UNPIVOT|USING|WHERE|WINDOW"
)
"""What can follow a table in a FROM, and is no name for it."""


@dataclass(frozen=True)
class Moment:
    """The tables that a run reads and does not write, as they were at one moment; given up at the end of the run."""

    taken_at: datetime
    tables: tuple[str, ...] = ()
    """Those that the warehouse itself still knows as they were, by full name."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """The copy that is read instead of a table, by the table's full name."""
    file: Path | None = None
    """Where the copies are; None if they are in the warehouse."""
    bytes_billed: int = 0
    """What making the copies was billed for."""


def as_of(sql: str, moment: Moment) -> str:
    """Return a GoogleSQL query that reads the tables of a moment as they were at @moment, and the copies of it.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#for_system_time_as_of
    """
    for name in moment.tables:
        alias = rf"(?:\s+AS\s+\w+|\s+(?!(?:{_NO_ALIAS}|AS)\b)[a-z_]\w*)?"
        sql = re.sub(rf"\b{re.escape(name)}\b{alias}", r"\g<0> FOR SYSTEM_TIME AS OF @moment", sql, flags=re.IGNORECASE)
    for name, copy in moment.copies.items():
        sql = re.sub(rf"\b{re.escape(name)}\b", copy, sql)
    return sql
