"""What every carrier is: inner IP packets into a tunnel and out of it."""

from __future__ import annotations

from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

IN: Final = "in"
OUT: Final = "out"


class Received(NamedTuple):
    """One inner IP packet, without WireGuard's padding.

    ``time`` is nanoseconds since the Unix epoch when it came; ``source`` says for people who sent
    it: a peer's outer endpoint or an interface's name. ``direction`` is ``in`` or ``out`` where the
    carrier knows (interfaces see both), else ``in``. ``peer`` is the public key of who sent it where
    the carrier may have several others at its other end, and answers them by that name.
    """

    packet: bytes
    time: int
    source: str
    direction: str | None = IN
    peer: str = ""


class Carrier(Protocol):
    """A way into a tunnel; a context manager that closes.

    ``name`` is for people: ``wg0``, ``peer 192.0.2.2:51820``.
    """

    @property
    def name(self) -> str: ...

    def send(self, packet: bytes) -> None:
        """Send an inner IP packet. Raises CarrierError where it did not leave."""
        ...

    def receive(self, timeout: float) -> Received | None:
        """The next inner packet; waits for it at most ``timeout`` seconds, with 0 not at all.

        Raises CarrierError where the carrier is gone.
        """
        ...

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ClosesOnExit:
    """The half of a carrier that makes it a context manager."""

    def close(self) -> None:
        """What the carrier holds is let go of by the carrier's own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
