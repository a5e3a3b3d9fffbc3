"""The face of fzctl.layers: its names, and what importing costs."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fzctl import layers
from fzctl.protocol.fields import U16, Field, Ip
from fzctl.protocol.kinds import DOMAIN, KINDS, RESOURCE, Kind
from fzctl.protocol.packet import build_packet


@pytest.fixture
def made_up() -> Iterator[Kind]:
    """A kind that layers cannot know, appended to the declarations."""
    kind = Kind(
        number=77,
        name="made_up",
        title="MadeUp",
        dialects=("current",),
        fields=(RESOURCE, DOMAIN, Field("gateway", Ip(), "Gateway"), Field("weight", U16(), "Weight")),
        sentence="A kind that a test made up.",
    )
    KINDS.append(kind)
    yield kind
    KINDS.remove(kind)


def test_every_declared_kind_is_a_name_of_the_module() -> None:
    for kind in KINDS:
        assert getattr(layers, kind.title) is layers.layer_for(kind)
        assert kind.title in layers.__all__
        assert kind.sentence in (layers.layer_for(kind).__doc__ or "")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NoSuchKind"):
        layers.NoSuchKind  # noqa: B018


def test_a_kind_declared_later_has_its_layer(made_up: Kind) -> None:
    packet = layers.control_packet(layers.MadeUp(gateway="10.0.0.1", weight=3))
    assert packet.kind == 77
    raw = bytes(packet)
    assert raw == build_packet(
        77,
        b'{"resource":"00000000-0000-0000-0000-000000000000","domain":"example.com","gateway":"10.0.0.1","weight":3}',
    )
    read = type(packet)(raw)
    assert read[layers.MadeUp].gateway == "10.0.0.1"
    assert read.summary() == "IPv6 / FzP2p / MadeUp example.com 10.0.0.1 3"
    assert "kind      = made_up" in (read.show(dump=True) or "")
    assert layers.FzP2p(kind="made_up").kind == 77
    assert bytes(pickle.loads(pickle.dumps(read))) == raw


def test_importing_fzctl_leaves_scapy_alone_and_layers_leave_scapy_all_alone() -> None:
    script = "import sys, {0}; sys.exit('{1}' in sys.modules)"
    for imported, absent in (("fzctl", "scapy"), ("fzctl.layers", "scapy.all")):
        subprocess.run([sys.executable, "-c", script.format(imported, absent)], check=True)
