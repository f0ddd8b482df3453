"""A run sees its inputs at one moment: what happens to them meanwhile is in neither its rows nor its fingerprints."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.backfill.report import Report
from tasks.errors import UnforeseenError
from tasks.runtime import run as module
from tasks.settings import Settings
from tasks.tables.catalogue import load_catalogue
from tasks.warehouse.base import Origin, Warehouse, arrow_schema
from tasks.warehouse.dry_run import open_for_run
from tasks.warehouse.open import open_warehouse
from tests.backfill.observe import DAY, MAIN, built, content, days, lookups, open_season, outcomes, published
from tests.league import League, fetch

RunBackfill = Callable[..., Report]
INPUTS = ("nba_schedule", "player_game_summary", "upcoming_player_game_context")


def empty(settings: Settings) -> None:
    """Remove every row of every input."""
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        for table in map(catalogue.table, INPUTS):
            warehouse.change(table, f"DELETE FROM {table.full_name} WHERE {table.partition} > DATE '1946-01-01'", {})


def fill(settings: Settings, league: League) -> None:
    """Put the league's rows back, just as they were."""
    catalogue = load_catalogue(settings)
    with open_warehouse(settings.connection()) as warehouse:
        for name, rows in zip(INPUTS, (league.games, league.box, league.upcoming), strict=True):
            table = catalogue.table(name)
            warehouse.replace(table, pa.Table.from_pylist(rows, arrow_schema(table)), match=[table.partition])


@contextmanager
def gone(settings: Settings, league: League, step: str) -> Iterator[list[str]]:
    """Let the inputs be gone from a step on, and back before the next one; yields the steps that were seen.

    Args:
        settings: Those of the test.
        league: What is in the inputs.
        step: The step before which they vanish: its name, or its name and its table.
    """
    seen, is_gone = list[str](), False

    def opened(given: Settings, origin: Origin, **how: object) -> Warehouse:
        nonlocal is_gone
        name = f"{origin.step} {origin.table}" if origin.table else origin.step
        if name == step and step not in seen:
            empty(settings)
            is_gone = True
        elif is_gone:
            fill(settings, league)
            is_gone = False
        seen.append(name)
        return open_for_run(given, origin, **how)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_for_run", opened)
        yield seen


STEPS = (
    "plan",
    "check",
    "build player_shot_zone_analysis",
    "build team_defense_zone_analysis",
    "build player_composite_factors",
    "record",
)


@pytest.fixture
def played(league: League, settings: Settings) -> list[str]:
    """A season with two days, the second one with pre-game rows; returns the second one's players."""
    one, two = days(2)
    open_season(league, one, two)
    league.expect_upcoming(two, lookups(league, two))
    league.write(settings)
    return lookups(league, two)


@pytest.mark.parametrize("step", STEPS)
def test_inputs_that_are_gone_before_a_step_and_come_back_after_it_change_nothing(
    league: League, settings: Settings, played: list[str], run: RunBackfill, step: str
) -> None:
    one, two = days(2)
    with gone(settings, league, step) as seen:
        report = run((one, two), max_concurrency=1)
    assert step in seen
    assert set(outcomes(report).values()) <= {"complete", "complete_with_warning"}
    assert [row.source for row in report.rows] == ["synthetic", "upcoming"]
    assert published(settings) == {one: played, two: played}
    before = content(settings)
    assert built(run((one, two))) == set()  # the fingerprints are those of what was read
    run((one, two), resume=False)
    assert content(settings) == before


@pytest.mark.always_on_bigquery
def test_inputs_that_change_in_the_middle_of_a_run_are_seen_by_the_next_one(
    league: League, settings: Settings, played: list[str], run: RunBackfill
) -> None:
    one, two = days(2)
    with gone(settings, league, "build player_composite_factors"):
        for row in league.box:
            if row["game_date"] == one and row["player_lookup"] == "bos1":
                row["minutes_played"] = 30.0
        for row in league.upcoming:
            row["player_age"] = 40
        report = run((one, two), max_concurrency=1)
    before = content(settings)
    assert published(settings) == {one: played, two: played}
    assert built(report) == {one, two}
    assert built(run((one, two))) == {one, two}
    assert content(settings) != before


def test_a_day_is_not_published_from_rows_of_a_dependency_that_were_away_and_came_back(
    league: League, settings: Settings, played: list[str], run: RunBackfill
) -> None:
    one, _ = days(2)
    zones = load_catalogue(settings).table("player_shot_zone_analysis")
    held: list[dict[str, Any]] = []

    def opened(given: Settings, origin: Origin, **how: object) -> Warehouse:
        if origin.step == "build" and origin.table == MAIN:
            held.extend(fetch(settings, f"SELECT * FROM {zones.full_name} WHERE analysis_date = @day", day=one))
            with open_warehouse(settings.connection()) as warehouse:
                text = f"DELETE FROM {zones.full_name} WHERE analysis_date = @game_date AND player_lookup = 'bos1'"
                warehouse.change(zones, text, {"game_date": one})
        elif origin.step == "record":
            with open_warehouse(settings.connection()) as warehouse:
                warehouse.replace(zones, pa.Table.from_pylist(held, arrow_schema(zones)), match=[zones.partition])
        return open_for_run(given, origin, **how)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_for_run", opened)
        (row,) = run(one).rows
    assert (row.outcome, row.published) == ("blocked", 0)
    assert f"{MAIN}: " in row.reason
    assert "dependency_stale: player_shot_zone_analysis of the day changed while it was read" in row.reason
    assert outcomes(run(one)) == {one: "complete"}
    assert published(settings) == {one: played}


@pytest.mark.duckdb_only
def test_the_copies_of_the_inputs_are_gone_after_the_run_also_if_it_fails(
    league: League, settings: Settings, run: RunBackfill, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    open_season(league, DAY)
    league.write(settings)
    before = set(tmp_path.iterdir())
    seen = list[set[Path]]()

    def opened(given: Settings, origin: Origin, **how: object) -> Warehouse:
        seen.append(set(tmp_path.iterdir()) - before)
        if origin.step == "plan":
            raise ValueError("a fault of the plan")
        return open_for_run(given, origin, **how)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_for_run", opened)
        with pytest.raises(UnforeseenError, match="a fault of the plan"):
            run(DAY)
    assert any(seen)
    assert set(tmp_path.iterdir()) == before
