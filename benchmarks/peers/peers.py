"""The peers: what each ``peer.toml`` says of a tool, and of the ways to run it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tasks.errors import RequestError, TerminalError

PEERS = Path(__file__).parent


class PeerError(TerminalError):
    """A peer could not be installed or run; the message is the reason that the table gives."""


@dataclass(frozen=True)
class Peer:
    """One way to run one tool, as its ``peer.toml`` says."""

    name: str
    folder: Path
    package: str
    order: int
    """Its place among the tools."""
    gate: str = ""
    """What its gate is; empty if it has none."""
    unit: str = ""
    """What it runs at once."""
    setup: Sequence[Sequence[str]] = ()
    """Commands before anything is measured."""
    services: Sequence[Sequence[str]] = ()
    """Commands that run beside the measured one; their processor time counts."""
    prefect: bool = False
    """Whether a Prefect server runs beside it."""
    run: Sequence[str] = ()
    again: Sequence[str] = ()
    """The command that does what is left to do."""
    env: Mapping[str, str] = field(default_factory=dict)
    sql: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> Path:
        """What is installed for it."""
        return self.folder / "requirements.txt"

    @property
    def is_ours(self) -> bool:
        """Whether it is Fullcourt, which runs from this checkout: nothing is installed for it."""
        return not self.requirements.exists()

    @property
    def version(self) -> str:
        """The version that is pinned."""
        if self.is_ours:
            return version(self.package)
        text = self.requirements.read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(self.package)}==(\S+)", text, re.MULTILINE)
        return found[1] if found else "?"


def read_peers(folder: Path, names: Sequence[str] | None = None) -> list[Peer]:
    """Return the peers of a folder, in the order that they give.

    Args:
        folder: Where a folder of each tool is.
        names: Only the peers of these names or folders, and Fullcourt; None for all.

    Raises:
        RequestError: There is no such peer.
    """
    every: list[Peer] = []
    for file in sorted(folder.glob("*/peer.toml")):
        described = tomllib.loads(file.read_text(encoding="utf-8"))
        variants = described.pop("variants", [{}])
        every += [Peer(folder=file.parent, **{**described, **variant}) for variant in variants]
    every.sort(key=lambda peer: peer.order)
    known = {name for peer in every for name in (peer.folder.name, peer.name)}
    if unknown := sorted({*(names or ())} - known):
        raise RequestError(f"--peers {', '.join(unknown)}: there are {'; '.join(peer.name for peer in every)}")
    wanted = known if names is None else {*names, "fullcourt"}
    return [peer for peer in every if wanted & {peer.folder.name, peer.name}]
