"""Make text that comes from data or from a user safe and short enough for a terminal and a log.

A control character can move a terminal's cursor or end a line, and a value of 5,000 characters hides the message.
"""

import re

MAX_VALUE_CHARACTERS = 200
_MAX_WORD_CHARACTERS = 400
_MAX_CHARACTERS = 2000
_BREAK = re.compile(r"\s*[\r\n]\s*")
_LONG_WORD = re.compile(rf"\S{{{_MAX_WORD_CHARACTERS + 1},}}")


def printable(text: str) -> str:
    """Return a message as one line of bounded length, without invisible characters.

    Unprintable characters are escaped as Python does; a long word, such as a path, and a long message keep their
    beginning and end.
    """
    line = "".join(map(_seen, _BREAK.sub(" ", text.strip())))
    return _cut(_LONG_WORD.sub(lambda word: _cut(word[0], _MAX_WORD_CHARACTERS), line), _MAX_CHARACTERS)


def shown(value: object) -> str:
    """Return the repr of a value for a message; a long one keeps its beginning and end."""
    return _cut(repr(value), MAX_VALUE_CHARACTERS)


def _seen(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}...({len(text):,} characters)...{text[-most // 4 :]}"
