"""``-T tree``: a message as Wireshark's middle pane shows it."""

from __future__ import annotations

from collections.abc import Iterator

from fzctl.protocol.reasons import REASONS
from fzctl.records import Record
from fzctl.render.clock import format_time
from fzctl.render.escape import escape, escape_bytes
from fzctl.render.lines import paint, place_of
from fzctl.render.words import title_of

_STEP = "    "


def to_tree(record: Record, *, colour: bool = False) -> str:
    """The record as an indented tree, without the last line's end."""
    return "\n".join(_lines(record, colour))


def _lines(record: Record, colour: bool) -> Iterator[str]:
    message = record.message
    when = format_time(record.time)
    head = f"Frame {place_of(record).removeprefix('#')}: {title_of(message)}"
    yield paint(head, "bold", colour) + (f", {when}" if when is not None else "")
    if record.path:
        yield f"{_STEP}Carried by: {' > '.join(record.path)}"
    if record.outer is not None:
        outer = record.outer
        yield f"{_STEP}Outer: {outer.src} -> {outer.dst}, session {outer.session}, counter {outer.counter}"
    header = message.header
    if header.hop_limit is not None:
        yield f"{_STEP}Internet Protocol Version 6, :: -> ::, {len(message.packet)} bytes"
        yield f"{_STEP * 2}Traffic class: 0x{header.traffic_class:02x}"
        yield f"{_STEP * 2}Flow label: 0x{header.flow_label:05x}"
        yield f"{_STEP * 2}Hop limit: {header.hop_limit}"
        if message.offset > 40:
            yield f"{_STEP * 2}Extension headers: {message.offset - 40} bytes"
    if message.reserved is not None:
        yield f"{_STEP}Firezone P2P control, dialect {message.dialect}"
        yield f"{_STEP * 2}Kind: {title_of(message)} ({message.kind})"
        yield f"{_STEP * 2}Reserved: {message.reserved.hex()}"
        yield f"{_STEP * 2}Payload: {len(message.payload)} bytes"
    yield from _field_lines(record)
    if not message.accepted and message.payload:
        yield f"{_STEP * 2}Payload text: {escape_bytes(message.payload)}"
    mood = "good" if message.accepted else "ignored" if message.reason == "unknown_event" else "bad"
    yield _STEP * 2 + paint(f"[Verdict: {_verdict(record)}]", mood, colour)
    if record.copy_of is not None:
        yield f"{_STEP * 2}[Copy of frame {record.copy_of}]"


def _field_lines(record: Record) -> Iterator[str]:
    kind = record.message.declaration
    fields = record.message.fields
    for field in kind.fields if kind is not None else ():
        if field.name not in fields:
            continue
        texts = [escape(text) for text in field.type.texts(field.type.from_json(field.name, fields))]
        if len(texts) == 1:
            yield f"{_STEP * 2}{field.label}: {texts[0]}"
        else:
            yield f"{_STEP * 2}{field.label}: {len(texts)}"
            yield from (f"{_STEP * 3}{text}" for text in texts)


def _verdict(record: Record) -> str:
    message = record.message
    if message.accepted:
        return "accepted"
    effect = "ignored" if message.reason == "unknown_event" else "refused"
    return f"{effect}, {message.reason}: {escape(message.error or REASONS[message.reason])}"
