"""Names that were damaged on their way."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.ingest.cells import Problem, read_row
from tasks.ingest.game_log_row import GameLogRow
from tasks.ingest.names import repair_name
from tests.ingest.files import log_row

pytestmark = pytest.mark.no_server

WHOLE = [
    "Nikola Jokić",
    "Dāvis Bertāns",
    "Dennis Schröder",
    "Nenê",
    "Ömer Aşık",
    "Đorđe Gagić",
    "De’Aaron Fox",
    "P.J. Washington",
    "LeBron James*",
    'Horace "Bones" McKinney',
    "Shai Gilgeous-Alexander",
]


def problems(name: str) -> list[Problem]:
    found = read_row(GameLogRow, log_row(PLAYER_NAME=name))
    assert isinstance(found, list), found
    return found


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_name_stays_as_it_is(name: str) -> None:
    assert repair_name(name) == name


@pytest.mark.parametrize(
    ("damaged", "name"),
    [
        ("Nikola JokiÄ‡", "Nikola Jokić"),
        ("Luka DonÄ\x8diÄ‡", "Luka Dončić"),
        ("Dennis SchrÃ¶der", "Dennis Schröder"),
        ("Deâ€™Aaron Fox", "De’Aaron Fox"),
        (r"Nikola Joki\u0107", "Nikola Jokić"),
        (r"Nikola Joki\xc4\x87", "Nikola Jokić"),
        (r"b'Nikola Joki\xc4\x87'", "Nikola Jokić"),
        (r"De\'Aaron Fox", "De'Aaron Fox"),
        ("Nikola Joki&#263;", "Nikola Jokić"),
        ("Nikola Joki&amp;#x107;", "Nikola Jokić"),
        ("De&apos;Aaron Fox", "De'Aaron Fox"),
        ("Luc Mbah a\xa0Moute", "Luc Mbah a Moute"),
        ("\ufeffDen\u200b Uno", "Den Uno"),
    ],
)
def test_a_name_is_repaired_where_there_is_no_doubt(damaged: str, name: str) -> None:
    assert repair_name(damaged) == name


@pytest.mark.parametrize(
    "name",
    [
        "Joki?",
        "Joki\ufffd",
        r"Joki\xe9",
        "DonÄiÄ‡",
        "Jokić JokiÄ‡",
        "A &amp; B",
        "<b>Jokic</b>",
        "Joki%C4%87",
        "A\nB",
        "A\x00B",
    ],
)
def test_a_name_that_cannot_be_repaired_is_rejected_with_what_is_wrong(name: str) -> None:
    (problem,) = problems(name)
    assert problem.column == "PLAYER_NAME"
    assert "which no name has; export it again as UTF-8, or correct it" in problem.reason


def test_a_name_with_a_letter_that_its_key_would_lose_is_rejected() -> None:
    (problem,) = problems("Nikol\u0430 Jokic")  # a Cyrillic a
    assert "of which no letter is left in the player's key; write it in Latin letters" in problem.reason


@given(
    st.text(st.sampled_from("abcćčšžéèñöøÖŠŽÉ '’.-"), min_size=1).filter(
        lambda text: not text.isascii() and not text.startswith("b'")  # as Python writes bytes, which are read, too
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_utf_8_that_was_read_as_windows_1252_is_always_repaired(name: str) -> None:
    damaged = "".join(
        chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252")
        for byte in name.encode()
    )
    assert repair_name(damaged) == name
