"""What cannot be started or registered."""

from tasks.errors import TerminalError
from tasks.printable import printable


class ServiceError(TerminalError):
    """A service cannot be started, or is not what it should be; the message may end with lines of its log."""

    def __str__(self) -> str:
        return "\n".join(map(printable, "\n".join(map(str, self.args)).splitlines()))
