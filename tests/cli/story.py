"""Captures and logs of made-up tunnels, for the verbs that look at all of them."""

from __future__ import annotations

import random
from pathlib import Path

from fzctl.logs.align import sighting_of_event
from fzctl.pcap.links import RAW
from fzctl.pcap.writer import open_writer
from fzctl.protocol.codec import encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.protocol.ranges import proxy_ips
from tests.analysis.scenario import Scene
from tests.logs.read import sample

SECOND = 10**9
RESOURCE = "9ad2e144-d6e8-42cf-99aa-792e1af470ea"


def write(path: Path, scene: Scene) -> str:
    """The scene's messages as a capture in plain; returns its name."""
    with open_writer(str(path), link_type=RAW) as writer:
        for each in scene.records:
            writer.write(each.message.packet, each.time)
    return str(path)


def trouble() -> Scene:
    """One domain that works, one that is Inactive at once, one without an answer, and a Goodbye."""
    scene = Scene()
    scene.ask(0, "works.example", 0)
    scene.answer(0.05, "works.example")
    scene.ask(1, "denied.example", 1)
    scene.answer(1.001, "denied.example", "Inactive")
    scene.ask(2, "silent.example", 2)
    scene.ask(4.5, "silent.example", 2)
    scene.goodbye(30)
    return scene


def write_beside(path: Path, log: str, behind: float) -> str:
    """The capture of what a sample log tells, its clock ``behind`` that of the capture; its name."""
    dice = random.Random(1)
    time = 0
    with open_writer(str(path), link_type=RAW) as writer:
        for number, event in enumerate(sample(log)):
            seen = sighting_of_event(event)
            if seen is None:
                continue
            name, domain = seen.key
            values: dict[str, object] = {"resource": seen.resource or RESOURCE, "domain": domain}
            if name == "assigned_ips":
                values["proxy_ips"] = proxy_ips(8, number)
            elif name == "domain_status":
                values["status"] = "Active"
            else:
                values = {}
            kind = kind_by_name(name)
            assert kind is not None
            time = max(time + 1, seen.time + round(behind * SECOND) + dice.randrange(1_000_000))
            writer.write(encode(kind, values, force=True), time)
    return str(path)
