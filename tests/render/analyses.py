"""Analyses of made-up scenes, for the tests of what shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fzctl.analysis.analyzer import Analyzer
from fzctl.analysis.ladder import Analysis, Ladder
from fzctl.records import Record
from tests.analysis.scenario import START, Scene, udp
from tests.records import hostile_packets, record

PROXY, INSIDE = "100.96.0.1", "100.64.0.7"


def analysis_of(
    records: Iterable[Record],
    *,
    files: tuple[str, ...] = ("a.pcap",),
    asked: str | None = None,
    **options: Any,
) -> Analysis:
    """The analysis of records; ``options`` are the Analyzer's."""
    ladder = Ladder()
    analyzer = Analyzer(
        on_packet=lambda domain, spot, size, towards: ladder.packet(
            domain.subject, domain.state, spot, size, buffering=domain.buffering, towards=towards
        ),
        **options,
    )
    for each in records:
        ladder.message(each, analyzer.record(each), analyzer.latest)
    if asked is not None:
        analyzer.keep_moment()
    return Analysis(files, analyzer.finish(), ladder.kept(), asked)


def inactive() -> Scene:
    """A question that is repeated, then Inactive."""
    scene = Scene()
    scene.ask(0, "wiki.example.com")
    scene.ask(2.016, "wiki.example.com")
    scene.answer(12.04, "wiki.example.com", "Inactive")
    return scene


def working(domains: int = 1) -> Scene:
    """Domains that work."""
    scene = Scene()
    for number in range(domains):
        scene.ask(number, f"host-{number}.example.com", number)
        scene.answer(number + 0.037, f"host-{number}.example.com")
    return scene


def with_traffic() -> Analysis:
    """A domain with packets before its answer, after Active, and after Inactive."""
    scene, ladder = Scene(), Ladder()
    analyzer = Analyzer(
        on_packet=lambda domain, spot, size, towards: ladder.packet(
            domain.subject, domain.state, spot, size, buffering=domain.buffering, towards=towards
        )
    )

    def message(each: Record) -> None:
        ladder.message(each, analyzer.record(each), analyzer.latest)

    def packet(at: float, source: str, destination: str) -> None:
        analyzer.packet(START + round(at * 10**9), udp(source, destination), frame=round(at * 100))

    message(scene.ask(0))
    packet(0.5, INSIDE, PROXY)
    message(scene.answer(1))
    packet(1.5, INSIDE, PROXY)
    packet(1.6, PROXY, INSIDE)
    message(scene.answer(2, status="Inactive"))
    packet(2.5, INSIDE, PROXY)
    return Analysis(("a.pcap",), analyzer.finish(), ladder.kept())


def hostile() -> Analysis:
    """Messages that carry what would like to reach a terminal or a page."""
    packets = [*hostile_packets(), *map(_script, SCRIPTS)]
    return analysis_of(
        [record(each, place + 1) for place, each in enumerate(packets)], files=("<b>a</b>\x1b[31m.pcap",)
    )


SCRIPTS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]><svg onload=alert(1)>")


def _script(text: str) -> bytes:
    from tests.records import RESOURCE, raw

    return raw(0, {"resource": RESOURCE, "domain": text, "proxy_ips": ["100.96.0.1"]})
