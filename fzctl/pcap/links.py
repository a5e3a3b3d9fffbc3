"""Link types: where in a frame the IP packet begins, and through which layers.

Numbers are those of https://www.tcpdump.org/linktypes.html. A packet quoted in another one (an
ICMP error) is not looked for: only what the frame itself carries counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

ETHERNET: Final = 1
RAW: Final = 101
USER0: Final = 147

Located = tuple[int, tuple[str, ...]]
Locator = Callable[[bytes], Located | None]

# A frame in use has one tag or two; four leave room, and more would move the addresses out of
# the bytes that every stack of tags shares (see Link.probe).
MAX_VLAN_TAGS: Final = 4
# IEEE 802.1Q, 802.1ad, and the type that was in use for stacked tags before 802.1ad.
_VLAN_TYPES: Final = frozenset((b"\x81\x00", b"\x88\xa8", b"\x91\x00"))
_VLAN_TAG: Final = 4

# What a type or family promises: the IP version, where its header begins, and the path to it.
_Promise = tuple[int, int, Located]

# Next headers that a receiver walks through to reach 255, and 255 itself
# (rust/libs/connlib/ip-packet/src/lib.rs, IpPacket::new).
_MAY_BE_CONTROL: Final = frozenset((0, 43, 44, 60, 135, 139, 140, 253, 254, 255))
_NEXT_HEADER: Final = 6
_ADDRESSES: Final = 8
_IPV6_HEADER: Final = 40
_UNSPECIFIED: Final = bytes(_IPV6_HEADER - _ADDRESSES)
# What every sender emits from the next header on: 255, hop limit 0, :: and ::.
_AS_SENT: Final = b"\xff\0" + _UNSPECIFIED
# The first bytes of the destination address: zero in a control packet. In all other traffic
# they practically never are, whatever is carried: a TCP sequence number or a UDP length stands
# here in IPv4, even where the payload is all zeros.
_DESTINATION: Final = 24


class Usual(NamedTuple):
    """The link header that most frames of a link type have, for a look at fixed places.

    What tells the IP version stands at ``kind_at``, and is ``ipv4`` or ``ipv6`` (``None``: does not
    occur); ``header`` is the length of it all; with one VLAN tag before, ``tag`` stands at
    ``tag_at``. Any other frame is for ``Link.locate``.
    """

    kind_at: int
    header: int
    ipv4: bytes | None
    ipv6: bytes | None
    tag_at: int = 0
    tag: bytes = b""

    def tagged(self, tag: bytes) -> Usual:
        """The same with one VLAN tag of that type, behind which stands the type of what follows."""
        return Usual(self.header + 2, self.header + _VLAN_TAG, self.ipv4, self.ipv6, self.kind_at, tag)


class Link(NamedTuple):
    """How frames of one link type are read.

    ``locate`` returns where the IP header begins and the path to it, ``None`` where the frame
    holds no IP packet. The four bytes at ``probe`` are zero in every frame that holds a packet
    from :: to ::, however many VLAN tags stand before it; all else can be passed over.
    """

    locate: Locator
    probe: int
    usual: Usual


def link_for(link_type: int, *, user0_is_ip: bool = False) -> Link | None:
    """The reader for a link type, ``None`` where we cannot read it.

    ``user0_is_ip`` takes link type 147, which means something else everywhere, as raw IP.
    """
    if link_type == USER0 and user0_is_ip:
        link_type = RAW
    return _LINKS.get(link_type)


def locate(link_type: int, data: bytes, *, user0_is_ip: bool = False) -> Located | None:
    """Where a frame's IP header begins and the path to it, such as ``("ethernet", "ipv6")``.

    The last element is ``ipv4`` or ``ipv6``; ``None`` where the frame holds neither or its link
    type is unknown.
    """
    link = link_for(link_type, user0_is_ip=user0_is_ip)
    return None if link is None else link.locate(data)


def may_be_control(data: bytes, offset: int) -> bool:
    """Whether the IPv6 packet at ``offset`` goes from :: to :: and may lead to next header 255.

    Hop limit does not count. Extension headers are not walked: that is the protocol floor's.
    """
    if data[offset + 6 : offset + 40] == _AS_SENT:
        return data[offset] >> 4 == 6
    return (
        data[offset + _ADDRESSES : offset + _IPV6_HEADER] == _UNSPECIFIED
        and data[offset + _NEXT_HEADER] in _MAY_BE_CONTROL
        and data[offset] >> 4 == 6
    )


def _raw_locator(*, ipv4: bool, ipv6: bool) -> Locator:
    found_4: Located | None = (0, ("raw", "ipv4")) if ipv4 else None
    found_6: Located | None = (0, ("raw", "ipv6")) if ipv6 else None

    def locate_raw(data: bytes) -> Located | None:
        version = data[0] >> 4 if data else 0
        if version == 6:
            return found_6
        return found_4 if version == 4 else None

    return locate_raw


def _family_locator(name: str) -> Locator:
    # The family's number is the capturing system's: BSD 24, FreeBSD 28, Darwin 30, Linux 10.
    # So is its byte order with NULL, and writers of LOOP do not all keep to network order.
    promises: dict[bytes, _Promise] = {}
    for version, families in ((4, (2,)), (6, (24, 28, 30, 10))):
        promise = version, 4, (4, (name, f"ipv{version}"))
        for family in families:
            promises[family.to_bytes(4, "big")] = promise
            promises[family.to_bytes(4, "little")] = promise

    def locate_by_family(data: bytes) -> Located | None:
        return _kept(promises.get(data[:4]), data)

    return locate_by_family


def _ethertype_locator(name: str, type_at: int, header: int) -> Locator:
    # ``type_at`` is where the ethertype stands, ``header`` the length of the link header.
    ladder: list[dict[bytes, _Promise]] = []
    for tags in range(MAX_VLAN_TAGS + 1):
        path = (name, *("vlan",) * tags)
        at = header + _VLAN_TAG * tags
        ladder.append(
            {
                b"\x08\x00": (4, at, (at, (*path, "ipv4"))),
                b"\x86\xdd": (6, at, (at, (*path, "ipv6"))),
            }
        )
    untagged = ladder[0]
    type_end = type_at + 2

    def locate_by_ethertype(data: bytes) -> Located | None:
        kind = data[type_at:type_end]
        promise = untagged.get(kind)
        if promise is None and kind in _VLAN_TYPES:
            promise = _climb(data, header, ladder)
        return _kept(promise, data)

    return locate_by_ethertype


def _climb(data: bytes, header: int, ladder: list[dict[bytes, _Promise]]) -> _Promise | None:
    # Behind the link header stands the tag's value, then the type of what follows.
    at = header + 2
    for rung in ladder[1:]:
        kind = data[at : at + 2]
        if kind not in _VLAN_TYPES:
            return rung.get(kind)
        at += _VLAN_TAG
    return None


def _kept(promise: _Promise | None, data: bytes) -> Located | None:
    if promise is None:
        return None
    version, at, located = promise
    return located if at < len(data) and data[at] >> 4 == version else None


def _family_link(name: str, order: Literal["big", "little"]) -> Link:
    usual = Usual(0, 4, (2).to_bytes(4, order), (30).to_bytes(4, order))
    return Link(_family_locator(name), 4 + _DESTINATION, usual)


def _ethertype_link(name: str, type_at: int, header: int) -> Link:
    usual = Usual(type_at, header, b"\x08\x00", b"\x86\xdd")
    return Link(_ethertype_locator(name, type_at, header), header + _DESTINATION, usual)


def _raw_link(*, ipv4: bool = True, ipv6: bool = True) -> Link:
    usual = Usual(0, 0, b"" if ipv4 else None, b"" if ipv6 else None)
    return Link(_raw_locator(ipv4=ipv4, ipv6=ipv6), _DESTINATION, usual)


_RAW_LINK: Final = _raw_link()
_LINKS: Final[dict[int, Link]] = {
    0: _family_link("null", "little"),
    ETHERNET: _ethertype_link("ethernet", 12, 14),
    12: _RAW_LINK,
    14: _RAW_LINK,
    RAW: _RAW_LINK,
    108: _family_link("loop", "big"),
    113: _ethertype_link("linux_cooked", 14, 16),
    228: _raw_link(ipv6=False),
    229: _raw_link(ipv4=False),
    276: _ethertype_link("linux_cooked_v2", 0, 20),
}
