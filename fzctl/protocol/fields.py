"""The types that a message's field may have.

A type knows everything about its values: how they are read from JSON and written to it, what
their compact form looks like, what their columns in filters are called, how people give them
on a command line and read them. Whatever shows or builds messages asks here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.protocol.reasons import Refusal

# Values are parsed where the codec's fast path does not suffice, and nothing is loaded before.
if TYPE_CHECKING:
    from fzctl.protocol.reader import Reader

MAX_U16: Final = 0xFFFF


class Column(NamedTuple):
    """One field of filters and of Wireshark: ``fzp2p.<name>``.

    ``kind`` is ``guid``, ``string``, ``ipv4``, ``ipv6`` or ``uint16``; ``pick`` takes the JSON
    values of a message and gives the column's values.
    """

    name: str
    kind: str
    label: str
    pick: Callable[[Mapping[str, Any]], Sequence[Any]]


class Option(NamedTuple):
    """One command-line option that gives a field's value; ``many`` takes several values."""

    flag: str
    metavar: str | None
    help: str
    many: bool = False
    required: bool = True


class FieldType(ABC):
    """How one kind of value behaves on the wire, in filters and before people."""

    @abstractmethod
    def read(self, reader: Reader) -> Any:
        """The value at the reader's position, canonical. Raises Refusal."""

    @abstractmethod
    def encode(self, value: Any) -> str:
        """The value as JSON text, as a sender writes it. Raises EncodeError."""

    @abstractmethod
    def encode_anything(self, value: Any) -> str:
        """The value as JSON text even where no sender would send it (``--force``)."""

    @abstractmethod
    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        """The filter columns of a field of this type."""

    @abstractmethod
    def options(self, name: str, label: str) -> tuple[Option, ...]:
        """The command-line options for a field of this type."""

    def from_options(self, name: str, given: Mapping[str, Any]) -> Any:
        """The value out of parsed options, by the names of :meth:`options`."""
        return given[self.options(name, "")[0].flag]

    def compact(self) -> str | None:
        """A regular expression for canonical JSON text whose JSON value is the value itself.

        It may leave out unusual values, which are then read strictly; ``None``: leave out all.
        """
        return None

    def to_json(self, name: str, value: Any) -> dict[str, Any]:
        """The value as members of the record's ``fields`` object."""
        return {name: value}

    def from_json(self, name: str, members: Mapping[str, Any]) -> Any:
        """The value back from members of a ``fields`` object."""
        return members[name]

    def texts(self, value: Any) -> list[str]:
        """The value in lines for people."""
        return [str(value)]


class Field(NamedTuple):
    """One field of a message: its JSON name, its type and what people call it."""

    name: str
    type: FieldType
    label: str

    def columns(self) -> tuple[Column, ...]:
        return self.type.columns(self.name, self.label)

    def options(self) -> tuple[Option, ...]:
        return self.type.options(self.name, self.label)


class _Text(FieldType):
    """A JSON string that a parser canonicalises."""

    kind = "string"
    expected = "a string"
    metavar = "TEXT"

    @staticmethod
    @abstractmethod
    def parse(text: str) -> str:
        """The canonical text. Raises Refusal."""

    def read(self, reader: Reader) -> Any:
        return reader.read_text(self.parse, self.expected)

    def encode(self, value: Any) -> str:
        try:
            return json_string(self.parse(str(value)))
        except Refusal as refusal:
            raise EncodeError(str(refusal)) from None

    def encode_anything(self, value: Any) -> str:
        return json_string(str(value))

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return (Column(name, self.kind, label, lambda members: _present(members, name)),)

    def options(self, name: str, label: str) -> tuple[Option, ...]:
        return (Option(name, self.metavar, label),)


class Uuid(_Text):
    """A UUID, lower-case and hyphenated (``ResourceId``)."""

    kind = "guid"
    expected = "a UUID"
    metavar = "UUID"

    @staticmethod
    def parse(text: str) -> str:
        from fzctl.protocol.values import parse_uuid

        return parse_uuid(text)

    def compact(self) -> str:
        # Spelled out, because a group that repeats is slower than its text.
        digits = "[0-9a-f]{4}"
        return f'"[0-9a-f]{{8}}-{digits}-{digits}-{digits}-[0-9a-f]{{12}}"'


