"""Days that can never be whole: waived by a person, until the data comes."""

from collections.abc import Callable

from tasks.backfill.report import Report
from tasks.settings import Settings
from tests.backfill.observe import DAY, MAIN, TABLES, built, checkpoint, days, failures, ledger, open_season, outcomes
from tests.league import League

RunBackfill = Callable[..., Report]
WHY = "the log has no play-in games"


def test_a_waived_day_fails_no_run_is_shown_in_every_report_and_ends_when_the_data_comes(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    whole, lost = days(2)
    open_season(league, whole)
    game_id = league.game(lost, "BOS", "NYK", loaded=False)
    league.write(settings)
    assert outcomes(run((whole, lost))) == {lost: "blocked", whole: "complete"}
    assert len(failures(settings)) == len(TABLES)

    waived = run(lost, waive_reason=WHY)
    assert (outcomes(waived), waived.is_done) == ({lost: "waived"}, True)
    for row in ledger(settings, outcome="waived"):
        assert (row["game_date"], row["decision_reason"], row["row_count"]) == (lost, WHY, 0)
        assert "Prefect does not name" in row["decided_by"]
    assert len(ledger(settings, outcome="waived")) == len(TABLES)
    assert len(failures(settings)) == len(TABLES)  # no new ones

    later = run((whole, lost))
    assert (outcomes(later), built(later), later.is_done) == ({lost: "waived", whole: "complete"}, set(), True)
    (reason,) = (row.reason for row in later.rows if row.day == lost)
    assert WHY in reason
    assert "reference_incomplete" in reason

    for team, other in (("BOS", "NYK"), ("NYK", "BOS")):
        for number in range(1, 11):
            league.player(f"{team.lower()}{number}", lost, game_id, team, other)
    league.write(settings)
    assert outcomes(run((whole, lost))) == {lost: "complete", whole: "complete"}


def test_a_forced_day_says_who_forced_it_and_why_or_that_no_reason_was_given(
    league: League, settings: Settings, run: RunBackfill
) -> None:
    open_season(league, DAY)
    league.game(DAY, "DAL", "UTA", loaded=False)
    league.write(settings)
    assert outcomes(run(DAY, force=True)) == {DAY: "forced"}
    run(DAY, force=True, force_reason="lost in the fire", resume=False)
    said = [(row["decision_reason"], row["message"]) for row in ledger(settings, table_name=MAIN)]
    assert [reason for reason, _ in said] == ["no reason given", "lost in the fire"]
    assert "forced over reference_incomplete by somebody whom Prefect does not name" in said[0][1]
    found = checkpoint(settings, DAY)
    assert found is not None
    assert found.decision_reason == "lost in the fire"
