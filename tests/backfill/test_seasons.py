"""The pages of a run's seasons, and the same in the terminal."""

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import pytest

from deployments.commands.main import main
from flows.backfill import backfill
from tasks.backfill.report import Report
from tasks.backfill.season import Season
from tasks.backfill.season_page import season_key
from tasks.calendar import league_day
from tasks.settings import Settings
from tests.backdoor import run_sql
from tests.backfill.observe import MAIN, TABLES, artifacts, days, ledger, open_season
from tests.league import League

RunBackfill = Callable[..., Report]


def page(settings: Settings, table: str = MAIN) -> dict[str, str]:
    """Return the last page of the season of 2022."""
    key = season_key(settings, Season(table=table, year=2022, days=()))
    (found,) = artifacts(key={"any_": [key]})
    return found


def cells(data: str) -> dict[str, str]:
    """Return what the picture of a page says of each day."""
    svg = b64decode(data.partition("data:image/svg+xml;base64,")[2].partition(")")[0])
    picture = ET.fromstring(svg)  # noqa: S314 - our own
    titles = [group.findtext("{*}title") or "" for group in picture.findall("{*}g")]
    return dict(title.split(": ", 1) for title in titles)


@pytest.fixture
def season(league: League, settings: Settings) -> list[date]:
    """Four days with games: of the third, nothing is loaded."""
    found = days(4)
    open_season(league, found[0], found[1], found[3])
    league.game(found[2], "BOS", "NYK", loaded=False)
    league.write(settings)
    return found


def test_a_run_shows_its_seasons_with_the_day_that_nobody_asked_for_and_what_mends_each_day(
    settings: Settings, season: list[date], run: RunBackfill
) -> None:
    done, left_out, blocked, last = season
    assert not backfill(dates=[done, blocked, last], return_state=True).is_completed()
    found = page(settings)
    shown = cells(found["data"])
    assert {day: shown[day] for day in map(str, season)} == {
        str(done): "complete",
        str(left_out): "left out",
        str(blocked): "blocked",
        str(last): "complete, with a warning",
    }
    lines = found["data"].splitlines()
    assert lines[0] == "# 2 of 4 days need you."
    assert f"## {left_out}: left out" in lines
    assert f"## {blocked}: blocked" in lines
    assert any(line.startswith("reference\\_incomplete") or "reference_incomplete: 0 of 1" in line for line in lines)
    for day in (left_out, blocked):
        assert f"prefect deployment run backfill/player-composite-factors -p start_date={day}" in lines
    assert found["flow_run_id"] is not None
    assert found["task_run_id"] is None  # it stands on the run's own tab of artifacts

    run(left_out)
    lines = page(settings)["data"].splitlines()
    assert lines[0] == "# 1 of 4 days needs you."
    assert f"## {left_out}: left out" not in lines


def test_every_table_of_a_run_has_its_page_and_a_dry_run_says_what_it_would_do(
    settings: Settings, season: list[date], run: RunBackfill
) -> None:
    run(season[0], dry_run=True)
    for table in TABLES:
        assert cells(page(settings, table)["data"])[str(season[0])] == "would be published"
    assert ledger(settings) == []
    run(season[0])
    assert cells(page(settings)["data"])[str(season[0])] == "complete"