class Domain(_Text):
    """A domain name in presentation form, case kept (``DomainName``)."""

    expected = "a domain name"
    metavar = "NAME"

    @staticmethod
    def parse(text: str) -> str:
        from fzctl.protocol.values import parse_domain

        return parse_domain(text)

    def compact(self) -> str:
        label = "[A-Za-z0-9_*-]{1,63}+"
        return rf'"(?=[^"]{{1,253}}"){label}(?:\.{label})*+"'


class Ip(_Text):
    """An IPv4 or IPv6 address."""

    expected = "an IP address"
    metavar = "IP"

    @staticmethod
    def parse(text: str) -> str:
        from fzctl.protocol.values import parse_ip

        return parse_ip(text)

    def compact(self) -> str:
        octet = "(?:1[0-9]{0,2}|2(?:[0-4][0-9]?|5[0-5]?|[6-9])?|[3-9][0-9]?|0)"
        hextet = "[1-9a-f][0-9a-f]{0,3}+"
        # Of IPv6 only the resource range, where the place of "::" is known beforehand.
        ipv6 = rf"fd00:2021:1111:8000::(?:{hextet}(?::(?:0|{hextet}))?+)?+"
        return rf'"(?:{ipv6}|{octet}\.{octet}\.{octet}\.{octet})"'

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return _ip_columns(f"{name}_ip", label, lambda members: _present(members, name))


class IpList(FieldType):
    """Any number of addresses; a sender gives as many as ``sent_counts`` allows, if it tells.

    ``option`` and ``column`` are the names of one address on the command line and in filters.
    """

    def __init__(self, option: str, column: str, sent_counts: tuple[int, ...] = ()) -> None:
        self.option = option
        self.column = column
        self.sent_counts = sent_counts

    def read(self, reader: Reader) -> Any:
        return reader.read_array(_IP.read)

    def encode(self, value: Any) -> str:
        if not isinstance(value, list | tuple):
            raise EncodeError(f"proxy IPs are a list of addresses, not {value!a}")
        if self.sent_counts and len(value) not in self.sent_counts:
            counts = " or ".join(map(str, self.sent_counts))
            raise EncodeError(f"a sender gives {counts} proxy IPs, not {len(value)}")
        return "[" + ",".join(map(_IP.encode, value)) + "]"

    def encode_anything(self, value: Any) -> str:
        if not isinstance(value, list | tuple):
            return json_string(str(value))
        return "[" + ",".join(map(_IP.encode_anything, value)) + "]"

    def compact(self) -> str:
        one = _IP.compact()
        return rf"\[(?:{one}(?:,{one})*+)?\]"

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return _ip_columns(self.column, label, lambda members: members.get(name, ()))

    def options(self, name: str, label: str) -> tuple[Option, ...]:
        return (
            Option(self.option, "IP", label, many=True, required=False),
            Option(f"{self.option}_count", "4|8", "as many from the resource ranges", required=False),
        )

    def from_options(self, name: str, given: Mapping[str, Any]) -> Any:
        addresses, count = given.get(self.option), given.get(f"{self.option}_count")
        from fzctl.protocol.ranges import proxy_ips

        if (addresses is None) == (count is None):
            raise EncodeError(f"give either --{self.option} IP ... or --{self.option}-count 4|8")
        if count is None:
            return addresses
        number = _whole_number(count)
        if number is None:
            raise EncodeError(f"--{self.option}-count is 4 or 8, not {count!a}")
        return proxy_ips(number)

    def texts(self, value: Any) -> list[str]:
        return list(value)


