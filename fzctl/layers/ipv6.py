"""Where control packets are found: below IPv6, between ``::`` and ``::``, behind extension headers.

Importing this module binds the layers, so that ``rdpcap`` and ``sniff`` decode by themselves.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from scapy.fields import ByteEnumField, FieldLenField, XStrLenField
from scapy.layers import inet6
from scapy.layers.inet6 import IPv6, _IPv6ExtHdr
from scapy.packet import Packet, bind_bottom_up, bind_top_down

from fzctl.layers.messages import FzP2p, carrier_of, packet_of
from fzctl.protocol.packet import CONTROL_PROTOCOL, WALKED_HEADERS, is_ours

_UNSPECIFIED: Final = "::"


class IPv6ExtHdrWalked(_IPv6ExtHdr):
    """An extension header that receivers step over without reading it.

    For those that scapy does not know as such (Mobility, HIP, Shim6, the experimental ones) and
    for known ones whose content scapy cannot read.
    """

    name = "IPv6 Extension Header - stepped over"
    fields_desc: ClassVar = [
        ByteEnumField("nh", 59, inet6.ipv6nh),
        FieldLenField("len", None, length_of="data", fmt="B", adjust=lambda _, size: max(size - 6, 0) // 8),
        XStrLenField("data", bytes(6), length_from=lambda header: 8 * header.len + 6),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_: Any, _underlayer: Any = None, **__: Any) -> type[Packet]:
        """Scapy's own class wherever the packet is not ours or scapy's class can read it."""
        if not _pkt or _underlayer is None:
            return cls
        known: type[Packet] = _underlayer.default_payload_class(_pkt)
        carrier = carrier_of(_underlayer)
        if carrier is None or isinstance(carrier, inet6.IPerror6) or not is_ours(packet_of(carrier)):
            return known
        return known if issubclass(known, _IPv6ExtHdr) and _can_read(known, _pkt) else cls


def control_packet(layer: Packet, **ipv6: Any) -> Packet:
    """A whole packet around a message layer, or around a header and what follows it.

    ``ipv6`` sets fields of the IPv6 header that are not as a sender sets them (hop limit 0,
    ``::`` to ``::``).
    """
    return IPv6(**ipv6) / (layer if isinstance(layer, FzP2p) else FzP2p() / layer)


def _can_read(known: type[Packet], data: bytes) -> bool:
    """Does scapy's class take exactly the bytes that the header's length field names?"""
    size = 8 if known is inet6.IPv6ExtHdrFragment else 8 + 8 * data[1]
    try:
        return known(data, stop_dissection_after=known).raw_packet_cache == data[:size]
    except Exception:  # whatever scapy fails with: the header is then stepped over
        return False


def _bind() -> None:
    extension_headers = (
        inet6.IPv6ExtHdrHopByHop, inet6.IPv6ExtHdrDestOpt, inet6.IPv6ExtHdrRouting,
        inet6.IPv6ExtHdrSegmentRouting, inet6.IPv6ExtHdrFragment, IPv6ExtHdrWalked,
    )  # fmt: skip
    ours = {"src": _UNSPECIFIED, "dst": _UNSPECIFIED}
    bind_bottom_up(IPv6, FzP2p, nh=CONTROL_PROTOCOL, **ours)
    # The hop limit is a sender's habit and no receiver looks at it: set, but never tested.
    bind_top_down(IPv6, FzP2p, nh=CONTROL_PROTOCOL, hlim=0, **ours)
    for header in extension_headers:
        # An extension header has no addresses to test: the classes' dispatch_hook does it.
        bind_bottom_up(header, FzP2p, nh=CONTROL_PROTOCOL)
        bind_top_down(header, FzP2p, nh=CONTROL_PROTOCOL)
    for number in sorted(WALKED_HEADERS):
        bind_bottom_up(IPv6, IPv6ExtHdrWalked, nh=number, **ours)
        for header in extension_headers:
            bind_bottom_up(header, IPv6ExtHdrWalked, nh=number)


_bind()
