"""The key of a player's name."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.ingest.names import player_lookup

ZERO_TO_NINE_AND_A_TO_Z = set("abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("Reggie Jackson", "reggiejackson"),
        ("Nikola Jokić", "nikolajokic"),
        ("Dāvis Bertāns", "davisbertans"),
        ("Jonas Valančiūnas", "jonasvalanciunas"),
        ("Dennis Schröder", "dennisschroder"),
        ("De'Aaron Fox", "deaaronfox"),
        ("De’Aaron Fox", "deaaronfox"),
        ("Shai Gilgeous-Alexander", "shaigilgeousalexander"),
        ("P.J. Washington", "pjwashington"),
        ("Nenê", "nene"),
        ("Ömer Aşık", "omerasik"),
        ("Rasmus Bach Øst", "rasmusbachost"),
        ("Đorđe Gagić", "dordegagic"),
        ("Łukasz Weiß", "lukaszweiss"),
        ("Ægir Þór Œuvré Ðal", "aegirthoroeuvredal"),
        ("  A.C.  Green ", "acgreen"),
        ("Никола", ""),
        ("", ""),
    ],
)
def test_lookup_keeps_the_plain_letters_and_digits_of_a_name(name: str, lookup: str) -> None:
    assert player_lookup(name) == lookup


def test_lookup_is_the_same_for_composed_and_decomposed_letters() -> None:
    assert player_lookup("Jokic\u0301") == player_lookup("Joki\u0107")


@pytest.mark.parametrize("suffix", ["Jr.", "Sr.", "II", "III", "IV"])
def test_lookup_keeps_father_and_son_apart(suffix: str) -> None:
    assert player_lookup(f"Gary Trent {suffix}") != player_lookup("Gary Trent")
    assert player_lookup("Gary Trent Jr.") == "garytrentjr"


@given(st.text())
@example("İ ŉ ﬁ ℌ ② Ǿ ß")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other tests may be using the machine
def test_lookup_has_only_letters_and_digits_and_is_its_own_lookup(name: str) -> None:
    lookup = player_lookup(name)
    assert set(lookup) <= ZERO_TO_NINE_AND_A_TO_Z
    assert player_lookup(lookup) == lookup
