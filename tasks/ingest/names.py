"""Names of players that were damaged on their way: repaired where there is no doubt, refused where there is.

A name is a key: ``player_lookup`` keeps its letters and digits, so that one damaged letter makes another player of it.
"""

import html
import re
import unicodedata
from functools import lru_cache

_MARKS = frozenset(" .,'’‘`´\"“”-‐‑–—()*/")
"""What names have besides letters and digits: nicknames in quotation marks, footnotes' stars."""

_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ħ": "h", "ŧ": "t"}
)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]+\d*);")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BYTE_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_BYTES = re.compile(r"b(['\"])(.*)\1")
_SPACE = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")
_NO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ACCENTED = "\u00c0-\u017f\u0218-\u021b\u1e00-\u1eff\u2018\u2019"
_LATIN = re.compile(f"[ -~{_ACCENTED}]*")


@lru_cache(maxsize=16384)
def player_lookup(name: str) -> str:
    """Return the key of a player's name: its lower-case letters and digits, without diacritics.

    A suffix (Jr., Sr., II, III, IV) stays in the key, so that father and son stay apart. Letters of other alphabets
    have no plain form and are dropped; the key of a name that has no other is empty.
    """
    plain = unicodedata.normalize("NFKD", name).lower().translate(_PLAIN_LETTERS)
    return "".join(c for c in plain if c.isascii() and c.isalnum())


@lru_cache(maxsize=16384)
def repair_name(text: str) -> str:
    r"""Return a name as it was before it was damaged; one that is whole, as it is.

    Entities (``&#263;``), escapes (``\u0107``, ``\xc4\x87``) and UTF-8 that was read as Windows-1252 (``JokiÄ‡``)
    each have one meaning only. Characters without width are left out, spaces of other widths become plain.

    Raises:
        ValueError: The name has characters that no name has, or that leave no letter in its key.
    """
    name = quoted[2] if (quoted := _BYTES.fullmatch(text)) else text
    while (plain := _ENTITY.sub(lambda found: html.unescape(found[0]), name)) != name:
        name = plain
    name = _BYTE_ESCAPES.sub(_unescape, _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), name))
    name = _redecode(name.replace("\\'", "'"))
    name = unicodedata.normalize("NFC", _SPACE.sub(" ", _NO_WIDTH.sub("", name)))
    for character in name:
        if not _is_of_a_name(character):
            raise ValueError(
                f"is damaged: {name!r} has {character!r}, which no name has; export it again as UTF-8, or correct it"
            )
    if player_lookup(name) and (lost := [letter for letter in name if _is_lost(letter)]):
        raise ValueError(f"has {lost[0]!r}, of which no letter is left in the player's key; write it in Latin letters")
    return name


def _unescape(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return found[0]


def _redecode(name: str) -> str:
    """Undo that UTF-8 was read as Windows-1252, if the result has Latin letters only."""
    if name.isascii():
        return name
    try:
        plain = b"".join(_as_byte(character) for character in name).decode()
    except UnicodeError:
        return name
    return plain if _LATIN.fullmatch(plain) else name


def _as_byte(character: str) -> bytes:
    """Return the byte of Windows-1252; the five that it leaves undefined are read as control characters."""
    return character.encode("latin-1") if "\x80" <= character <= "\x9f" else character.encode("cp1252")


def _is_of_a_name(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] in "LM" or kind == "Nd" or character in _MARKS


def _is_lost(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] == "L" and kind != "Lm" and not player_lookup(character)
