"""Publish each season of a run's tables as a page of Prefect's: its picture, and what needs somebody."""

from collections.abc import Sequence
from datetime import timedelta

from prefect import get_run_logger

from tasks.backfill.records import artifact_key
from tasks.backfill.request import BackfillRequest
from tasks.backfill.result import DayResult
from tasks.backfill.season import Season, SeasonDay
from tasks.backfill.season_picture import data_uri, draw
from tasks.backfill.season_survey import read_seasons
from tasks.runtime import markdown
from tasks.runtime.artifacts import address, read_markdown, write_markdown
from tasks.runtime.boundary import understand
from tasks.runtime.run import Run
from tasks.runtime.steps import retrying, step
from tasks.settings import Settings
from tasks.text import count_of, first_of

_MOST_SHOWN = 40
_MOST_NAMES = 20


def publish_seasons(run: Run, request: BackfillRequest, results: Sequence[DayResult]) -> None:
    """Write a page for each season and table of a run, as artifacts of the flow run itself; never fails the run."""
    try:
        seasons = retrying(survey_seasons)(run, request, results)
    except Exception as raised:  # noqa: BLE001 - a page that is not written is no failure of the days
        get_run_logger().warning("the seasons' pages were not written, which changes no row: %s", understand(raised))
        return
    for season in seasons:
        _write(run, season, render_season(run.settings, season))


def write_changed_seasons(run: Run, seasons: Sequence[Season]) -> None:
    """Write the page of each season that is not as it was last written."""
    there = read_markdown([season_key(run.settings, season) for season in seasons]) or {}
    for season in seasons:
        text = render_season(run.settings, season)
        if there.get(season_key(run.settings, season)) != text:
            _write(run, season, text)


def _write(run: Run, season: Season, text: str) -> None:
    said = f"{season.table} {season.name}: {season.headline}"
    write_markdown(season_key(run.settings, season), text, description=said)
    get_run_logger().info("%s", said)


@step("survey-seasons", run_name="survey-seasons")
def survey_seasons(run: Run, request: BackfillRequest, results: Sequence[DayResult]) -> list[Season]:
    """Read the seasons of a run's tables and days: from the ledger, and what the run itself has found.

    Raises:
        TransientError: Another attempt can succeed; the task is retried.
        WarehouseError: The warehouse refused.
    """
    tried = {(each.table_name, each.game_date): each for result in results for each in result.tried}
    with run.warehouse("seasons") as warehouse:
        return read_seasons(
            warehouse,
            run.catalogue,
            request.tables,
            first=request.first_date,
            last=request.last_date,
            as_of=max(request.as_of, request.last_date + timedelta(days=1)),
            bootstrap_days=run.settings.bootstrap_days,
            tried=tried,
            not_tried={result.game_date for result in results if result.outcome == "not_tried"},
        )


def season_key(settings: Settings, season: Season) -> str:
    """Return the key of a season's page: the table, the season, and a digest that tells this warehouse from others."""
    return f"season-{season.name}-{season.table.replace('_', '-')}-{settings.warehouse_digest}"


def render_season(settings: Settings, season: Season) -> str:
    """Return the page of a season: what needs somebody first, then the picture, then each such day, then the rest."""
    shown, left = season.needing[:_MOST_SHOWN], season.needing[_MOST_SHOWN:]
    lines = [f"# {season.headline}", "", f"{markdown.text(season.table)}, season {season.name}", ""]
    lines += [f"![The days of the season, by month]({data_uri(draw(season))})", ""]
    for day in shown:
        lines += [*_block(settings, season, day), ""]
    if left:
        first, last = left[0].game_date, left[-1].game_date
        lines += [f"{count_of(len(left), 'more day')}, from {first} to {last}: `fullcourt status` lists them.", ""]
    lines += [*markdown.table(("", ""), season.facts), ""]
    return "\n".join([*lines, *_decided(season)])


def _block(settings: Settings, season: Season, day: SeasonDay) -> list[str]:
    lines = [f"## {day.game_date}: {day.state.replace('_', ' ')}", "", markdown.text(day.cause), ""]
    if day.checkpoint and day.checkpoint.missing:
        names = first_of(day.checkpoint.missing, _MOST_NAMES)
        lines += [f"Missing ({len(day.checkpoint.missing)}): {markdown.text(names)}", ""]
    if day.published is not None and day.published is not day.checkpoint:
        when = f"{day.published.recorded_at:%Y-%m-%d %H:%M} UTC"
        lines += [f"The {day.published.row_count} rows that were published at {when} stay.", ""]
    lines += ["```sh", season.command(day), "```"]
    if day.checkpoint is not None:
        url = address(artifact_key(settings, day.game_date))
        lines += [
            "",
            f"[Its checkpoint]({url})" if url else f"Its checkpoint: `{artifact_key(settings, day.game_date)}`",
        ]
    return lines


def _decided(season: Season) -> list[str]:
    """Say which days a person has decided on, and why."""
    decided = [day for day in season.days if day.state in ("forced", "waived") and day.checkpoint is not None]
    if not decided:
        return []
    rows = [
        (day.game_date, day.state, day.checkpoint.decided_by, day.checkpoint.decision_reason)
        for day in decided
        if day.checkpoint is not None
    ]
    return ["## Decided by a person", "", *markdown.table(("day", "", "by", "reason"), rows), ""]
