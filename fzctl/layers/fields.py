"""One scapy field class for each field type of the declarations.

On the wire a message is one JSON object; each scapy field is one member of it and brings its
own comma, and the braces where it is the first or the last. What a member's text looks like is
the codec's business alone (:func:`fzctl.protocol.codec.encode_payload`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from scapy.base_classes import Gen
from scapy.fields import Field, RawVal
from scapy.packet import Packet
from scapy.volatile import RandChoice, RandIP, RandShort, RandUUID, VolatileValue

from fzctl.protocol import fields
from fzctl.protocol.codec import encode_payload
from fzctl.protocol.kinds import Kind
from fzctl.protocol.ranges import runs_of, show_run

_SHOWN_RANGES: Final = 6


class JsonField(Field[Any, bytes]):
    """One member of a message's JSON object.

    The base class serves any field type; a subclass knows its default, how to take what people
    write (:meth:`convert`), and what ``fuzz()`` puts there.
    """

    __slots__ = ("closing", "member", "opening")
    fallback: ClassVar[Any] = ""

    def __init__(self, kind: Kind, declared: fields.Field) -> None:
        self.opening = b"{" if declared is kind.fields[0] else b","
        self.closing = b"}" if declared is kind.fields[-1] else b""
        self.member = kind._replace(fields=(declared,))
        super().__init__(self.name_of(declared), self.fallback)

    def name_of(self, declared: fields.Field) -> str:
        """The scapy field's name, which is the name of the member in a record."""
        return declared.name

    def convert(self, value: Any) -> Any:
        """One value as a person gives it (text, bytes, an object with a text form)."""
        return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        """Nothing is refused here: scapy's users may build what no sender would send."""
        if isinstance(x, (Gen, VolatileValue, RawVal)):
            return x
        if isinstance(x, list):  # scapy's way to say: one packet for each of these
            return [self.any2i(pkt, each) for each in x]
        return self.fallback if x is None else self.convert(x)

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return repr(x) if isinstance(x, VolatileValue) else printable(str(x))

    def addfield(self, pkt: Any, s: bytes, val: Any) -> bytes:
        members = {**pkt.members(), self.name: val}
        text = encode_payload(self.member, members, force=True)
        return b"".join((s, self.opening, text[1:-1], self.closing))

    def randval(self) -> Any:
        return None


class UuidField(JsonField):
    """A UUID, as text or as :class:`uuid.UUID`."""

    fallback = "00000000-0000-0000-0000-000000000000"

    def randval(self) -> Any:
        return RandUUID()


class DomainField(JsonField):
    """A domain name in presentation form."""

    fallback = "example.com"


class IpField(JsonField):
    """An address, as text or as an :mod:`ipaddress` object; a ``Net`` makes several packets."""

    fallback = "0.0.0.0"

    def randval(self) -> Any:
        return RandIP()


class IpListField(JsonField):
    """Any number of addresses in one packet; a ``Net`` gives all of its addresses."""

    islist = 1
    fallback: ClassVar[Any] = []

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        if isinstance(x, (VolatileValue, RawVal)):
            return x
        if x is None:
            return []
        single = isinstance(x, (str, bytes)) or not isinstance(x, Iterable)
        return [self.convert(each) for each in ([x] if single else x)]

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        if not isinstance(x, list):
            return super().i2repr(pkt, x)
        return "[" + ", ".join(printable(str(each)) for each in x) + "]"


class StatusField(JsonField):
    """The NAT status."""

    fallback = fields.Status.ACTIVE

    def randval(self) -> Any:
        return RandChoice(fields.Status.ACTIVE, fields.Status.INACTIVE)


class U16Field(JsonField):
    """A number; text that is none is kept."""

    fallback: ClassVar[Any] = 0

    def convert(self, value: Any) -> Any:
        try:
            return int(value)
        except ValueError:
            return super().convert(value)

    def randval(self) -> Any:
        return RandShort()


class ProtocolField(JsonField):
    """The protocol's name; it writes the port, too, which stands within its JSON value."""

    fallback = fields.Protocol.ICMP

    def randval(self) -> Any:
        return RandChoice(*fields.Protocol.WITH_PORT, fields.Protocol.ICMP)


class PortField(U16Field):
    """The port of a :class:`ProtocolField`, ``None`` for ICMP."""

    fallback: ClassVar[Any] = None

    def name_of(self, declared: fields.Field) -> str:
        return fields.Protocol.PORT

    def addfield(self, pkt: Any, s: bytes, val: Any) -> bytes:
        return s


_CLASSES: Final[dict[type, tuple[type[JsonField], ...]]] = {
    fields.Uuid: (UuidField,),
    fields.Domain: (DomainField,),
    fields.Ip: (IpField,),
    fields.IpList: (IpListField,),
    fields.Status: (StatusField,),
    fields.U16: (U16Field,),
    fields.Protocol: (ProtocolField, PortField),
}


def scapy_fields(kind: Kind) -> list[JsonField]:
    """The scapy fields of a kind; a field type that is not known here gets a plain text field."""
    return [
        scapy_class(kind, declared)
        for declared in kind.fields
        for scapy_class in next(
            (_CLASSES[each] for each in type(declared.type).__mro__ if each in _CLASSES), (JsonField,)
        )
    ]


def printable(text: str) -> str:
    """Text for a terminal: whatever is not printable ASCII is escaped, so that it stays inert."""
    return "".join(each if " " <= each <= "~" else ascii(each)[1:-1] for each in text)


def short_addresses(addresses: Iterable[Any]) -> str:
    """Addresses for one line: neighbours become a range, ``100.96.0.1..4``; beyond a few they are counted."""
    runs = runs_of(printable(str(address)) for address in addresses)
    left = sum(map(len, runs[_SHOWN_RANGES:]))
    return ", ".join([*map(show_run, runs[:_SHOWN_RANGES]), *([f"{left} more"] if left else [])])
