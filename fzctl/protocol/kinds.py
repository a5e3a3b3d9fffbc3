"""The message kinds, each declared once.

The codec, the scapy classes, the command line, the dissector, the JSON names and the table in
README all come from the declarations here. Upstream: ``FzP2pEventType`` in
``ip-packet/src/fz_p2p_control.rs`` and the message structs in ``p2p_control.rs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fzctl.protocol.fields import U16, Column, Domain, Field, Ip, IpList, Protocol, Status, Uuid

DIALECTS: Final = ("seed", "current", "next")
AUTO: Final = "auto"
CLIENT: Final = "client"
GATEWAY: Final = "gateway"
ROLES: Final = (CLIENT, GATEWAY)


class Kind(NamedTuple):
    """One kind of message in the dialects that have it.

    A kind without fields has no payload: none is sent, and any is accepted. ``answers`` names
    the kind that this one answers, by convention and not on the wire. ``handled_by`` are the
    roles that do something about it (``gateway.rs`` and ``client.rs``, ``handle_network_input``);
    another one drops it with a line in its debug log.
    """

    number: int
    name: str
    title: str
    dialects: tuple[str, ...]
    fields: tuple[Field, ...]
    sentence: str
    answers: str | None = None
    handled_by: tuple[str, ...] = ROLES

    @property
    def command(self) -> str:
        """The name on the command line."""
        return self.name.replace("_", "-")

    def members(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Values by field, some may be missing, as members of a record's ``fields``."""
        members: dict[str, Any] = {}
        for field in self.fields:
            if field.name in found:
                members.update(field.type.to_json(field.name, found[field.name]))
        return members


RESOURCE: Final = Field("resource", Uuid(), "Resource")
DOMAIN: Final = Field("domain", Domain(), "Domain")

PROXY_IPS: Final = Field("proxy_ips", IpList(option="ip", column="proxy_ip", sent_counts=(4, 8)), "Proxy IPs")
STATUS: Final = Field("status", Status(), "NAT status")

ASSIGNED_IPS: Final = Kind(
    number=0,
    name="assigned_ips",
    title="AssignedIps",
    dialects=("current", "next"),
    fields=(RESOURCE, DOMAIN, PROXY_IPS),
    sentence="A client tells the gateway which proxy IPs it gave to a domain.",
    handled_by=(GATEWAY,),
)
DOMAIN_STATUS: Final = Kind(
    number=1,
    name="domain_status",
    title="DomainStatus",
    dialects=("current", "next"),
    fields=(RESOURCE, DOMAIN, STATUS),
    sentence="A gateway tells whether the NAT for a domain is up.",
    answers="assigned_ips",
    handled_by=(CLIENT,),
)
GOODBYE: Final = Kind(
    number=2,
    name="goodbye",
    title="Goodbye",
    dialects=("current", "next"),
    fields=(),
    sentence="Either side ends the connection.",
)
DESTINATION: Final = Field("dst", Ip(), "Destination")
PROTOCOL: Final = Field("protocol", Protocol(), "Protocol")
NO_AUTHORIZATION: Final = Kind(
    number=3,
    name="no_authorization",
    title="NoAuthorization",
    dialects=("next",),
    fields=(DESTINATION, PROTOCOL),
    sentence="A gateway tells that no authorization covers a packet.",
    handled_by=(CLIENT,),
)

KINDS: Final[list[Kind]] = [
    ASSIGNED_IPS,
    DOMAIN_STATUS,
    GOODBYE,
    NO_AUTHORIZATION,
    Kind(
        number=0,
        name="request",
        title="Request",
        dialects=("seed",),
        fields=(RESOURCE, DOMAIN, Field("proxy_ips", IpList(option="ip", column="proxy_ip"), "Proxy IPs")),
        sentence="The first dialect's AssignedIps.",
        handled_by=(GATEWAY,),
    ),
    Kind(
        number=1,
        name="response",
        title="Response",
        dialects=("seed",),
        fields=(RESOURCE, DOMAIN, Field("code", U16(), "Code")),
        sentence="The first dialect's DomainStatus, with a number for the status.",
        answers="request",
        handled_by=(CLIENT,),
    ),
]


def find_kind(number: int, dialect: str) -> Kind | None:
    """The kind that ``dialect`` has under ``number``, or ``None``."""
    for kind in KINDS:
        if kind.number == number and dialect in kind.dialects:
            return kind
    return None


def kind_by_name(name: str) -> Kind | None:
    """The kind of that name, or ``None``; names are unique over all dialects."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    return None


def columns() -> dict[str, Column]:
    """The filter columns of all kinds' fields, by name, in the order of declaration."""
    return {column.name: column for kind in KINDS for field in kind.fields for column in field.columns()}
