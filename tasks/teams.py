"""The codes by which sources name a team, and the one that the league uses in a season."""

from functools import lru_cache
from typing import NamedTuple

_OPEN = 9999


class _Alias(NamedTuple):
    """Codes that mean a team, in the seasons (their first years) in which the league has this code for it."""

    code: str
    first: int
    last: int
    others: frozenset[str]


_ALIASES = tuple(
    _Alias(code, first, last, frozenset(others.split()))
    for code, first, last, others in (
        ("BKN", 2012, _OPEN, "BRK"),
        ("CHA", 2004, 2013, "CHO"),
        ("CHA", 2014, _OPEN, "CHO"),
        ("CHH", 1988, 2001, "CHA CHO"),
        ("GSW", 1971, _OPEN, "GS GOS"),
        ("NJN", 1977, 2011, "NJ BKN BRK"),
        ("NOH", 2002, 2004, "NO NOP"),
        ("NOH", 2007, 2012, "NO NOP"),
        ("NOK", 2005, 2006, "NO NOP NOH"),
        ("NOP", 2013, _OPEN, "NO"),
        ("NYK", 1946, _OPEN, "NY"),
        ("PHI", 1963, _OPEN, "PHL"),
        ("PHX", 1968, _OPEN, "PHO"),
        ("SAS", 1976, _OPEN, "SA SAN"),
        ("SEA", 1967, 2007, "OKC"),
        ("UTA", 1979, _OPEN, "UTAH UTH"),
        ("VAN", 1995, 2000, "MEM"),
        ("WAS", 1997, _OPEN, "WSH"),
    )
)
"""What Basketball-Reference, ESPN and older files of the league call a team, or what it is called since it moved."""


@lru_cache(maxsize=4096)
def league_code(code: str, season: int) -> str:
    """Return the league's code of a team in a season (its first year); a code that is no alias then, as it is."""
    return next(
        (alias.code for alias in _ALIASES if code in alias.others and alias.first <= season <= alias.last), code
    )


def codes_sql() -> str:
    """Return GoogleSQL that selects every alias: code, first_season, last_season, team_abbr; grain: code, season."""
    rows = (
        f"SELECT '{other}' AS code, {alias.first} AS first_season, {alias.last} AS last_season, "
        f"'{alias.code}' AS team_abbr"
        for alias in _ALIASES
        for other in sorted(alias.others)
    )
    return "\nUNION ALL\n".join(rows)
