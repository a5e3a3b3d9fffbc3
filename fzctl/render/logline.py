"""``logs -T text``: one event as one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from fzctl.logs.event import CONTINUATION, UNKNOWN, Event
from fzctl.logs.events import kind_of
from fzctl.render.clock import format_clock, format_time
from fzctl.render.escape import escape
from fzctl.render.lines import paint

_NEEDED: Final = frozenset(
    (
        *("domain", "rid", "resource", "resource_id", "gid", "gateway_id", "cid", "client_id", "pid"),
        *("code", "proxy_ips", "ips", "resolved_ips", "proxy_ip", "real_ip", "num_buffered_packets"),
        *("ipv4", "ipv6", "servers", "upstream_dns", "inside", "outside"),
        *("name", "address", "host", "src", "dst", "ip", "error", "err", "reason", "status"),
    )
)
"""What people need of an event that has a message; of one without they get everything."""

_MOODS: Final = {"TRACE": "dim", "DEBUG": "dim", "INFO": "good", "WARN": "ignored", "ERROR": "bad"}
_WIDTH: Final = 5


def to_log_line(
    event: Event,
    *,
    colour: bool = False,
    brief: bool = False,
    whole: bool = False,
    place: bool = False,
    timed: bool = True,
) -> str:
    """``time severity message`` and fields, without the line's end.

    ``brief`` is for a terminal: no date. ``whole`` shows every field and the target, ``place`` the
    file and line. Not ``timed``: no time.
    """
    when = format_clock(event.time) if brief else format_time(event.time) or "-"
    severity = event.severity or "-"
    kind = kind_of(event)
    # Without colour all of it can be escaped at once, which most of the time finds nothing.
    show = escape if colour else str
    if colour or not timed:
        parts = [
            *((paint(when, "dim", colour),) if timed else ()),
            paint(f"{severity:<{_WIDTH}}", _MOODS.get(severity, "dim"), colour),
        ]
    else:
        parts = [f"{when} {severity:<{_WIDTH}}"]
    silent = event.message is None and not event.fields and not event.spans
    if event.target is not None and (whole or silent):
        parts.append(paint(show(event.target), "dim", colour))
    if event.message is not None:
        # The end of the value above is shown below it, set off.
        before = "| " if event.shape == CONTINUATION else ""
        parts.append(before + paint(show(event.message), "bold", colour and kind is not None))
    elif event.shape == UNKNOWN:
        parts.append(show(event.raw))
    if event.fields or event.spans:
        parts += _fields(event, show, whole or event.message is None)
    if kind is not None:
        parts.append(paint(f"({kind.role}: {kind.name})", "dim", colour))
    if event.problem is not None:
        parts.append(paint(f"[{show(event.problem)}]", "bad", colour))
    if place or event.problem is not None:
        parts.append(paint(show(place_of(event)), "dim", colour))
    line = " ".join(parts).rstrip()
    return line if colour else escape(line)


def place_of(event: Event) -> str:
    """``client.log:12``, without folders; to be escaped."""
    return f"{os.path.basename(event.file or 'line')}:{event.line}"


def _fields(event: Event, show: Callable[[str], str], everything: bool) -> list[str]:
    """``name=value``, each once; the event's own before those of its spans."""
    found = {
        f"{show(name)}={show(value if isinstance(value, str) else _dumps(value))}": None
        for fields in (event.fields, *(span.fields for span in event.spans))
        for name, value in fields
        if everything or name in _NEEDED
    }
    return list(found)


def _dumps(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
