"""Any bytes are lines of events that keep all of it, in pieces as well as whole, and can be shown."""

from __future__ import annotations

import json
from collections.abc import Generator
from functools import partial
from typing import Any

from fzctl.logs.event import SEVERITIES, SHAPES, Event
from fzctl.logs.events import recognise
from fzctl.logs.lines import Splitter, read_lines
from fzctl.logs.merge import Lane, merge
from fzctl.logs.parse import Line, parse_lines
from fzctl.pcap.streams import Stream
from fzctl.render.logjson import to_log_json
from fzctl.render.logline import to_log_line
from tests.fuzz.walks import sizes_of
from tests.logs.read import DATA, SAMPLES
from tests.pcap import build
from tests.records import harmful

STAMP = b"2026-08-22T00:53:24.158Z"
TOKENS = (
    *(
        STAMP,
        STAMP + b" DEBUG a::b: ",
        b" INFO ",
        b"WARN ",
        b'{"time":"' + STAMP + b'","severity":"INFO","message":"x"}',
        b"\r\n",
        b"\n",
    ),
    *(
        b'"timestamp":',
        b'"level":"DEBUG"',
        b'"fields":{"message":',
        b'"spans":[{"name":',
        b'"span":',
        b'"target":',
        b"domain=",
        b'="',
    ),
    *(
        b"\x1b[31m",
        b"\\u001b[0m",
        b"\\ud800",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xae",
        b"\\u{1b}",
        b"[[[[",
        b"1e999",
        b"NaN",
        b"PRIVATE_KEY=",
    ),
    *(
        b"Setting up DNS resource NAT",
        b"gid=",
        b"rid=",
        b"proxy_ips=[",
        b"log.target=",
        b"logging.googleapis.com/sourceLocation",
    ),
)
LONGEST = 3000


def check(data: bytes) -> None:
    lines = list(split(data))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert b"\n".join(line.data for line in lines) == data.removesuffix(b"\n") or not data
    file = build.Pieces(data, sizes_of(data))
    stream = Stream("x.log", file.readinto, None, file.close)
    assert list(read_lines(stream)) == lines
    events = list(parse_lines(lines, "x.log"))
    assert {event.line for event in events} == {line.number for line in lines}
    for event in events:
        agree(event)
    lanes = [Lane(partial(each_of, events)), Lane(partial(each_of, events[:3]))]
    assert sorted(map(id, merge(lanes))) == sorted(map(id, events + events[:3]))


def each_of(events: list[Event]) -> Generator[Event]:
    """One after the other, as a log gives them."""
    yield from events


def split(data: bytes) -> list[Line]:
    """The lines of bytes that come at once."""
    splitter = Splitter()
    return [*splitter.feed(data), *splitter.finish()]


def agree(event: Event) -> None:
    """What holds for every event, and that every form can show it."""
    assert event.shape in SHAPES
    assert event.severity is None or event.severity in SEVERITIES
    assert event.time is None or abs(event.time) < 1 << 80
    shown = json.loads(to_log_json(event))
    assert shown["line"] == event.line
    assert ("raw" in shown) == (event.problem is not None)
    recognise(event)
    for options in ({}, {"whole": True, "place": True}, {"brief": True, "timed": False}):
        line = to_log_line(event, **options)
        assert not harmful(line)
        assert "\n" not in line
    coloured = to_log_line(event, colour=True)
    assert not harmful(coloured.replace("\x1b[", "").replace("\x1b", ""))


def seeds() -> list[bytes]:
    found = []
    for name in SAMPLES:
        lines = (DATA / name).read_bytes().split(b"\n")
        found += [b"\n".join(lines[at : at + 4]) for at in range(0, min(len(lines), 40), 4)]
    return [each for each in found if len(each) <= LONGEST]


def inputs() -> Any:
    from hypothesis import strategies as st

    texts = st.one_of(
        st.text(max_size=12),
        st.sampled_from(("a.example.com", "[10.0.0.1, ::1]", 'Some("x")', "2026", "", "\x1b[31m")),
    )
    plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
    values = st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    )
    keys = st.sampled_from(
        (
            "time",
            "timestamp",
            "severity",
            "level",
            "message",
            "target",
            "fields",
            "spans",
            "span",
            "domain",
            "logTarget",
            "log.target",
        )
    )
    levels = st.sampled_from(("INFO", "debug", "WARNING", "x", " WARN"))
    objects = st.dictionaries(keys | texts, st.one_of(values, levels, st.just(STAMP.decode())), max_size=6)
    documents = objects.map(lambda found: json.dumps(found, ensure_ascii=False))
    pairs = st.builds(
        "{}={}".format,
        st.sampled_from(("domain", "gid", "rid", "x.y", "log.target")),
        texts | texts.map(json.dumps),
    )
    prose = st.builds(
        "{} {:>5} {}: {} {}".format,
        st.just(STAMP.decode()),
        levels,
        st.sampled_from(("a::b", "connlib", "tunnel_proto::client")),
        texts,
        st.lists(pairs, max_size=3).map(" ".join),
    )
    lines = st.one_of(documents, prose, texts, st.builds("{}{}".format, documents, documents))
    return st.lists(lines, max_size=5).map(lambda found: "\n".join(found).encode("utf-8", "surrogatepass"))
