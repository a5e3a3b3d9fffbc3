"""The layers: the control header, one class a kind, and what a receiver refuses.

    IPv6 / FzP2p / AssignedIps        an accepted message
    IPv6 / FzP2p / FzP2pRefused       a refused or unknown one: its bytes and the reason
    IPv6 / FzP2pRefused               fewer than the eight bytes of a header

Whether a message is accepted is decided by :mod:`fzctl.protocol.codec` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any, ClassVar, Final, cast

from scapy.base_classes import Packet_metaclass
from scapy.config import conf
from scapy.fields import ByteEnumField, Field, StrField, XStrFixedLenField
from scapy.layers.inet6 import IPerror6, IPv6, _IPv6ExtHdr
from scapy.packet import Packet, Raw, bind_top_down

from fzctl.errors import EncodeError
from fzctl.layers.fields import IpListField, UuidField, printable, scapy_fields, short_addresses
from fzctl.protocol.codec import Message, canonical_values, decode, decode_truncated, encode_payload, judge
from fzctl.protocol.exchange import exchange_key, is_answer
from fzctl.protocol.kinds import AUTO, KINDS, Kind, kind_by_name
from fzctl.protocol.packet import CONTROL_HEADER, build_packet, declared_length, is_ours

SETTINGS: Final = "fzp2p"
conf.contribs.setdefault(SETTINGS, {"dialect": AUTO})


class KindField(ByteEnumField):
    """The kind's number; people read and write the declared names.

    Asked anew each time, so that a kind declared later is known, too. One number has several
    names over the dialects: the layer that follows tells which.
    """

    def __init__(self, name: str, default: int) -> None:
        super().__init__(name, default, (self._name, self._number))

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        kind = pkt.payload.declaration if pkt is not None and isinstance(pkt.payload, KindLayer) else None
        return kind.name if kind is not None and kind.number == x else str(super().i2repr(pkt, x))

    @staticmethod
    def _name(number: int) -> str:
        return next((kind.name for kind in KINDS if kind.number == number), str(number))

    @staticmethod
    def _number(name: str) -> int:
        kind = kind_by_name(name)
        if kind is None:
            raise KeyError(f"no kind is named {name!a}")
        return kind.number


class VerdictField(Field[Any, bytes]):
    """Something about the verdict; it takes no bytes and is judged anew when looked at."""

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        return s, None

    def i2h(self, pkt: Packet | None, x: Any) -> Any:
        return x if pkt is None or x is not None else getattr(verdict(pkt), self.name)

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return printable(str(self.i2h(pkt, x)))

    def randval(self) -> Any:
        return None


class FzP2pRefused(Packet):
    """What a receiver refuses, or ignores as unknown: the bytes as they are, and why."""

    name = "Firezone P2P control, refused"
    fields_desc: ClassVar = [
        VerdictField("reason", None),
        VerdictField("error", None),
        StrField("load", b""),
    ]

    def mysummary(self) -> str:
        message = verdict(self)
        what = "" if message.kind is None else f" kind {message.kind}"
        if message.declaration is not None:
            what = f" {message.name}"
        return printable(f"{type(self).__name__}{what} {message.reason}: {message.error}")

    def hashret(self) -> bytes:
        return bytes(self.load)

    def answers(self, other: Packet) -> int:
        return 0


class FzP2p(Packet):
    """The control header, eight bytes (``FzP2pControlSlice``)."""

    name = "Firezone P2P control"
    fields_desc: ClassVar = [KindField("kind", 0), XStrFixedLenField("reserved", bytes(7), 7)]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_: Any, _underlayer: Any = None, **__: Any) -> type[Packet]:
        """Protocol 255 is control between ``::`` and ``::`` only, and not where an ICMP error quotes it."""
        if not _pkt:
            return cls
        carrier = carrier_of(_underlayer)
        if isinstance(carrier, IPerror6) or (carrier is not None and not is_ours(packet_of(carrier))):
            return Raw
        return cls if len(_pkt) >= CONTROL_HEADER else FzP2pRefused

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        carrier = carrier_of(self.underlayer)
        if carrier is None:
            message = judge((self.raw_packet_cache or b"") + payload, 0, dialect())
        else:
            message = decode(packet_of(carrier), dialect())
        kind = message.declaration
        return layer_for(kind) if message.accepted and kind is not None else FzP2pRefused

    def do_dissect_payload(self, s: bytes) -> None:
        super().do_dissect_payload(s)
        if not s:  # scapy stops here, but a Goodbye without payload is a Goodbye
            self.add_payload(self.guess_payload_class(s)())

    def mysummary(self) -> str:
        return str(self.sprintf("FzP2p %FzP2p.kind%"))

    def answers(self, other: Packet) -> int:
        while isinstance(other, _IPv6ExtHdr):  # scapy hands over what follows the request's IPv6 header
            other = other.payload
        return int(isinstance(other, FzP2p) and self.payload.answers(other.payload))


class KindLayer(Packet):
    """A message of one declared kind; :func:`layer_for` derives the class for each."""

    declaration: ClassVar[Kind]
    fields_desc: ClassVar = []

    def members(self) -> dict[str, Any]:
        """The values by name, as in the ``fields`` of a record."""
        return {each.name: self.getfieldval(each.name) for each in self.fields_desc}

    def refusals(self) -> list[str]:
        """Why a real sender would not send this; empty where it would. Building ignores them."""
        kind, members = self.declaration, self.members()
        attempts: list[Callable[[], bytes]] = [
            partial(encode_payload, kind._replace(fields=(declared,)), members) for declared in kind.fields
        ]
        attempts.append(lambda: build_packet(kind.number, bytes(self.do_build())))
        found = []
        for attempt in attempts:
            try:
                attempt()
            except EncodeError as error:
                found.append(str(error))
        return found

    def do_dissect(self, s: bytes) -> bytes:
        if not self.declaration.fields:
            return bytes(super().do_dissect(s))
        members = _read(self.declaration, s)
        if members is None:
            raise ValueError(f"no payload of {type(self).__name__}")
        self.fields.update({each.name: each.do_copy(members[each.name]) for each in self.fields_desc})
        # Kept, so that a message that nobody changes is rebuilt to the byte, white space and all.
        self.raw_packet_cache = s
        self.raw_packet_cache_fields = {
            each.name: each.do_copy(members[each.name]) for each in self.fields_desc if each.islist
        }
        self.explicit = 1
        return b""

    def hashret(self) -> bytes:
        return repr(exchange_key(self.declaration, self.members())).encode()

    def answers(self, other: Packet) -> int:
        """True where ``other`` is the request of the exchange that this message answers."""
        if not isinstance(other, KindLayer) or not is_answer(self.declaration, other.declaration):
            return 0
        return int(self.hashret() == other.hashret())

    def mysummary(self) -> str:
        texts = [type(self).__name__]
        for declared in self.declaration.fields:
            value = declared.type.from_json(declared.name, self.members())
            scapy_field = self.get_field(declared.name)
            if isinstance(scapy_field, IpListField):
                texts.append(f"-> {short_addresses(value if isinstance(value, list) else [value])}")
            elif not isinstance(scapy_field, UuidField):
                texts += [printable(str(each)) for each in declared.type.texts(value)]
        return " ".join(texts)


@cache
def layer_for(kind: Kind) -> type[KindLayer]:
    """The scapy class of a declared kind, derived from its declaration; one class a kind."""

    def dispatch_hook(cls: type[KindLayer], _pkt: bytes = b"", *_: Any, **__: Any) -> type[Packet]:
        refused = _pkt and kind.fields and _read(kind, bytes(_pkt)) is None
        return FzP2pRefused if refused else cls

    members = {
        "__doc__": f"{kind.sentence}\n\nKind {kind.number} of the dialects {', '.join(kind.dialects)}.",
        "__module__": "fzctl.layers",  # where pickle finds it
        "name": f"Firezone P2P {kind.title}",
        "declaration": kind,
        "fields_desc": scapy_fields(kind),
        "dispatch_hook": classmethod(dispatch_hook),
    }
    layer = cast(type[KindLayer], Packet_metaclass(kind.title, (KindLayer,), members))
    bind_top_down(FzP2p, layer, kind=kind.number)
    return layer


def dialect() -> str:
    """Whose rules judge: ``conf.contribs["fzp2p"]["dialect"]``, ``auto`` unless it was set."""
    return str(conf.contribs.get(SETTINGS, {}).get("dialect", AUTO))


def verdict(packet: Packet) -> Message:
    """What a receiver makes of a packet as it stands now; built or dissected, whole or a layer of one.

    The same as :func:`fzctl.protocol.codec.decode` says of its bytes, in the dialect that is set.
    A packet that the snap length cut (scapy's ``wirelen``) is judged as truncated. Never raises
    for what was dissected; what cannot be built raises what building raises.
    """
    layer = next(filter(None, (packet.getlayer(each) for each in (FzP2p, FzP2pRefused))), packet)
    if isinstance(packet, KindLayer):
        layer = packet.underlayer or FzP2p() / packet
    carrier = layer if isinstance(layer, IPv6) else carrier_of(layer.underlayer) or packet.getlayer(IPv6)
    header = layer if isinstance(layer, FzP2p) else layer.underlayer
    if carrier is not None:
        data = bytes(carrier)
        data = data[: declared_length(data)]
        first = carrier.firstlayer()
        if first.wirelen and first.wirelen > len(first) and declared_length(data) > len(data):
            return decode_truncated(data, dialect())
        return decode(data, dialect())
    if isinstance(header, FzP2p):
        return judge(bytes(header.do_build()), 0, dialect())
    if isinstance(layer, FzP2pRefused):
        problem = "there is no control header before these bytes"
        return decode(b"", dialect())._replace(packet=bytes(layer.load), reason="too_short", error=problem)
    return decode(bytes(packet.getlayer("IP") or packet), dialect())


@lru_cache(maxsize=4)
def _read(kind: Kind, payload: bytes) -> dict[str, Any] | None:
    """The values of an accepted payload: asked for twice, to choose the class and to fill it."""
    return canonical_values(kind, payload)


def carrier_of(layer: Packet | None) -> IPv6 | None:
    """The IPv6 header below, with nothing but its extension headers and ours between."""
    while isinstance(layer, (FzP2p, _IPv6ExtHdr)):
        layer = layer.underlayer
    return layer if isinstance(layer, IPv6) else None


def packet_of(carrier: IPv6) -> bytes:
    """The packet that was read, without what the link appended."""
    return bytes(carrier.original[: declared_length(carrier.original)])
