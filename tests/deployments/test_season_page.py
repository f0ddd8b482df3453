"""The page of a season, as a person sees it in Prefect's UI."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from deployments.local.access import auth_string
from deployments.local.prefect_server import free_port, request, start_server, ui_url
from deployments.local.services import Service
from tasks.backfill.season import Season, make_season
from tasks.backfill.season_page import render_season
from tasks.settings import Settings
from tests.backfill.rules.surveys import MAIN, checkpoint
from tests.deployments.browser import Browser
from tests.fixtures.prefect import NewHome

OPENING = date(2022, 10, 18)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> Iterator[Service]:
    server = start_server(new_home(tmp_path_factory.mktemp("season-page") / "prefect"), free_port())
    yield server
    server.stop()


def season() -> Season:
    """Return a whole season in which two days need somebody."""
    days = [OPENING + timedelta(days=n) for n in range(170)]
    done = {day: checkpoint(game_date=day, coverage=0.97, expected=187) for day in days[14:] if day != days[60]}
    done[days[90]] = checkpoint("blocked", game_date=days[90], message="<b>reference_incomplete</b>: " + "long " * 80)
    return make_season(
        MAIN,
        2022,
        games=dict.fromkeys(days, 7),
        season_start=OPENING,
        goes_on=False,
        bootstrap_days=14,
        last=done,
        published={day: each for day, each in done.items() if each.is_done},
    )


_LOOK = """
const picture = document.querySelector('img[src^="data:image/svg+xml"]');
const texts = [...document.querySelectorAll('p, h1, h2, td, pre')];
const wide = texts.filter(each => each.scrollWidth > each.clientWidth + 1);
const canvas = document.createElement('canvas');
canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
const context = canvas.getContext('2d');
context.drawImage(picture, 0, 0);
const colours = new Set();
const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
for (let i = 0; i < pixels.length; i += 4) colours.add(`${pixels[i]},${pixels[i + 1]},${pixels[i + 2]}`);
const box = picture.getBoundingClientRect();
return {right: box.right, width: box.width, window: innerWidth, cut: wide.map(each => each.innerText),
        colours: [...colours], bold: document.querySelectorAll('main b').length};
"""


def test_the_page_shows_the_picture_whole_and_what_needs_somebody(server: Service, browser: Browser) -> None:
    page = {"key": "season-page", "type": "markdown", "data": render_season(Settings(), season())}
    artifact = request(server, "POST", "/api/artifacts/", page)
    browser.open(ui_url(server))
    browser.wait_for_text("Login")
    browser.type_into("input", auth_string(server.folder))
    browser.wait_for_text("/dashboard")
    browser.open(f"{ui_url(server)}/artifacts/artifact/{artifact['id']}")
    shown = browser.wait_for_text("2 of 156 days need you.")
    for said in ("2022-12-17: left out", "2023-01-16: blocked", "reference_incomplete", "mean coverage"):
        assert said in shown
    found = browser.script(_LOOK)
    assert found["width"] > 600
    assert found["right"] <= found["window"]
    assert found["cut"] == []
    assert found["bold"] == 0  # what is in the data is no markup
    assert {"213,94,0", "143,214,189"} <= set(found["colours"])  # a blocked day, and a complete one
