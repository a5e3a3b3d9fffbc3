"""The client's DNS resource NAT: for which domains a gateway was told proxy IPs, and what it answered.

Upstream: ``tunnel-proto/src/client/dns_resource_nat.rs``. There is no timer: whatever was lost is
repaired by the next update or the next packet, at the earliest 2000 ms after the last sending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Final, NamedTuple

from fzctl.nat.buffer import PacketBuffer
from fzctl.nat.names import name_key, resource_key
from fzctl.protocol.codec import encode
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import ASSIGNED_IPS, DOMAIN, PROXY_IPS, RESOURCE

RESEND_AFTER: Final = 2000
"""Milliseconds after the last sending from which on AssignedIps is repeated, this one included."""

Key = tuple[str, str, str]


class State(Enum):
    """Where the NAT of one domain stands, as the client knows it."""

    PENDING = "pending"
    RECREATING = "recreating"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class Effects(NamedTuple):
    """What comes of an operation.

    ``assigned`` is the AssignedIps packet to send to the entry's gateway. ``released`` are the
    application's packets to be routed now, in their order; ``lost`` those that nobody will see.
    ``buffered``: the packet that was handed in waits for the gateway's answer.
    """

    assigned: bytes | None = None
    released: tuple[bytes, ...] = ()
    lost: tuple[bytes, ...] = ()
    buffered: bool = False


class Entry(NamedTuple):
    """One domain of one resource behind one gateway, for people to see.

    ``buffering``: packets wait, or will once a recreating entry is pending.
    ``sent_at`` is when AssignedIps went out last, ``sent_count`` how often; ``waiting`` packets
    are buffered.
    """

    gateway: str
    domain: str
    resource: str
    proxy_ips: tuple[str, ...]
    state: State
    buffering: bool
    sent_at: int
    sent_count: int
    waiting: int


class ClientNat:
    """All entries of one client. Gateways are named by any text, resources by UUID."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}

    def update(
        self,
        gateway: str,
        domain: str,
        resource: str,
        proxy_ips: Sequence[str],
        now: int,
        packets: Iterable[bytes] = (),
    ) -> Effects:
        """The domain is in use: make sure that the gateway knows its proxy IPs.

        ``packets`` waited for the resource's authorization. The packet with the proxy IPs is built
        once, later ones do not count until the entry is gone. Raises EncodeError where a sender
        could not send them; then nothing changes.
        """
        waited = tuple(packets)
        key = _key(gateway, domain, resource)
        entry = self._entries.get(key)
        if entry is None:
            values = {RESOURCE.name: resource, DOMAIN.name: domain, PROXY_IPS.name: list(proxy_ips)}
            packet = encode(ASSIGNED_IPS, values)
            entry = self._entries[key] = _Entry(domain, tuple(proxy_ips), packet)
        elif entry.state in (State.CONFIRMED, State.FAILED):
            return Effects(lost=waited)
        lost = tuple(entry.buffer.extend(waited))
        if entry.state is State.RECREATING:
            entry.state = State.PENDING
            return Effects(entry.send(now), lost=lost)
        return Effects(entry.resend(now), lost=lost)

    def handle_outgoing(self, gateway: str, domain: str, resource: str, packet: bytes, now: int) -> Effects:
        """An application's packet to one of the domain's proxy IPs."""
        entry = self._entries.get(_key(gateway, domain, resource))
        if entry is None or entry.state is not State.PENDING:
            return Effects(released=(packet,))
        assigned = entry.resend(now)
        if not entry.buffering:
            return Effects(assigned, released=(packet,))
        lost = entry.buffer.push(packet)
        return Effects(assigned, lost=() if lost is None else (lost,), buffered=True)

    def recreate(self, domain: str) -> None:
        """Somebody asked for the domain's addresses: the next update makes the gateway resolve it anew."""
        wanted = name_key(domain)
        for key, entry in self._entries.items():
            if key[1] == wanted and entry.state in (State.CONFIRMED, State.FAILED):
                entry.buffering = entry.state is State.FAILED
                entry.state = State.RECREATING

    def on_domain_status(self, gateway: str, domain: str, resource: str, status: str) -> Effects:
        """A gateway's DomainStatus; every status but Active means that the NAT failed."""
        entry = self._entries.get(_key(gateway, domain, resource))
        if entry is None:
            return Effects()
        packets = entry.buffer.drain()
        if status == Status.ACTIVE:
            entry.state = State.CONFIRMED
            return Effects(released=packets)
        entry.state = State.FAILED
        return Effects(lost=packets)

    def clear_by_gateway(self, gateway: str) -> Effects:
        """The connection to a gateway closed, failed or was ended by a Goodbye."""
        return self._clear(lambda key: key[0] == gateway)

    def clear_by_resource(self, resource: str) -> Effects:
        """A resource was disabled or removed."""
        wanted = resource_key(resource)
        return self._clear(lambda key: key[2] == wanted)

    def entries(self) -> list[Entry]:
        """All entries, in the order in which they were made."""
        return [
            Entry(
                gateway, entry.domain, resource, entry.proxy_ips, entry.state, entry.is_buffering,
                entry.sent_at, entry.sent_count, len(entry.buffer),
            )
            for (gateway, _, resource), entry in self._entries.items()
        ]  # fmt: skip

    def state(self, gateway: str, domain: str, resource: str) -> State | None:
        """Where one entry stands; ``None`` where there is none."""
        entry = self._entries.get(_key(gateway, domain, resource))
        return None if entry is None else entry.state

    def _clear(self, is_gone: Callable[[Key], bool]) -> Effects:
        lost: list[bytes] = []
        for key in [key for key in self._entries if is_gone(key)]:
            lost += self._entries.pop(key).buffer.drain()
        return Effects(lost=tuple(lost))


class _Entry:
    __slots__ = (
        "buffer", "buffering", "domain", "packet", "proxy_ips", "sent_at", "sent_count", "state",
    )  # fmt: skip

    def __init__(self, domain: str, proxy_ips: tuple[str, ...], packet: bytes) -> None:
        self.domain = domain
        self.proxy_ips = proxy_ips
        self.packet = packet
        self.state = State.RECREATING  # until the first sending, which follows at once
        self.buffering = True
        self.buffer = PacketBuffer()
        self.sent_at = 0
        self.sent_count = 0

    @property
    def is_buffering(self) -> bool:
        return self.buffering and self.state in (State.PENDING, State.RECREATING)

    def send(self, now: int) -> bytes:
        self.sent_at = now
        self.sent_count += 1
        return self.packet

    def resend(self, now: int) -> bytes | None:
        return self.send(now) if now - self.sent_at >= RESEND_AFTER else None


def _key(gateway: str, domain: str, resource: str) -> Key:
    return gateway, name_key(domain), resource_key(resource)
