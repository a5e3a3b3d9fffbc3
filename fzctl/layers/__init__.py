"""The scapy face of the protocol.

    from fzctl.layers import AssignedIps, control_packet
    packet = control_packet(AssignedIps(domain="example.com", proxy_ips=["100.96.0.1"]))

Importing binds the layers, so that scapy decodes control packets by itself. There is one class
for each kind in :mod:`fzctl.protocol.kinds`, named by the kind's title; a kind declared later
has its class by :func:`layer_for` and as an attribute of this module.

``conf.contribs["fzp2p"]["dialect"]`` says whose rules judge. What a receiver refuses is an
:class:`FzP2pRefused` with its bytes and the reason; :func:`verdict` gives the whole verdict. The
layers build whatever they are told: ``refusals()`` of a message says what a real sender would not
send. Whoever changes the size of a packet that was read must ``del packet[IPv6].plen``, as
everywhere in scapy.
"""

from __future__ import annotations

from fzctl.layers.ipv6 import IPv6ExtHdrWalked, control_packet
from fzctl.layers.messages import FzP2p, FzP2pRefused, KindLayer, layer_for, verdict
from fzctl.protocol.kinds import KINDS

__all__ = [
    "FzP2p",
    "FzP2pRefused",
    "IPv6ExtHdrWalked",
    "KindLayer",
    "control_packet",
    "layer_for",
    "verdict",
]
__all__ += [kind.title for kind in KINDS]

# scapy's load_layer() copies names out of the module's dictionary, where __getattr__ is not asked.
globals().update({kind.title: layer_for(kind) for kind in KINDS})


def __getattr__(name: str) -> type[KindLayer]:
    for kind in KINDS:
        if kind.title == name:
            return layer_for(kind)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
