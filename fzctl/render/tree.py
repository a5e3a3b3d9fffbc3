"""``-T tree``: a message as Wireshark's middle pane shows it."""

from __future__ import annotations

from collections.abc import Iterator

from fzctl.protocol.codec import Message
from fzctl.protocol.packet import IPV6_HEADER
from fzctl.records import Record
from fzctl.render.clock import format_time
from fzctl.render.escape import escape, escape_bytes
from fzctl.render.lines import after, paint
from fzctl.render.words import count_of, error_of, origin_of, title_of, verdict_of

_STEP = "    "


def to_tree(record: Record, *, colour: bool = False) -> str:
    """The record as an indented tree, without the last line's end."""
    return "\n".join(_lines(record, colour))


def _lines(record: Record, colour: bool) -> Iterator[str]:
    message = record.message
    when = format_time(record.time)
    source = f" of {escape(record.file)}" if record.file is not None else ""
    yield paint(f"Frame {record.frame}{source}: {title_of(message)}", "bold", colour) + (
        f", {when}" if when else ""
    )
    if record.path:
        yield f"{_STEP}Carried by: {' > '.join(record.path)}"
    if record.outer is not None:
        src, dst, session, counter = record.outer
        yield f"{_STEP}Outer: {escape(src)} -> {escape(dst)}, session {session}, counter {counter}"
    if record.direction is not None:
        yield f"{_STEP}Direction: {escape(record.direction)}"
    yield from _packet_lines(message)
    if message.reserved is not None:
        yield f"{_STEP}Firezone P2P control, dialect {message.dialect}"
        yield f"{_STEP * 2}Kind: {message.kind} ({title_of(message) if message.declaration else 'unknown'})"
        yield f"{_STEP * 2}Reserved: {message.reserved.hex()}"
        yield f"{_STEP * 2}Payload: {count_of(len(message.payload), 'byte')}"
    yield from _field_lines(record)
    if not message.accepted and message.payload:
        yield f"{_STEP * 2}Payload text: {escape_bytes(message.payload)}"
    verdict, mood = verdict_of(message)
    if not message.accepted:
        verdict += f", {message.reason}: {escape(error_of(message))}"
    yield _STEP + paint(f"[Verdict: {verdict}]", mood, colour)
    if after(record):
        yield f"{_STEP}[Answer to frame {record.exchange and record.exchange.response_to}, {after(record)}]"
    if record.copy_of is not None:
        yield f"{_STEP}[Copy of {origin_of(record)}]"


def _packet_lines(message: Message) -> Iterator[str]:
    header = message.header
    if header.hop_limit is None:
        yield f"{_STEP}Packet: {count_of(len(message.packet), 'byte')}"
        return
    yield f"{_STEP}Internet Protocol Version 6, :: -> ::, {len(message.packet)} bytes"
    yield f"{_STEP * 2}Traffic class: 0x{header.traffic_class:02x}"
    yield f"{_STEP * 2}Flow label: 0x{header.flow_label:05x}"
    yield f"{_STEP * 2}Hop limit: {header.hop_limit}"
    if message.offset > IPV6_HEADER:
        yield f"{_STEP * 2}Extension headers: {message.offset - IPV6_HEADER} bytes"


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
