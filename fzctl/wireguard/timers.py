"""WireGuard's times and limits, and a set of deadlines (whitepaper section 6.1)."""

from __future__ import annotations

from typing import Final

REKEY_AFTER_MESSAGES: Final = 2**60
REJECT_AFTER_MESSAGES: Final = 2**64 - 2**13 - 1
REKEY_AFTER_TIME: Final = 120.0
REJECT_AFTER_TIME: Final = 180.0
REKEY_ATTEMPT_TIME: Final = 90.0
REKEY_TIMEOUT: Final = 5.0
KEEPALIVE_TIMEOUT: Final = 10.0
COOKIE_TIME: Final = 120.0
"""How long a cookie is good, and the secret that cookies are made of."""

# wireguard-go: RekeyTimeoutJitterMaxMs, HandshakeInitationRate, QueueStagedSize.
REKEY_JITTER: Final = 0.334
BETWEEN_INITIATIONS: Final = 0.02
QUEUE_SIZE: Final = 128

FORGET_TIME: Final = 3 * REJECT_AFTER_TIME
"""After so long without a new session all keys are forgotten (section 6.3)."""
SILENCE_TIME: Final = KEEPALIVE_TIMEOUT + REKEY_TIMEOUT
"""Data were sent and nothing came back for so long: a new handshake (section 6.5)."""
LAST_MINUTE: Final = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT
"""An initiator that only receives begins anew at this age of the session (section 6.2)."""


class Timers:
    """Named deadlines, in seconds of the caller's clock."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due: Final[dict[str, float]] = {}

    def set(self, name: str, when: float) -> None:
        self._due[name] = when

    def has(self, name: str) -> bool:
        return name in self._due

    def set_once(self, name: str, when: float) -> bool:
        """Set a deadline unless it is set; says whether it was not."""
        if name in self._due:
            return False
        self._due[name] = when
        return True

    def clear(self, *names: str) -> None:
        for name in names:
            self._due.pop(name, None)

    def next(self) -> float | None:
        return min(self._due.values(), default=None)

    def pop(self, now: float) -> str | None:
        """Take the earliest deadline that has come."""
        name = min(self._due, key=self._due.__getitem__, default=None)
        if name is None or self._due[name] > now:
            return None
        del self._due[name]
        return name
