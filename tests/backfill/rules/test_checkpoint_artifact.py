"""The artifact of a checkpoint: a person reads it, the program reads it back, and a changed one is not believed."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tasks.backfill.checkpoint import Checkpoint
from tasks.backfill.records import artifact_key, parse_artifact, render_artifact
from tasks.settings import Settings

pytestmark = pytest.mark.no_server

NOON = datetime(2023, 2, 24, 12, tzinfo=UTC)
CHECKPOINT = Checkpoint(
    table_name="player_composite_factors",
    game_date=date(2023, 2, 23),
    run_id="run-1",
    outcome="blocked",
    reason="coverage_below_threshold",
    message="1 of 187 (0.5 %)",
    source="upcoming",
    source_reason="asked for; upcoming covers 1 of 187 (0.5 %)",
    expected=187,
    covered=1,
    coverage=1 / 187,
    row_count=0,
    missing=("jaysontatum", "reggiejackson"),
    inputs={"player_game_summary": "0123456789abcdef"},
    code_version="v1",
    started_at=NOON,
    recorded_at=NOON,
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=30)
TABLES = NAMES.map(lambda name: f"t_{name}")
ANY = st.text(max_size=60)
FENCED = st.sampled_from(["```", "```json\n{}\n```", "a | b", "two\nlines", "# heading", "\u2028", "\\|"])
TIMES = st.datetimes(timezones=st.just(UTC))
COUNTS = st.one_of(st.none(), st.integers(0, 10_000))
CHECKPOINTS = st.builds(
    Checkpoint,
    table_name=TABLES,
    game_date=st.dates(),
    run_id=NAMES,
    attempt=st.integers(1, 99),
    outcome=st.sampled_from(["complete", "complete_with_warning", "forced", "blocked", "failed"]),
    reason=st.one_of(st.none(), ANY, FENCED),
    message=st.one_of(ANY, FENCED),
    source=st.one_of(st.none(), NAMES),
    source_reason=st.one_of(st.none(), ANY, FENCED),
    expected=COUNTS,
    covered=COUNTS,
    coverage=st.one_of(st.none(), st.floats(0, 1)),
    look_back_coverage=st.one_of(st.none(), st.floats(0, 1)),
    mean_completeness=st.one_of(st.none(), st.floats(0, 100)),
    expected_digest=st.one_of(st.none(), NAMES),
    row_count=COUNTS,
    rows_digest=st.one_of(st.none(), NAMES),
    decision_reason=st.one_of(st.none(), ANY, FENCED),
    decided_by=st.one_of(st.none(), ANY, FENCED),
    missing=st.lists(NAMES, max_size=12).map(tuple),
    inputs=st.dictionaries(st.one_of(ANY, FENCED), ANY, max_size=4),
    code_version=NAMES,
    started_at=TIMES,
    recorded_at=TIMES,
)


@limits(deadline=None, max_examples=300)
@given(CHECKPOINTS)
def test_what_is_written_is_read_back(checkpoint: Checkpoint) -> None:
    other = CHECKPOINT.model_copy(update={"game_date": checkpoint.game_date})
    for checkpoints in ((checkpoint,), (checkpoint, other)):
        assert parse_artifact(render_artifact(checkpoints)) == checkpoints


@limits(deadline=None, max_examples=300)
@given(CHECKPOINTS, st.data())
def test_an_artifact_that_was_cut_short_is_not_believed(checkpoint: Checkpoint, data: st.DataObject) -> None:
    text = render_artifact([checkpoint])
    end = data.draw(st.integers(0, len(text.rstrip()) - 1))
    assert parse_artifact(text[:end]) == ()


def test_a_person_can_read_what_was_decided() -> None:
    text = render_artifact([CHECKPOINT.model_copy(update={"table_name": "zones", "outcome": "complete"}), CHECKPOINT])
    assert text.startswith("# 2023-02-23 blocked\n")
    assert text.index("\n## zones 2023-02-23\n") < text.index("\n## player_composite_factors 2023-02-23\n")
    for line in (
        "| outcome | blocked |",
        "| source | upcoming |",
        "| covered | 1 of 187 expected, 0.5 % |",
        "| rows published | 0 |",
        "| recorded | 2023-02-24 12:00:00 UTC |",
        "Missing (2): jaysontatum, reggiejackson",
    ):
        assert f"\n{line}\n" in text


def test_of_a_day_that_was_not_built_no_count_is_shown() -> None:
    text = render_artifact([CHECKPOINT.model_copy(update={"expected": None, "covered": None, "coverage": None})])
    assert "\n| covered | not counted: nothing was built |\n" in text
    assert "None" not in text


def test_a_bar_or_a_line_break_does_not_break_the_table() -> None:
    text = render_artifact([CHECKPOINT.model_copy(update={"message": "a | b\nc"})])
    assert "\n| decided | a \\| b c |\n" in text


def replace(pattern: str, by: str) -> str:
    text, count = re.subn(pattern, by, render_artifact([CHECKPOINT]), count=1, flags=re.DOTALL)
    assert count == 1
    return text


TAMPERED = {
    "empty": "",
    "another text": "# player_composite_factors 2023-02-23\n\nDone.\n",
    "without the record": replace(r"```json\n.*```", ""),
    "a fence that is not closed": replace(r"\n```\n$", "\n"),
    "a record that is not JSON": replace(r"```json\n.*\n```", "```json\nnothing\n```"),
    "a record that is no list": replace(r"```json\n.*\n```", "```json\n{}\n```"),
    "an empty list": replace(r"```json\n.*\n```", "```json\n[]\n```"),
    "an empty record": replace(r"```json\n.*\n```", "```json\n[{}]\n```"),
    "a comma too few": replace(r'"run_id": "run-1",', '"run_id": "run-1"'),
    "an outcome that does not exist": replace(r'"outcome": "blocked"', '"outcome": "done"'),
    "a field that is missing": replace(r' "code_version": "v1",\n', ""),
    "a count that is no number": replace(r'"row_count": 0', '"row_count": "some"'),
    "a day that is none": replace(r'"game_date": "2023-02-23"', '"game_date": "2023-02-30"'),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_an_artifact_that_was_tampered_with_is_not_believed(name: str) -> None:
    assert parse_artifact(TAMPERED[name]) == ()


def test_a_key_tells_days_and_warehouses_apart(settings: Settings) -> None:
    other = settings.model_copy(update={"duckdb_path": settings.duckdb_path.with_name("other.duckdb")})
    places: list[tuple[Settings, date]] = [
        (settings, date(2023, 2, 23)),
        (settings, date(2023, 2, 24)),
        (other, date(2023, 2, 23)),
    ]
    keys = [artifact_key(*place) for place in places]
    assert len(set(keys)) == 3
    assert all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)  # all that Prefect takes


def test_a_key_stays_the_same(settings: Settings) -> None:
    arguments: tuple[Any, ...] = (settings, date(2023, 2, 23))
    assert artifact_key(*arguments) == artifact_key(*arguments)
    assert artifact_key(*arguments).startswith("backfill-2023-02-23-")
