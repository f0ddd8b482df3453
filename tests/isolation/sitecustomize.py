"""Python imports this at its start, in every process of a test run: nothing may be asked for outside this machine.

What is refused is written down, one line each, in the file that ``TESTS_REFUSED`` names: who asks may take the refusal
for a network that is down, and go on.
"""

import ipaddress
import os
import socket
import sys
from typing import Any

_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname"}
_TOLERATED = {"raw.githubusercontent.com"}
"""Refused like all others, and not written down: Prefect's server asks there when its UI is opened, and has a copy."""
_NAMES = {"", "localhost", "ip6-localhost", "<broadcast>", socket.gethostname()}


def _name_of(host: object) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")


def _is_here(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name in _NAMES
    return address.is_loopback or address.is_unspecified


def _refuse_others(event: str, args: tuple[Any, ...]) -> None:
    if event in _LOOKUPS:
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    name = _name_of(host)
    if _is_here(name):
        return
    if name not in _TOLERATED:
        with open(os.environ["TESTS_REFUSED"], "a", encoding="utf-8") as refused:  # noqa: PTH123 - at Python's start
            refused.write(f"{name}: asked for by {' '.join(sys.argv)[:200]}\n")
    raise OSError(f"{name} is not this machine: a test run asks nobody else")


if os.environ.get("TESTS_REFUSED"):
    sys.addaudithook(_refuse_others)
