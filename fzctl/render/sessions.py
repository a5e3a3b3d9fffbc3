"""WireGuard sessions in words: what a capture holds, which keys fit, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fzctl.render.escape import escape
from fzctl.render.words import count_of
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.results import AUTHENTICATION_FAILED, CUT, NO_HANDSHAKE, NO_KEY
from fzctl.wireguard.sessions import Session

# In the order of how much they tell the user about what to do.
_UNREADABLE: Final = {
    NO_HANDSHAKE: "no handshake in the capture",
    NO_KEY: "no key for their session",
    AUTHENTICATION_FAILED: "authentication failed",
    CUT: "cut by the snap length",
}
_MOST_UNKNOWN: Final = 10


def unreadable_sentence(counts: Mapping[str, int]) -> str | None:
    """How many datagrams could not be decrypted and why; ``None`` where all could."""
    found = {words: counts[reason] for reason, words in _UNREADABLE.items() if counts[reason]}
    if not found:
        return None
    reasons = ", ".join(f"{words} ({count})" for words, count in found.items())
    return f"{count_of(sum(found.values()), 'WireGuard datagram')} could not be decrypted: {reasons}"


def sight_sentence(decryptor: Decryptor, goodbye_sized: list[int]) -> str | None:
    """What can be seen of WireGuard without keys; ``None`` where there is none."""
    sessions = decryptor.handshakes.count
    data = sum(decryptor.counts[reason] for reason in (NO_HANDSHAKE, NO_KEY))
    halves = len(decryptor.handshakes.unanswered())
    if not sessions and not data and not halves:
        return None
    parts = [count_of(sessions, "WireGuard session"), count_of(data, "data packet")]
    if goodbye_sized:
        parts.append(f"some as large as a Goodbye (80 bytes) in frame {', '.join(map(str, goodbye_sized))}")
    return f"{', '.join(parts)}, and no key: give a key log with -k (README tells where keys come from)"


def report(decryptor: Decryptor) -> str:
    """The sessions one by one, for ``doctor -r``; ends with a line end."""
    return "\n".join(_lines(decryptor)) + "\n"


def report_object(decryptor: Decryptor) -> dict[str, Any]:
    """The same as data, for ``-T json``."""
    return {
        "sessions": [_session_object(session) for session in decryptor.handshakes.listed],
        "unanswered_initiations": [session.frame for session in decryptor.handshakes.unanswered()],
        "unknown_receivers": {f"0x{index:08x}": count for index, count in decryptor.unknown.items()},
        "unreadable": {reason: decryptor.counts[reason] for reason in _UNREADABLE},
        "unused_keys": [entry.place for entry in decryptor.unused()],
    }


def _lines(decryptor: Decryptor) -> Iterator[str]:
    sessions = decryptor.handshakes.listed
    unanswered = decryptor.handshakes.unanswered()
    if not sessions and not unanswered and not decryptor.unknown:
        yield "no WireGuard in this capture"
    for session in sessions:
        yield from _session_lines(session)
    if unanswered:
        frames = ", ".join(str(session.frame) for session in unanswered[:_MOST_UNKNOWN])
        yield f"{count_of(len(unanswered), 'initiation')} without an answer, in frame {frames}"
    if decryptor.unknown:
        total = sum(decryptor.unknown.values())
        yield f"{count_of(total, 'data packet')} of sessions whose handshake is not in the capture:"
        for index, count in list(decryptor.unknown.items())[:_MOST_UNKNOWN]:
            yield f"    receiver 0x{index:08x}: {count}; TRANSPORT_KEY = {index:08x} <key> would open them"
        if len(decryptor.unknown) > _MOST_UNKNOWN:
            yield f"    and {len(decryptor.unknown) - _MOST_UNKNOWN} more receivers"
    for entry in decryptor.unused():
        yield f"{escape(entry.place)} fits nothing in this capture"


def _session_lines(session: Session) -> Iterator[str]:
    a, b = session.ends
    yield f"session {session.number}: {a} -> {b}"
    yield f"    handshake: {_handshake(session)}"
    if session.fits:
        yield f"    keys: {_places(session.fits)}"
    if session.missing:
        yield f"    missing: {escape(session.missing)}"
    for name, (there, back) in _numbers(session).items():
        if there or back:
            yield f"    {name}: {there} to the responder, {back} to the initiator"


def _handshake(session: Session) -> str:
    if session.response is None:
        return f"not in the capture; a transport key opens it from frame {session.frame} on"
    if session.initiation is None:
        return f"response in frame {session.response.frame}, no initiation in the capture"
    return f"initiation in frame {session.initiation.frame}, response in frame {session.response.frame}"


def _places(entries: tuple[Entry, ...]) -> str:
    """``lines 1, 2 and 4 of keys.txt``, and so for each key log."""
    lines: dict[str, list[int]] = {}
    for entry in entries:
        lines.setdefault(entry.log, []).append(entry.line)
    return "; ".join(
        f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, sorted(numbers)))} of {escape(log)}"
        for log, numbers in lines.items()
    )


def _numbers(session: Session) -> dict[str, list[int]]:
    return {
        "data packets": session.packets,
        "keepalives": session.keepalives,
        "copies": session.copies,
        "not decrypted": session.failed,
    }


def _session_object(session: Session) -> dict[str, Any]:
    return {
        "session": session.number,
        "ends": list(session.ends),
        "initiation": None if session.initiation is None else session.initiation.frame,
        "response": None if session.response is None else session.response.frame,
        "keys": [entry.place for entry in session.fits],
        "missing": session.missing,
        "packets": session.packets,
        "keepalives": session.keepalives,
        "copies": session.copies,
        "failed": session.failed,
    }
