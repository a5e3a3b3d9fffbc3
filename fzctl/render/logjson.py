"""``logs -T jsonl``: one JSON object an event, the same for every shape of log."""

from __future__ import annotations

import json
from typing import Any, Final

from fzctl.logs.event import Event, Fields
from fzctl.logs.events import Named, recognise
from fzctl.render.clock import format_time

SCHEMA: Final = 1

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def to_log_json(event: Event) -> str:
    """The event as one line of JSON, without the line's end."""
    return _ENCODER.encode(to_log_object(event))


def to_log_object(event: Event) -> dict[str, Any]:
    """The event as a JSON object. A field that stands there more than once has the list of its values.

    ``raw``, the line as it is, comes only with a ``problem``.
    """
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "time": format_time(event.time),
        "severity": event.severity,
        "target": event.target,
        "message": event.message,
        "fields": _fields(event.fields),
        "spans": [{"name": span.name, "fields": _fields(span.fields)} for span in event.spans],
        "protocol": _protocol(recognise(event)),
        "shape": event.shape,
        "location": event.location,
        "file": event.file,
        "line": event.line,
        "problem": event.problem,
    }
    if event.problem is not None:
        found["raw"] = event.raw
    return found


def _fields(fields: Fields) -> dict[str, Any]:
    found = dict(fields)
    if len(found) == len(fields):
        return found
    names = [name for name, _ in fields]
    return {
        name: [value for each, value in fields if each == name] if names.count(name) > 1 else found[name]
        for name in found
    }


def _protocol(named: Named | None) -> dict[str, Any] | None:
    if named is None:
        return None
    return {
        "event": named.kind.name,
        "role": named.kind.role,
        "kind": named.kind.message,
        "gateway": named.gateway,
        "client": named.client,
        "resource": named.resource,
        "domain": named.domain,
        "proxy_ips": list(named.proxy_ips),
        "code": named.code,
        "reason": named.reason,
    }
