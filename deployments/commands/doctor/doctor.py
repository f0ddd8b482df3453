"""``fullcourt doctor``: check line by line what can be reached and what is missing, and say what to do.

Nothing is written, in the warehouse or in Prefect, and nothing costs money. An input that is missing is a problem; a
derived table or a record is not: the next run creates it. The exit code is 1 if there is a problem.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from deployments.commands.doctor import prefect as prefect_diagnosis
from tasks.errors import FullcourtError, TransientError
from tasks.settings import WarehouseSettings, load_settings
from tasks.tables.catalogue import load_catalogue
from tasks.tables.spec import TableSpec
from tasks.warehouse.diagnosis import Diagnosis, Finding
from tasks.warehouse.open import open_diagnosis
from tasks.warehouse.schema import differences

_STYLES = {"missing": "bold red", "note": "yellow"}  # only on a terminal


def print_findings(home: Path) -> int:
    """Print a line a finding; returns the exit code: 1 if anything is missing.

    Args:
        home: The folder of the local Prefect server's state.
    """
    console = Console(highlight=False)
    missing = 0
    for finding in examine(home):
        missing += finding.level == "missing"
        text = " ".join(finding.text.split())  # an error of BigQuery has several lines
        line = Text(f"{finding.level:<7}  {finding.subject}: {text}", style=_STYLES.get(finding.level, ""))
        console.print(line, soft_wrap=True)
    print(f"\n{missing} missing: see above what to do." if missing else "\nNothing is missing.")
    return 1 if missing else 0


def examine(home: Path) -> Iterator[Finding]:
    """Check the settings, Prefect, the warehouse and its tables, in this order.

    Args:
        home: The folder of the local Prefect server's state.
    """
    try:
        settings = load_settings()
        catalogue = load_catalogue(settings)
        tables = [catalogue.as_read(name) for name in catalogue.tables]
    except FullcourtError as error:
        yield Finding("missing", "settings", str(error))
        return
    connection = settings.connection()
    yield Finding(
        "ok", "settings", f"the warehouse is {connection.display_name}; the catalogue has {len(tables)} tables"
    )
    yield from prefect_diagnosis.examine(home)
    yield from examine_warehouse(connection, tables)


def examine_warehouse(settings: WarehouseSettings, tables: Sequence[TableSpec]) -> Iterator[Finding]:
    """Check the access to the warehouse and, if there is any, each table."""
    with open_diagnosis(settings) as diagnosis:
        try:
            yield from diagnosis.access(tables)
        except FullcourtError as error:
            yield Finding("missing", "warehouse", str(error))
            return
        for table in tables:
            try:
                yield from _examine_table(diagnosis, table)
            except TransientError as error:  # the next table would not answer either
                yield Finding("missing", f"table {table.full_name}", str(error))
                return
            except FullcourtError as error:
                yield Finding("missing", f"table {table.full_name}", str(error))


def _examine_table(diagnosis: Diagnosis, table: TableSpec) -> Iterator[Finding]:
    subject, columns = f"table {table.full_name}", diagnosis.columns(table)
    existing = {table.full_name: columns} if columns is not None else {}
    if columns is None and table.role != "input":
        yield Finding("note", subject, "does not exist yet: a run creates it")
        yield from diagnosis.creation(table)
        return
    problems = [
        Finding("missing", subject, problem.removeprefix(f"{subject} ")) for problem in differences(table, existing)
    ]
    found = [*problems, *diagnosis.layout(table)]
    yield from found
    if not any(finding.level == "missing" for finding in found):
        yield Finding("ok", subject, f"is there, with its {len(columns or ())} columns")
