"""Write markdown in which data cannot become markup.

Otherwise a name with a line break and a fence could forge a record, a bar could shift a table's cells, and a link or a
picture could act in the reader's browser.
"""

import re
from collections.abc import Collection, Iterable, Sequence

_FENCE = "```json"
_MARKUP = re.compile(
    r"[\\`*\[\]<|~]"  # code, emphasis, links, pictures, HTML, cells, strike-through
    r"|(?<!\w)_|_(?!\w)"  # emphasis; not the ones within a name
    r"|&(?=#?\w+;)"  # an entity
    r"|(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.|@",  # what would become a link by itself
    re.IGNORECASE,
)
_AT_START = re.compile(r"^(?=[-+#>=])|^\d+(?=[.)])")  # a heading, a quotation, a list, a rule: only there
_PUNCTUATION = re.compile(r"\\([!-/:-@\[-`{-~])")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text(value: object) -> str:
    """Return a value as one line of escaped markdown, which renders as the value; None is empty."""
    if value is None:
        return ""
    line = _UNSEEN.sub("\ufffd", " ".join(str(value).split()))
    return _AT_START.sub(r"\g<0>\\", _MARKUP.sub(r"\\\g<0>", line))


def plain(markdown: str) -> str:
    """Return the line that ``text`` escaped."""
    return _PUNCTUATION.sub(r"\1", markdown)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Collection[str] = ()) -> list[str]:
    """Return the lines of a table.

    Args:
        header: The names of the columns.
        rows: The cells of each row; they are escaped.
        numbers: The columns that are aligned to the right.
    """
    rule = ("--:" if name in numbers else "---" for name in header)
    cells = (" | ".join(text(cell) for cell in row) for row in rows)
    return [f"| {' | '.join(header)} |", f"|{'|'.join(rule)}|", *(f"| {line} |" for line in cells)]


def record(json_text: str) -> list[str]:
    """Return the lines of a record, for the end of a document; ``read_record`` reads it back."""
    return [_FENCE, json_text, "```"]


def read_record(markdown: str) -> str | None:
    """Return the record at the end of a document; None if there is not exactly one."""
    before, fence, found = markdown.partition(f"\n{_FENCE}\n")
    body, end, after = found.rpartition("\n```")
    if not fence or not end or after.strip() or f"\n{_FENCE}" in body or before.startswith(_FENCE):
        return None
    return body
