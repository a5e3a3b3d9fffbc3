"""One JSON object a message: ``-T json`` and ``-T jsonl``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from fzctl.protocol.codec import Message
from fzctl.records import Record
from fzctl.render.clock import format_time

SCHEMA: Final = 1

_BOOLEANS: Final = ("false", "true")
_NOTHING_RARE: Final = (None, None, None, None, None)
_NANOSECONDS: Final = 10**9


def to_jsonl(record: Record) -> str:
    """The record as one line of JSON, without the line's end."""
    frame, time, message, path, outer, direction, copy_of, file, _, exchange, copy_in = record
    when = format_time(time)
    head = f'{{"schema":{SCHEMA},"frame":{frame},"time":' + ("null" if when is None else f'"{when}"')
    passed = None if exchange is None else exchange.response_time
    rare = (outer, direction, copy_of, file, passed)
    if message.values is None and rare == _NOTHING_RARE:
        # The usual message: its fields are JSON already, and little else differs from line to line.
        packet, start = message.packet, message.offset
        before, after = _around(message.kind, message.name, message.dialect, path)
        payload = packet[start + 8 :]
        return (
            f'{head}{before}{packet[start + 1 : start + 8].hex()}","payload_length":{len(payload)},'
            f'"accepted":true,"reason":"ok","error":null,"fields":{payload.decode("ascii")}{after}'
        )
    reserved = "null" if message.reserved is None else f'"{message.reserved.hex()}"'
    text = (
        f'{head},"control":{_BOOLEANS[message.control]},'
        f'"kind":{"null" if message.kind is None else message.kind},'
        f'"name":"{message.name}","dialect":"{message.dialect}",'
        f'"reserved":{reserved},'
        f'"payload_length":{len(message.payload)},"accepted":{_BOOLEANS[message.accepted]},'
        f'"reason":"{message.reason}","error":{_dumps(message.error)},"fields":{_fields(message)},'
        f'"path":{_path(path)},"outer":{_dumps(outer and outer._asdict())},"direction":{_dumps(direction)}'
    )
    if copy_of is not None:
        text += f',"copy_of":{copy_of}'
    if copy_in is not None:
        text += f',"copy_in":{_dumps(copy_in)}'
    if passed is not None:
        seconds, rest = divmod(abs(passed), _NANOSECONDS)
        text += f',"response_time":{"-" if passed < 0 else ""}{seconds}.{rest:09d}'
    if file is not None:
        text += f',"file":{_dumps(file)}'
    return text + "}"


def to_object(record: Record) -> dict[str, Any]:
    """The record as a JSON object."""
    import json

    found: dict[str, Any] = json.loads(to_jsonl(record))
    return found


def to_json(record: Record) -> str:
    """The record as indented JSON, for ``-T json``."""
    import json

    return json.dumps(to_object(record), indent=2)


@lru_cache(maxsize=256)
def _around(kind: int, name: str, dialect: str, path: tuple[str, ...]) -> tuple[str, str]:
    """What stands before the reserved bytes and behind the fields of the usual message."""
    before = f',"control":true,"kind":{kind},"name":"{name}","dialect":"{dialect}","reserved":"'
    return before, f',"path":{_path(path)},"outer":null,"direction":null}}'


def _fields(message: Message) -> str:
    return message.payload.decode("ascii") if message.is_compact else _dumps(message.fields)


@lru_cache(maxsize=64)
def _path(path: tuple[str, ...]) -> str:
    # Our own words, plain letters all of them; importing json would cost more than this.
    return '["' + '","'.join(path) + '"]' if path else "[]"


def _dumps(value: object) -> str:
    # Small inputs often need nothing else of json, whose import takes longer than reading them.
    if value is None or value == {}:
        return "null" if value is None else "{}"
    import json

    return json.dumps(value, separators=(",", ":"))