def test_pages_that_cannot_be_written_fail_no_run(
    settings: Settings, season: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the schedule is gone")

    monkeypatch.setattr("tasks.backfill.season_page.read_seasons", broken)
    state = backfill(start_date=season[0], return_state=True)
    assert state.is_completed()
    assert [row["outcome"] for row in ledger(settings, table_name=MAIN)] == ["complete"]


@pytest.mark.usefixtures("settings")
def test_the_terminal_shows_the_same_from_the_ledger_alone(
    season: list[date], run: RunBackfill, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"]) == 0
    assert "No day has been recorded yet" in capsys.readouterr().out
    done, left_out, blocked, last = season
    assert not backfill(dates=[done, blocked, last], return_state=True).is_completed()
    capsys.readouterr()
    assert main(["status"]) == 1
    shown = capsys.readouterr().out
    assert f"{MAIN} 2022-23: 2 of 4 days need you." in shown
    (november,) = [line for line in shown.splitlines() if line.startswith("Nov 2022")]
    assert november.split()[2:] == [*("." * (done.day - 1)), "C", "?", "B", "W"]
    assert f"{left_out} left out\n  left out: 2 games in the schedule, and no record\n" in shown
    assert f"{blocked} blocked\n  reference_incomplete: 0 of 1 final games are whole in the box scores" in shown
    assert main(["status", "--season", "2022", "--table", TABLES[0]]) == 1
    assert f"{TABLES[0]} 2022-23: 2 of 4 days need you." in capsys.readouterr().out
    assert main(["status", "--season", "2021"]) == 1
    assert "--season 2021: neither the schedule nor the ledger has a day of it" in capsys.readouterr().err
    assert main(["status", "--all"]) == 1
    assert f"{MAIN} 2022-23: 2 of 4 days need you." in capsys.readouterr().out

    assert main(["day", str(blocked)]) == 1
    shown = capsys.readouterr().out
    assert f"{blocked}: 1 game in the schedule" in shown
    assert f"{MAIN}: blocked" in shown
    assert shown.count("UTC  blocked, reference_incomplete, run ") == len(TABLES)
    assert main(["day", str(done)]) == 0
    assert f"{MAIN}: complete" in capsys.readouterr().out


def test_the_season_that_goes_on_is_shown_also_when_today_is_recorded(
    settings: Settings, season: list[date], run: RunBackfill, capsys: pytest.CaptureFixture[str]
) -> None:
    run((season[0], season[-1]))
    run_sql(
        settings,
        "INSERT INTO nba_orchestration.backfill_ledger (table_name, game_date, run_id, attempt, outcome, message, "
        "missing, source_missing, inputs, code_version, started_at, recorded_at) VALUES "
        f"('{MAIN}', '{league_day(datetime.now(UTC))}', 'run', 1, 'no_games', 'x', '[]', '[]', '{{}}', 'v', "
        "CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
    )
    capsys.readouterr()
    assert main(["status", "--season", "2022"]) == 1
    assert f"{MAIN} 2022-23: 1 of 4 days needs you." in capsys.readouterr().out
    assert main(["status"]) == 1
    assert "neither the schedule nor the ledger has a day of it that is over" in capsys.readouterr().err


def test_what_data_says_does_not_act_on_the_terminal(
    league: League, settings: Settings, run: RunBackfill, capsys: pytest.CaptureFixture[str]
) -> None:
    (day,) = days(1)
    open_season(league)
    league.game(day, "BOS", "NYK", loaded=False)
    league.write(settings)
    run_sql(settings, f"UPDATE nba_reference.nba_schedule SET game_id = '00\x1b[2J' WHERE game_date = '{day}'")
    run(day, waive_reason="x\x1b]0;title\x07")
    capsys.readouterr()
    for command in (["status"], ["day", str(day)]):
        assert main(command) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "\x07" not in shown
    assert "x\\x1b]0;title\\x07" in shown


@pytest.mark.usefixtures("settings", "season")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "--season", "1900"], "--season 1900: must be a year from 1946 to"),
        (["status", "--table", "nothing"], "nothing"),
        (["status", "--season", "2022", "--all"], "--season, --all: give one of them"),
        (["day", "2023-02-30"], "2023-02-30: must be a day, as in 2023-02-23"),
        (["day", "0001-01-01"], "0001-01-01: must not be before the league's first day, 1946-11-01"),
        (["day", "2099-01-01"], "2099-01-01: must be before today in New York"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_to_do(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) in (1, 2)
    assert said in capsys.readouterr().err
