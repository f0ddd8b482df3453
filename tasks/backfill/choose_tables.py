"""Choose the tables that a run builds."""

from collections.abc import Sequence

from tasks.errors import RequestError
from tasks.printable import shown
from tasks.tables.catalogue import Catalogue

DEFAULT_TABLE = "player_composite_factors"


def choose_tables(catalogue: Catalogue, tables: Sequence[str] | None) -> tuple[str, ...]:
    """Return the tables that a run is asked for, in the order in which they need each other.

    Args:
        catalogue: All tables.
        tables: Derived tables; None for the main one and all that it depends on.

    Raises:
        RequestError: They are not a list of derived tables.
    """
    if tables is None:
        return catalogue.with_dependencies([DEFAULT_TABLE])
    if not isinstance(tables, list | tuple) or not all(isinstance(name, str) for name in tables):
        raise RequestError(f"tables={shown(tables)}: give a list of names, of {', '.join(catalogue.derived)}")
    if not tables:
        raise RequestError(f"tables=[]: name at least one of {', '.join(catalogue.derived)}")
    return catalogue.in_order(set(tables))
