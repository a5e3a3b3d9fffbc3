"""A capture on all of the gateway's interfaces: each message in the tunnel, and in plain beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.netns import Net
from tests.lab.programs import tcpdump
from tests.lab.reading import ask_fzctl
from tests.lab.stories import FROM_CLIENT, direct, recorded, whole_story

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.peer("ip", "wireguard-go", "wg", "tcpdump"),
]


def test_every_message_stands_there_twice_and_the_second_names_the_first(net: Net, tmp_path: Path) -> None:
    everything = tmp_path / "any.pcap"
    with (
        direct(net) as talk,
        recorded(net, talk, tmp_path, a=FROM_CLIENT) as taken,
        tcpdump(net.gateway, "any", everything),
    ):
        whole_story(talk, FROM_CLIENT)
    found = ask_fzctl(everything, "-k", str(taken.keys))
    assert len(found) == 2 * len(taken.said)
    plain = [one for one in found if one.direction is None]
    assert len(plain) == len(taken.said)
    by_frame = {one.frame: one for one in found}
    for one in found:
        if one.copy_of is not None:
            assert (by_frame[one.copy_of].direction is None) != (one.direction is None)
    assert len({one.copy_of for one in found if one.copy_of is not None}) == len(taken.said)