class Status(FieldType):
    """``NatStatus``: Active, and everything else is Inactive (``#[serde(other)]``)."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"

    def read(self, reader: Reader) -> Any:
        return reader.read_enum(self._identify, {self.ACTIVE: {}, self.INACTIVE: {}})[0]

    def encode(self, value: Any) -> str:
        if value not in (self.ACTIVE, self.INACTIVE):
            raise EncodeError(f"a status is {self.ACTIVE} or {self.INACTIVE}, not {value!a}")
        return json_string(value)

    def encode_anything(self, value: Any) -> str:
        return json_string(str(value))

    def compact(self) -> str:
        return f'"(?:{self.ACTIVE}|{self.INACTIVE})"'

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return (Column(name, "string", label, lambda members: _present(members, name)),)

    def options(self, name: str, label: str) -> tuple[Option, ...]:
        return (Option(name, f"{self.ACTIVE}|{self.INACTIVE}", label),)

    def _identify(self, text: str) -> str:
        return self.ACTIVE if text == self.ACTIVE else self.INACTIVE


class U16(FieldType):
    """An unsigned number of 16 bits."""

    def read(self, reader: Reader) -> Any:
        return reader.read_unsigned(MAX_U16, "a whole number up to 65535")

    def encode(self, value: Any) -> str:
        number = _whole_number(value)
        if number is None or not 0 <= number <= MAX_U16:
            raise EncodeError(f"{value!a} is no whole number from 0 to {MAX_U16}")
        return str(number)

    def encode_anything(self, value: Any) -> str:
        number = _whole_number(value)
        return json_string(str(value)) if number is None else str(number)

    def compact(self) -> str:
        return "(?:0|[1-9][0-9]{0,3})"

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return (Column(name, "uint16", label, lambda members: _present(members, name)),)

    def options(self, name: str, label: str) -> tuple[Option, ...]:
        return (Option(name, "N", label),)


class Protocol(FieldType):
    """What an unauthorized packet was: TCP or UDP with its port, or ICMP.

    In the record two members, the name and ``dst_port`` (null for ICMP). Upstream: enum
    ``Protocol`` of ``authorization_required`` (branch of dialect ``next``).
    """

    PORT = "dst_port"
    WITH_PORT = ("tcp", "udp")
    ICMP = "icmp"

    def read(self, reader: Reader) -> Any:
        port = {self.PORT: _U16.read}
        name, content = reader.read_enum(
            self._identify, {**dict.fromkeys(self.WITH_PORT, port), self.ICMP: {}}
        )
        return name, content.get(self.PORT)

    def encode(self, value: Any) -> str:
        name, port = value
        if name == self.ICMP:
            return json_string(name)
        if name not in self.WITH_PORT:
            raise EncodeError(f"the protocol is tcp, udp or icmp, not {name!a}")
        return f'{{"{name}":{{"{self.PORT}":{_U16.encode(port)}}}}}'

    def encode_anything(self, value: Any) -> str:
        name, port = value
        if port is None:
            return json_string(str(name))
        return f'{{{json_string(str(name))}:{{"{self.PORT}":{_U16.encode_anything(port)}}}}}'

    def to_json(self, name: str, value: Any) -> dict[str, Any]:
        return {name: value[0], self.PORT: value[1]}

    def from_json(self, name: str, members: Mapping[str, Any]) -> Any:
        return members[name], members.get(self.PORT)

    def columns(self, name: str, label: str) -> tuple[Column, ...]:
        return (
            Column(name, "string", label, lambda members: _present(members, name)),
            Column(self.PORT, "uint16", "Destination port", lambda members: _present(members, self.PORT)),
        )

    def options(self, name: str, label: str) -> tuple[Option, ...]:
        ports = tuple(
            Option(each, "PORT", f"{each.upper()} to this port", required=False) for each in self.WITH_PORT
        )
        return (*ports, Option(self.ICMP, None, "ICMP", required=False))

    def from_options(self, name: str, given: Mapping[str, Any]) -> Any:
        chosen = [
            each
            for each in (*self.WITH_PORT, self.ICMP)
            if given.get(each) is not None and given[each] is not False
        ]
        if len(chosen) != 1:
            raise EncodeError("give one of --tcp PORT, --udp PORT and --icmp")
        return chosen[0], None if chosen[0] == self.ICMP else given[chosen[0]]

    def texts(self, value: Any) -> list[str]:
        name, port = value
        return [name if port is None else f"{name} port {port}"]

    def _identify(self, text: str) -> str:
        if text not in (*self.WITH_PORT, self.ICMP):
            raise Refusal("unknown_variant", f"{json_string(text)} is none of tcp, udp, icmp")
        return text


def json_string(text: str) -> str:
    """A JSON string as serde_json writes it (``format_escaped_str``): only what must be escaped."""
    return '"' + "".join(map(_escape, text)) + '"'


_SHORT_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_IP: Final = Ip()
_U16: Final = U16()


def _escape(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character < " " or "\ud800" <= character <= "\udfff":
        return f"\\u{ord(character):04x}"
    return character


def _present(members: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = members.get(name)
    return () if value is None else (value,)


def _ip_columns(
    stem: str, label: str, addresses: Callable[[Mapping[str, Any]], Sequence[str]]
) -> tuple[Column, ...]:
    return (
        Column(
            f"{stem}v4",
            "ipv4",
            f"{label} (IPv4)",
            lambda members: [a for a in addresses(members) if ":" not in a],
        ),
        Column(
            f"{stem}v6",
            "ipv6",
            f"{label} (IPv6)",
            lambda members: [a for a in addresses(members) if ":" in a],
        ),
    )


def _whole_number(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20 else None
