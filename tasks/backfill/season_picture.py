"""The picture of a season: a row a month, a cell a day, coloured and lettered by what the day is.

It is an SVG on a ground of its own: it reads the same in a light and in a dark theme. The colours are
after Okabe and Ito's palette, which the colour-blind can tell apart (https://jfly.uni-koeln.de/color/); the letters say
the same.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from itertools import groupby

from tasks.backfill.season import DayState, Season, SeasonDay

_STYLES: dict[DayState, tuple[str, str, str]] = {
    "complete": ("C", "#8fd6bd", "#06382a"),
    "complete_with_warning": ("W", "#f0e442", "#3d3900"),
    "forced": ("F", "#56b4e9", "#062d43"),
    "waived": ("V", "#cc79a7", "#33061f"),
    "dry_run": ("D", "#d9ecf7", "#062d43"),
    "blocked": ("B", "#d55e00", "#ffffff"),
    "failed": ("X", "#7d1a0c", "#ffffff"),
    "not_tried": ("N", "#e69f00", "#332300"),
    "left_out": ("?", "#ffffff", "#b34700"),
    "unrecorded": ("-", "#ffffff", "#767676"),
    "skipped_bootstrap": ("s", "#e3e3e3", "#5c5c5c"),
    "no_games": ("", "#f4f4f4", "#5c5c5c"),
}
_SAYS: dict[DayState, str] = {
    "complete": "complete",
    "complete_with_warning": "complete, with a warning",
    "forced": "forced",
    "waived": "waived",
    "dry_run": "would be published",
    "blocked": "blocked",
    "failed": "failed",
    "not_tried": "not tried",
    "left_out": "left out",
    "unrecorded": "no record",
    "skipped_bootstrap": "start of the season, nothing is built",
    "no_games": "no games",
}
_CELL, _GAP, _LEFT, _TOP, _MARGIN = 24, 3, 76, 22, 12
_LEGEND_ENTRY, _LEGEND_ROW = 215, 24


def letter(state: DayState) -> str:
    """Return the letter of a state; a dot for a day without games."""
    return _STYLES[state][0] or "."


def legend(states: Sequence[DayState] | frozenset[DayState]) -> list[tuple[DayState, str]]:
    """Return the states that occur, in the order in which they are explained, and what each means."""
    return [(state, says) for state, says in _SAYS.items() if state in states]


def by_month(season: Season) -> list[tuple[str, list[SeasonDay]]]:
    """Return the days of each month, under its name."""
    months = groupby(season.days, key=lambda day: day.game_date.replace(day=1))
    return [(f"{month:%b %Y}", list(days)) for month, days in months]


def draw(season: Season) -> str:
    """Return the picture as SVG."""
    months, entries = by_month(season), legend(frozenset(day.state for day in season.days))
    width = 2 * _MARGIN + _LEFT + 31 * (_CELL + _GAP)
    grid_height = _TOP + len(months) * (_CELL + _GAP)
    per_row = (width - 2 * _MARGIN) // _LEGEND_ENTRY
    height = 2 * _MARGIN + grid_height + 10 + _LEGEND_ROW * -(-len(entries) // per_row)
    parts = [f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff" stroke="#d0d0d0"/>']
    parts += [_text(_x(n) + _CELL / 2, _MARGIN + 12, str(n), size=10, ink="#5c5c5c") for n in range(1, 32)]
    for row, (name, days) in enumerate(months):
        top = _MARGIN + _TOP + row * (_CELL + _GAP)
        parts.append(_text(_MARGIN, top + 16, name, size=12, ink="#333333", anchor="start"))
        parts += [_cell(day, _x(day.game_date.day), top) for day in days]
    for place, (state, says) in enumerate(entries):
        left = _MARGIN + place % per_row * _LEGEND_ENTRY
        top = _MARGIN + grid_height + 10 + place // per_row * _LEGEND_ROW
        parts.append(_box(state, left, top, 18))
        parts.append(_text(left + 9, top + 13, _STYLES[state][0], size=11, ink=_STYLES[state][2], bold=True))
        parts.append(_text(left + 25, top + 13, says, size=12, ink="#333333", anchor="start"))
    title = escape(f"{season.table} {season.name}: {season.headline}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" role="img"><title>{title}</title>{"".join(parts)}</svg>'
    )


def data_uri(svg: str) -> str:
    """Return a picture as the address of an image that needs no request."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _x(day_of_month: int) -> int:
    return _MARGIN + _LEFT + (day_of_month - 1) * (_CELL + _GAP)


def _cell(day: SeasonDay, left: int, top: int) -> str:
    """Return a day: its letter and, where it is known and not whole, the coverage in percent, rounded down."""
    mark, _, ink = _STYLES[day.state]
    coverage = day.checkpoint.coverage if day.checkpoint else None
    share = f"{int(coverage * 100 + 1e-9)}" if coverage is not None and coverage < 1 else ""
    middle, title = left + _CELL / 2, f"<title>{day.game_date}: {_SAYS[day.state]}</title>"
    said = _text(middle, top + (12 if share else 16), mark, size=12, ink=ink, bold=True)
    said += _text(middle, top + 22, share, size=9, ink=ink)
    return f"<g>{title}{_box(day.state, left, top, _CELL)}{said}</g>"


def _box(state: DayState, left: int, top: int, size: int) -> str:
    edges = {"left_out": ' stroke="#d55e00" stroke-width="2"', "unrecorded": ' stroke="#b8b8b8"'}
    ground = f'fill="{_STYLES[state][1]}"{edges.get(state, "")}'
    return f'<rect x="{left}" y="{top}" width="{size}" height="{size}" rx="3" {ground}/>'


def _text(x: float, y: float, said: str, *, size: int, ink: str, anchor: str = "middle", bold: bool = False) -> str:
    if not said:
        return ""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y}" font-size="{size}" fill="{ink}" text-anchor="{anchor}"{weight}>{escape(said)}</text>'
    )
