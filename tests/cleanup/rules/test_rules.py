"""What may be deleted, and whether it went well: arithmetic on digests."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.calendar import league_day
from tasks.cleanup.rules import CleanupRequest, Confirmed, DayRows, Deletion, TablePreview, confirm, verify
from tasks.errors import RequestError
from tasks.parameters import check
from tasks.warehouse.backup_name import BackupName

pytestmark = pytest.mark.no_server

DAY = date(2023, 2, 20)
FACTS = {"approval_timeout_seconds": 60, "cleanup_type": "by_hand", "as_of": date(2023, 3, 1), "ttl_days": None}


def rows(day: int, count: int = 2, digest: str = "a") -> DayRows:
    return DayRows(game_date=DAY + timedelta(days=day), row_count=count, digest=digest)


def request(**changes: object) -> CleanupRequest:
    return check(CleanupRequest, **{"dry_run": None, "approval": False, **FACTS, **changes})


@pytest.mark.parametrize(
    ("dry_run", "approval", "previews_only"),
    [(None, False, True), (None, True, False), (True, False, True), (False, False, False), (False, True, False)],
)
def test_a_run_previews_only_unless_it_says_otherwise_or_asks(
    dry_run: bool | None, approval: bool, previews_only: bool
) -> None:
    assert request(dry_run=dry_run, approval=approval).previews_only is previews_only


def test_a_text_that_means_false_is_no_approval() -> None:
    assert request(approval="false").previews_only
    assert request(dry_run="true").previews_only
    with pytest.raises(RequestError, match="approval='perhaps'"):
        request(approval="perhaps")


@pytest.mark.parametrize("name", ["ttl_days", "approval_timeout_seconds"])
def test_a_truth_value_is_no_number_of_days_or_seconds(name: str) -> None:
    with pytest.raises(RequestError, match=f"{name}=True: must be a whole number"):
        request(**{name: True})


def test_a_dry_run_with_an_approval_is_a_contradiction() -> None:
    with pytest.raises(RequestError, match="dry_run=True, approval=True: a dry run has nothing to approve"):
        request(dry_run=True, approval=True)


@pytest.mark.parametrize(("asked", "cutoff"), [(None, date(2023, 2, 22)), (14, date(2023, 2, 15))])
def test_the_cutoff_is_so_many_days_before_today(asked: int | None, cutoff: date) -> None:
    assert request(ttl_days=asked).cutoff(7) == cutoff


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)))  # noqa: DTZ001 - made UTC below
def test_a_league_day_has_begun_in_new_york_and_not_ended(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert aware - timedelta(hours=29) < datetime.combine(league_day(aware), datetime.min.time(), UTC) <= aware


@given(
    st.sampled_from(["upcoming_player_game_context", "a", "t__before_1"]),
    st.dates(min_value=date(1000, 1, 1)),
    st.uuids(),
    st.integers(1, 99),
)
def test_a_backups_name_says_all_that_it_was_made_of(table: str, cutoff: date, run: UUID, attempt: int) -> None:
    name = BackupName(table=table, cutoff=cutoff, run_id=str(run), attempt=attempt)
    assert BackupName.parse(str(name)) == name


@pytest.mark.parametrize("name", ["", "t", "t__before_20231301__" + "0" * 36 + "__1", "t__before_20230101__x__1"])
def test_what_is_no_name_of_a_backup_is_none(name: str) -> None:
    assert BackupName.parse(name) is None


def test_days_that_are_the_same_everywhere_may_go() -> None:
    days = (rows(0), rows(1))
    assert confirm(days, days, days, streamed_rows=0) == Confirmed(days=days)


@pytest.mark.parametrize(
    "now",
    [(rows(0), rows(1, 3, "b")), (rows(0), rows(1, 2, "b")), (rows(0),), (rows(0), rows(1), rows(2))],
    ids=["a row more", "other content", "gone", "a new day"],
)
def test_a_day_that_has_changed_since_the_preview_is_left(now: tuple[DayRows, ...]) -> None:
    found = confirm((rows(0), rows(1)), now, now, streamed_rows=0)
    assert rows(0) in found.days
    assert all(day in (rows(0), rows(1)) for day in found.days)
    assert found.notes[0].startswith("changed since the preview, left for the next run: 2023-02-2")
    assert found.error is None


@pytest.mark.parametrize("backup", [(rows(0),), (rows(0), rows(1, 2, "b")), (rows(0), rows(1, 1))])
def test_a_backup_that_does_not_hold_a_day_stops_everything(backup: tuple[DayRows, ...]) -> None:
    days = (rows(0), rows(1))
    found = confirm(days, days, backup, streamed_rows=0)
    assert found.days == ()
    assert "the backup does not hold the rows of 2023-02-21 as the table does" in str(found.error)


def test_rows_in_a_streaming_buffer_leave_their_day_alone_and_stop_nothing() -> None:
    days = (rows(0), rows(1))
    found = confirm(days, days, (rows(0),), streamed_rows=3)
    assert (found.days, found.error) == ((rows(0),), None)
    assert "about 3 rows that were just streamed" in found.notes[0]
    assert found.notes[0].endswith("left for the next run: 2023-02-21")


CONFIRMED = Confirmed(days=(rows(0), rows(1)))
KEPT = {"x": 1, "y": 2}


def verified(deleted: int = 4, *, left: tuple[DayRows, ...] = (), kept: dict[str, int] = KEPT) -> tuple[str, ...]:
    return verify(Deletion(deleted=deleted, kept=KEPT), CONFIRMED, stale_now=left, kept_now=kept)


def test_all_is_well_if_the_stale_are_gone_and_the_others_there() -> None:
    assert verified() == ()
    assert verified(kept={**KEPT, "new": 5}) == ()
    assert verified(left=(rows(5, 9, "new"),)) == ()


@pytest.mark.parametrize("kept", [{"x": 1}, {"x": 1, "y": 1}, {"x": 1, "z": 2}, {}])
def test_a_row_that_was_to_stay_and_is_not_there_is_found(kept: dict[str, int]) -> None:
    assert "that were to stay are not there as they were" in verified(kept=kept)[0]


def test_a_stale_row_that_is_still_there_is_found() -> None:
    assert verified(2, left=(rows(1),)) == ("2 stale rows are still there: 2023-02-21",)


@pytest.mark.parametrize("deleted", [0, 3, 5])
def test_a_count_of_the_engine_that_is_not_what_is_gone_is_found(deleted: int) -> None:
    assert verified(deleted) == (f"the engine deleted {deleted} rows, and 4 rows of the backup are gone",)


def test_a_day_that_changed_before_it_could_be_deleted_is_no_failure() -> None:
    assert verified(2, left=(rows(1, 3, "b"),)) == ()


def test_a_preview_sums_its_days() -> None:
    preview = TablePreview(
        table="t",
        full_name="d.t",
        ttl_days=7,
        cutoff=date(2023, 2, 22),
        started_at=datetime(2023, 3, 1, tzinfo=UTC),
        stale=(rows(0, 3), rows(1, 4)),
    )
    assert (preview.row_count, preview.oldest, preview.newest) == (7, DAY, DAY + timedelta(days=1))
    nothing = preview.model_copy(update={"stale": ()})
    assert (nothing.row_count, nothing.oldest, nothing.newest) == (0, None, None)
