"""A message in words: the few texts that the line, the table and the tree share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from fzctl.protocol.codec import Message
from fzctl.protocol.kinds import DOMAIN, RESOURCE
from fzctl.protocol.ranges import runs_of, show_run
from fzctl.protocol.reasons import REASONS
from fzctl.records import Record
from fzctl.render.escape import escape

_IGNORED: Final = ("unknown_event", "not_control")


class Words(NamedTuple):
    """What one message says, ready for people; texts are escaped, absent ones are empty.

    ``verdict`` is one word, ``remark`` the reason for it, ``mood`` is ``good``, ``ignored`` or ``bad``.
    """

    title: str
    domain: str
    resource: str
    content: str
    verdict: str
    mood: str
    remark: str


def describe(record: Record) -> Words:
    """The message in words."""
    message = record.message
    kind = message.declaration
    fields = message.fields
    rest = [
        shorten(field.type.texts(field.type.from_json(field.name, fields)))
        for field in (kind.fields if kind is not None else ())
        if field.name in fields and field not in (DOMAIN, RESOURCE)
    ]
    if kind is None and message.payload:
        rest.append(count_of(len(message.payload), "byte"))
    if kind is None and not message.control:
        rest.append(count_of(len(message.packet), "byte"))
    verdict, mood = verdict_of(message)
    remarks = [] if message.accepted else [f"{message.reason}: {escape(error_of(message))}"]
    if record.copy_of is not None:
        remarks.append(f"copy of {origin_of(record)}")
    return Words(
        title=title_of(message),
        domain=escape(str(fields.get(DOMAIN.name, ""))),
        resource=escape(str(fields.get(RESOURCE.name, ""))),
        content=escape(" ".join(rest)),
        verdict=verdict,
        mood=mood,
        remark=", ".join(remarks),
    )


def origin_of(record: Record) -> str:
    """The frame of which a record is the copy, and its file where that is another one."""
    return f"frame {record.copy_of}" + ("" if record.copy_in is None else f" of {escape(record.copy_in)}")


def title_of(message: Message) -> str:
    """``AssignedIps``, ``kind 9``, or in brackets what is no message."""
    kind = message.declaration
    if kind is not None:
        return kind.title
    if message.kind is not None:
        return f"kind {message.kind}"
    if message.reason == "not_control":
        return "(no control)"
    return "(no header)" if message.control else "(bad packet)"


def verdict_of(message: Message) -> tuple[str, str]:
    """What becomes of the message in a receiver's hands, and the mood of that."""
    if message.accepted:
        return "ok", "good"
    # Receivers pass over these in silence; everything else is an error to them.
    return ("ignored", "ignored") if message.reason in _IGNORED else ("refused", "bad")


def error_of(message: Message) -> str:
    """Why the message is not accepted."""
    return message.error or REASONS[message.reason]


def count_of(number: int, what: str) -> str:
    """``no bytes``, ``1 byte``, ``2 bytes``."""
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def shorten(texts: Sequence[str]) -> str:
    """Runs of consecutive addresses as ``100.96.0.1..4``; everything else as it is."""
    return ", ".join(map(show_run, runs_of(texts)))
