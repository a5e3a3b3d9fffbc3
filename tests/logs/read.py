"""The samples and short ways to events, for all tests of logs."""

from __future__ import annotations

import io
import stat
import zipfile
from contextlib import ExitStack
from pathlib import Path

from fzctl.logs.event import Event
from fzctl.logs.lines import Splitter
from fzctl.logs.parse import parse_line, parse_lines
from fzctl.logs.sources import Found, find_sources

DATA = Path(__file__).parent / "data"
SAMPLES = (
    "client_stackdriver.jsonl",
    "gateway.jsonl",
    "relay.jsonl",
    "client.log",
    "gateway.log",
    "apple_app.jsonl",
)
TEXT_LINE = "2026-08-22T00:53:24.158Z  INFO snownet::node: Created new connection cid=a"


def events_of(data: bytes, file: str | None = None) -> list[Event]:
    """The events of a file's bytes."""
    splitter = Splitter()
    return list(parse_lines([*splitter.feed(data), *splitter.finish()], file))


def sample(name: str) -> list[Event]:
    return events_of((DATA / name).read_bytes(), name)


def one(text: str | bytes, *, goes_on: bool = False) -> Event:
    """The one event of a line."""
    (event,) = parse_line(text.encode() if isinstance(text, str) else text, goes_on=goes_on)
    return event


def found_in(*paths: Path | str) -> tuple[list[tuple[str, list[bytes]]], Found]:
    """Each log behind the paths with its lines, and all that was found."""
    with ExitStack() as stack:
        found = find_sources([str(path) for path in paths], stack)
        return [(each.name, [line.data for line in each.lines()]) for each in found.sources], found


def zip_of(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A zip file with these members and symlinks."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for name, to in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, to)
    return target.getvalue()
