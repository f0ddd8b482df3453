"""A day is judged when every earlier day that is at work is decided."""

from datetime import date, timedelta
from queue import SimpleQueue
from threading import Thread

import pytest

from tasks.backfill.turns import Turns
from tasks.errors import TransientError

pytestmark = pytest.mark.no_server

ONE = date(2023, 2, 23)
TWO, THREE = ONE + timedelta(days=1), ONE + timedelta(days=2)


def waiting(turns: Turns, day: date, table: str, said: SimpleQueue[object]) -> Thread:
    """Wait in a thread; it says the day when its turn has come, or the error."""

    def wait() -> None:
        try:
            turns.wait(day, table)
            said.put(day)
        except TransientError as error:
            said.put(error)

    thread = Thread(target=wait)
    thread.start()
    return thread


def test_a_table_waits_for_the_same_table_of_every_earlier_day_and_for_nothing_else() -> None:
    turns, said = Turns(), SimpleQueue[object]()
    for day in (ONE, TWO, THREE):
        turns.begin(day, ["zones", "factors"])
    turns.wait(ONE, "factors")
    third = waiting(turns, THREE, "factors", said)
    turns.decide(ONE, "factors")
    turns.decide(TWO, "zones")
    assert third.is_alive()
    turns.wait(TWO, "factors")
    turns.decide(TWO)
    third.join()
    assert said.get() == THREE


def test_nobody_waits_for_a_run_that_ends_and_nothing_is_published_then() -> None:
    turns, said = Turns(), SimpleQueue[object]()
    turns.begin(ONE, ["factors"])
    turns.begin(TWO, ["factors"])
    second = waiting(turns, TWO, "factors", said)
    turns.end()
    second.join()
    assert "nothing was published" in str(said.get())
