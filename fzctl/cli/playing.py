"""What ``respond``, ``client`` and ``demo`` share: happenings shown as messages, notes and counts."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError, Namespace
from collections import Counter
from typing import TYPE_CHECKING, Final, cast

from fzctl.cli.output import Output
from fzctl.cli.streams import say
from fzctl.live.player import CLOSED, FOREIGN, IGNORED, LOST, NOTE, RECEIVED, SENT, UNSENT, Happening
from fzctl.protocol.codec import decode
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_uuid
from fzctl.records import Outer, Record
from fzctl.render.escape import escape
from fzctl.render.words import count_of, title_of

if TYPE_CHECKING:
    from fzctl.carriers.base import Carrier
    from fzctl.carriers.peer import PeerCarrier

_NANOSECONDS: Final = 1_000_000_000
_NOTES: Final = {
    CLOSED: "ended by a Goodbye",
    IGNORED: "ignored",
    LOST: "lost",
    NOTE: "to be noted",
    UNSENT: "not sent",
}
_MOST_NOTES: Final = 20
_MOST_TITLES: Final = 8
_LEAST, _MOST = 0.001, 1e6


class Transcript:
    """Shows the messages of a player on stdout, and notes on stderr; counts both.

    With ``crowded`` lines say whom a message came from or went to.
    """

    def __init__(
        self, args: Namespace, output: Output | None, carrier: Carrier, *, crowded: bool = False
    ) -> None:
        self._args: Final = args
        self._output: Final = output
        self._carrier: Final = carrier
        self._names_way: Final = crowded and args.form not in ("json", "jsonl", "fields")
        self._crowded: Final = crowded
        self._path: Final = ("ipv6",) if args.interface is not None else ("wireguard",)
        self._epoch: Final = time.time_ns() - round(time.monotonic() * _NANOSECONDS)
        self._counts: Final[dict[str, Counter[str]]] = {RECEIVED: Counter(), SENT: Counter()}
        self._others: Final[Counter[str]] = Counter()
        self._frame = 0

    @property
    def received(self) -> int:
        """Control messages that came."""
        return self._counts[RECEIVED].total()

    def take(self, happening: Happening) -> None:
        """Show one happening."""
        name = happening.name
        if name in self._counts:
            self._show(happening)
            return
        self._others[name] += 1
        if name in _NOTES and not self._args.quiet:
            if self._others[name] > _MOST_NOTES and not self._args.verbose:
                if self._others[name] == _MOST_NOTES + 1:
                    say(f"fzctl: what else is {_NOTES[name]} is only counted (-v tells all of it)")
                return
            place = f"{self.name_of(happening.peer)}: " if self._crowded and happening.peer else ""
            what = "ignored: " if name == IGNORED else ""
            say(f"fzctl: {escape(place + what + happening.sentence)}")

    def time_ns(self, now: float) -> int:
        """A time of the player's clock as nanoseconds since the Unix epoch."""
        return self._epoch + round(now * _NANOSECONDS)

    def name_of(self, peer: str) -> str:
        """The other end for people."""
        return cast("PeerCarrier", self._carrier).name_of(peer) if peer else self._carrier.name

    def counts(self) -> str:
        """A sentence for stderr."""
        parts = [
            f"{count_of(found.total(), 'message')} {word}" + (f" ({_titles(found)})" if found else "")
            for word, found in self._counts.items()
        ]
        for name, words in (
            (LOST, "lost on purpose"), (UNSENT, "did not leave"), (IGNORED, "of those received ignored"),
        ):  # fmt: skip
            if self._others[name]:
                parts.append(f"{self._others[name]} {words}")
        if self._others[FOREIGN]:
            parts.append(f"{count_of(self._others[FOREIGN], 'packet')} that came no control messages")
        return ", ".join(parts)

    def _show(self, happening: Happening) -> None:
        message = decode(happening.packet)
        self._frame += 1
        self._counts[happening.name][title_of(message)] += 1
        if self._output is None:
            return
        came = happening.name == RECEIVED
        direction = "in" if came else "out"
        outer = None
        if happening.peer:
            theirs = self.name_of(happening.peer).removeprefix("peer ")
            ours = cast("PeerCarrier", self._carrier).local_name(happening.peer)
            outer = Outer(theirs, ours, None, None) if came else Outer(ours, theirs, None, None)
            if self._names_way:
                direction = f"{direction} {theirs}"
        self._output.show(
            Record(self._frame, self.time_ns(happening.time), message, self._path, outer, direction)
        )


def _titles(found: Counter[str]) -> str:
    """How many of each title; of the 256 kinds that may come the rarest are put together."""
    shown = found.most_common(_MOST_TITLES)
    parts = [f"{many} {title}" for title, many in sorted(shown)]
    others = found.total() - sum(many for _, many in shown)
    return ", ".join((*parts, f"{others} of other kinds") if others else parts)


def uuid_option(text: str) -> str:
    """A resource's UUID in its canonical form, as an option's type."""
    try:
        return parse_uuid(text)
    except Refusal as refusal:
        raise ArgumentTypeError(str(refusal)) from None


def above_zero(text: str) -> float:
    """A number of seconds, or of things in a second, as an option's type."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not _LEAST <= value <= _MOST:
        raise ArgumentTypeError(f"{text!a} is no number from {_LEAST:g} to {_MOST:g}")
    return value
