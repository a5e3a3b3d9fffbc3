"""One JSON object a message: ``-T json`` and ``-T jsonl``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from fzctl.records import Outer, Record
from fzctl.render.clock import format_time

SCHEMA: Final = 1

# Members in the order of the contract; a message that is plainly what a sender emits
# brings its fields as JSON already.
_HEAD: Final = (
    '{"schema":1,"frame":%d,"time":%s,"control":%s,"kind":%s,"name":"%s","dialect":"%s","reserved":%s,'
    '"payload_length":%d,"accepted":%s,"reason":"%s","error":%s,"fields":%s,"path":%s,"outer":%s,"direction":%s'
)
_BOOLEANS: Final = ("false", "true")


def to_jsonl(record: Record) -> str:
    """The record as one line of JSON, without the line's end."""
    frame, time, message, path, outer, direction, copy_of, file, _, _ = record
    when = format_time(time)
    reserved = message.reserved
    payload = message.payload
    text = _HEAD % (
        frame,
        "null" if when is None else f'"{when}"',
        _BOOLEANS[message.control],
        "null" if message.kind is None else message.kind,
        message.name,
        message.dialect,
        "null" if reserved is None else f'"{reserved.hex()}"',
        len(payload),
        _BOOLEANS[message.accepted],
        message.reason,
        "null" if message.error is None else _dumps(message.error),
        payload.decode("ascii") if message.is_compact else _dumps(message.fields),
        _path(path),
        "null" if outer is None else _dumps(outer_object(outer)),
        "null" if direction is None else _dumps(direction),
    )
    if copy_of is not None:
        text += f',"copy_of":{copy_of}'
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


def outer_object(outer: Outer) -> dict[str, Any]:
    """The members of ``outer``."""
    return outer._asdict()


@lru_cache(maxsize=64)
def _path(path: tuple[str, ...]) -> str:
    # Our own words, plain letters all of them; importing json would cost more than this.
    return '["' + '","'.join(path) + '"]' if path else "[]"


def _dumps(value: object) -> str:
    import json

    return json.dumps(value, separators=(",", ":"))
