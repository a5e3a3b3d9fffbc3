"""A message in words: the few texts that the line, the table and the tree share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fzctl.protocol.codec import Message
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import ip_to_bytes
from fzctl.records import Record
from fzctl.render.escape import escape


class Words(NamedTuple):
    """What one message says, ready for people; texts are escaped, absent ones are empty."""

    title: str
    domain: str
    resource: str
    content: str
    verdict: str
    mood: str


def describe(record: Record) -> Words:
    """The message in words; ``mood`` is ``good``, ``ignored`` or ``bad``."""
    message = record.message
    kind = message.declaration
    fields = message.fields
    rest = []
    for field in kind.fields if kind is not None else ():
        if field.name in fields and field.name not in ("domain", "resource"):
            rest.append(shorten(field.type.texts(field.type.from_json(field.name, fields))))
    if kind is None and message.payload:
        rest.append(f"{len(message.payload)} bytes")
    verdict, mood = _verdict(message)
    if record.copy_of is not None:
        verdict += f", copy of frame {record.copy_of}"
    return Words(
        title=title_of(message),
        domain=escape(str(fields.get("domain", ""))),
        resource=escape(str(fields.get("resource", ""))),
        content=escape(" ".join(rest)),
        verdict=verdict,
        mood=mood,
    )


def title_of(message: Message) -> str:
    """``AssignedIps``, ``kind 9``, or ``(no header)`` where the packet has none."""
    kind = message.declaration
    if kind is not None:
        return kind.title
    return "(no header)" if message.kind is None else f"kind {message.kind}"


def shorten(texts: Sequence[str]) -> str:
    """Runs of consecutive addresses as ``100.96.0.1..4``; everything else as it is."""
    shown: list[str] = []
    run: list[str] = []
    for text in texts:
        if run and not _follows(run[-1], text):
            shown.append(_show_run(run))
            run = []
        run.append(text)
    return ", ".join([*shown, _show_run(run)] if run else shown)


def _verdict(message: Message) -> tuple[str, str]:
    if message.accepted:
        return "ok", "good"
    if message.reason == "unknown_event":
        return "ignored: unknown kind", "ignored"
    return f"{message.reason}: {escape(message.error or '')}", "bad"


def _follows(before: str, after: str) -> bool:
    try:
        first, second = ip_to_bytes(before), ip_to_bytes(after)
    except Refusal:
        return False
    # Only the last byte or group is shown, so the rest must be equal.
    keep = 1 if len(first) == 4 else 2
    if len(first) != len(second) or first[:-keep] != second[:-keep]:
        return False
    return int.from_bytes(second[-keep:], "big") - int.from_bytes(first[-keep:], "big") == 1


def _show_run(run: list[str]) -> str:
    if len(run) < 3:
        return ", ".join(run)
    last = run[-1].rpartition("." if "." in run[-1] else ":")[2]
    return f"{run[0]}..{last}"
