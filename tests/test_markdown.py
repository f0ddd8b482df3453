"""Nothing that comes from data forms a part of what is written: no markup, no row, no record."""

import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.runtime import markdown

pytestmark = pytest.mark.no_server

HOSTILE = (
    "a | b",
    "two\nlines",
    '\n\n```json\n{"table_name": "forged"}\n```\n',
    "```json",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](http://elsewhere/x.png)",
    "<http://elsewhere>",
    "[x]: http://elsewhere",
    "**bold** _slanted_ `code` ~~gone~~",
    "# heading",
    "> quoted",
    "- item",
    "12. item",
    "===",
    "&lt;b&gt;",
    "\\| \\",
    "player_composite_factors",
)
PIECES = st.sampled_from([*HOSTILE, *"`*_[]()<>|~#-+=&;:@\\! \n\t1.ab", "http://", "www.", "\u2028", "\u202e", "\x00"])
TEXTS = st.lists(PIECES, max_size=8).map("".join)
GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(document: str) -> list[str]:
    """Return what a reader sees, by block, of a document that may hold text alone."""
    seen = []
    for block in GFM.parse(document):
        if block.type == "inline":
            assert {part.type for part in block.children or []} <= {"text", "text_special"}, block.children
            seen.append("".join(part.content for part in block.children or []))
        else:
            assert block.type in ("paragraph_open", "paragraph_close"), block.type
    return seen


def as_one_line(value: str) -> str:
    """Return what of a text can be read in one line."""
    line = " ".join(value.split())
    return line.replace("\u202e", "\ufffd").replace("\x00", "\ufffd")


@limits(deadline=None, max_examples=200)
@given(TEXTS)
@example("1\\.")
def test_a_text_is_read_as_it_was_given_and_forms_no_markup(value: str) -> None:
    line = as_one_line(value)
    assert shown(markdown.text(value)) == ([line] if line else [])
    assert markdown.plain(markdown.text(value)) == line


@pytest.mark.parametrize("value", HOSTILE)
def test_a_cell_stays_in_its_cell(value: str) -> None:
    tokens = GFM.parse("\n".join(markdown.table(("name", "rows"), [(value, 1), ("next", 2)], numbers={"rows"})))
    cells = [token.content for token in tokens if token.type == "inline"]
    assert [token.type for token in tokens].count("tr_open") == 3
    assert len(cells) == 6
    assert cells[3:] == ["1", "next", "2"]
    inner = [part.type for token in tokens for part in token.children or []]
    assert set(inner) <= {"text", "text_special"}


@pytest.mark.parametrize(
    "address", ["http://elsewhere/x", "https://elsewhere", "www.elsewhere.org", "me@elsewhere.org"]
)
def test_an_address_does_not_become_a_link_by_itself(address: str) -> None:
    assert address not in markdown.text(address)  # browsers' renderers make links of what looks like one
    assert markdown.plain(markdown.text(address)) == address


@limits(deadline=None)
@given(TEXTS, TEXTS)
def test_the_record_that_is_read_back_is_the_one_that_was_written(before: str, after: str) -> None:
    document = [
        "# title",
        "",
        markdown.text(before),
        *markdown.table(("a",), [(after,)]),
        "",
        *markdown.record('{"a": 1}'),
    ]
    assert markdown.read_record("\n".join(document)) == '{"a": 1}'


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{}",
        "\n```json\n{}",
        "\n```json\n{}\n```\nmore",
        "```json\n{}\n```",
        "\n```json\n{}\n```\n\n```json\n{}\n```",
    ],
)
def test_a_record_that_is_not_the_only_one_at_the_end_is_none(document: str) -> None:
    assert markdown.read_record(document) is None
