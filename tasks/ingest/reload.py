"""Compare the rows of a file with those that they would replace, and keep back the games that would lose by it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks.ingest.contents import FileReport, KeptBack
from tasks.ingest.shrinkage import (
    REMEDY,
    BoxScore,
    Replacement,
    ScheduledGame,
    by_game,
    judge_box_scores,
    judge_schedule,
    other_ids,
)
from tasks.tables.spec import TableSpec
from tasks.text import first_of
from tasks.warehouse.base import LOOK_AROUND, Warehouse

_DERIVED = "usage_rate"
_KINDS: dict[str, tuple[Any, Any]] = {
    "player_game_summary": (BoxScore, judge_box_scores),
    "nba_schedule": (ScheduledGame, lambda there, here, **_: judge_schedule(there, here)),
}


class Loadable(NamedTuple):
    """What of a file may be loaded, and the report of the rest."""

    rows: pa.Table
    report: FileReport


def keep_back(
    warehouse: Warehouse, table: TableSpec, found: Loadable, *, match: Sequence[str], allow_shrink: bool
) -> Loadable:
    """Return the rows that may replace what is there, and the report with the games that may not, and why.

    One query reads what is there.

    Args:
        warehouse: Where the rows are to go.
        table: The table that they are of.
        found: The good rows of a file, at least one, and the report of all.
        match: The columns by which the rows replace others.
        allow_shrink: Replace games even if the warehouse then has less of them; not those with rejected rows.
    """
    kind, judge = _KINDS[table.name]
    rows, report = found
    optional = _optional(table)
    here = by_game(_read(kind, rows, optional))
    there = by_game(_fetch(kind, warehouse, table, rows))
    kept, warnings = other_ids(there, here), []
    for game_id in here.keys() & there.keys():
        replacement = judge(there[game_id], here[game_id], columns=optional, whole_games="team_abbr" not in match)
        if reason := _why_kept(replacement, game_id, report, allow_shrink=allow_shrink):
            kept[game_id] = reason
        elif replacement.lost:
            warnings.append(f"{game_id} ({'; '.join(replacement.lost)})")
    if not kept and not warnings:
        return found
    said = [f"replaced, as allow_shrink says: {first_of(sorted(warnings), 20)}"] if warnings else []
    games = [
        KeptBack(file=report.file, game_id=game_id, game_date=here[game_id][0].game_date, reason=kept[game_id])
        for game_id in sorted(kept)
    ]
    good = rows.filter(pc.invert(pc.is_in(rows.column("game_id"), pa.array(sorted(kept), pa.string()))))
    return Loadable(good, report.model_copy(update={"kept_back": tuple(games), "warnings": (*report.warnings, *said)}))


def _why_kept(replacement: Replacement, game_id: str, report: FileReport, *, allow_shrink: bool) -> str | None:
    if replacement.conflict:
        return replacement.conflict
    if replacement.is_replaced and game_id in report.rejected_games:
        return "a row of it was rejected; correct the row, or leave it out"
    if replacement.is_replaced and report.rejected_without_game:
        return "a rejected row does not say of which game it is, and may be of this one; correct the row"
    if replacement.lost and not allow_shrink:
        return f"{'; '.join(replacement.lost)}; {REMEDY}"
    return None


def _read(kind: Any, rows: pa.Table, optional: Sequence[str]) -> list[Any]:
    """Return the rows of a file as what is compared."""
    columns = [rows.column(name).to_pylist() for name in kind._fields if name != "known"]
    if "known" in kind._fields:
        valid = (rows.column(name).is_valid().to_pylist() for name in optional)
        columns.append(["".join("01"[is_known] for is_known in row) for row in zip(*valid, strict=True)])
    return [kind(*values) for values in zip(*columns, strict=True)]


def known_rows(table: TableSpec) -> str:
    """Return the query for the rows that are there of a file's games and days, with the columns that are compared."""
    kind, _ = _KINDS[table.name]
    digits = ", ".join(f"IF({name} IS NULL, '0', '1')" for name in _optional(table))
    known = f"CONCAT({digits}) AS known"
    columns = ", ".join(known if name == "known" else name for name in kind._fields)
    return f"""
SELECT {columns}
FROM {table.full_name}
WHERE game_date BETWEEN @from_date AND @to_date
  AND (game_id BETWEEN @first_game AND @last_game OR game_date BETWEEN @first_date AND @last_date)
ORDER BY game_id, game_date"""


def _optional(table: TableSpec) -> list[str]:
    return [column.name for column in table.columns if not column.required and column.name != _DERIVED]


def _fetch(kind: Any, warehouse: Warehouse, table: TableSpec, rows: pa.Table) -> list[Any]:
    """Return the rows that are there of the file's games and days, as what is compared."""
    games, days = rows.column("game_id").to_pylist(), rows.column("game_date").to_pylist()
    there = warehouse.fetch(
        known_rows(table),
        {
            "first_game": min(games),
            "last_game": max(games),
            "first_date": min(days),
            "last_date": max(days),
            "from_date": min(days) - LOOK_AROUND,
            "to_date": max(days) + LOOK_AROUND,
        },
    )
    return [kind(**row) for row in there]
