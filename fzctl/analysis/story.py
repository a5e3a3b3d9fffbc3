"""What an analysis tells: connections, their domains, exchanges and states, sessions and findings.

Values only. Times are nanoseconds since the epoch, ``None`` where the input has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fzctl.analysis.bounded import Kept
from fzctl.analysis.findings import Finding, Spot
from fzctl.analysis.histogram import Summary
from fzctl.analysis.traffic import Traffic
from fzctl.nat.client import State


class Change(NamedTuple):
    """A domain's state from ``spot`` on, as the client must see it; ``None``: it is forgotten.

    ``cause``: ``first`` AssignedIps, ``recreated`` (AssignedIps after a status: a DNS query had come
    before), ``status``, or ``goodbye``. ``buffering``: packets wait meanwhile.
    """

    spot: Spot
    state: State | None
    buffering: bool
    cause: str


class Asked(NamedTuple):
    """One exchange: AssignedIps, its repetitions, and the first answer.

    ``questions`` are the first transmissions, ``question_count`` is their number, ``same_bytes``
    whether all were equal. ``response_time`` counts nanoseconds from the first question.
    """

    number: int
    questions: tuple[Spot, ...]
    question_count: int
    same_bytes: bool
    answer: Spot | None
    status: str | None
    response_time: int | None
    answer_count: int


class Domain(NamedTuple):
    """One domain of one resource in one connection."""

    resource: str
    domain: str
    proxy_ips: tuple[str, ...]
    state: State | None
    buffering: bool
    is_mapped: bool
    changes: Kept[Change]
    exchanges: Kept[Asked]
    questions: int
    retransmissions: int
    answers: int
    unasked: int
    active: int
    inactive: int
    flips: int
    response_times: Summary
    traffic: Mapping[str, Traffic]


class Wipe(NamedTuple):
    """The gateway's table lost ``rows`` proxy IPs, for one of them came for another domain."""

    spot: Spot
    proxy_ip: str
    domain: str
    before: str
    rows: int


class Row(NamedTuple):
    """One proxy IP of the gateway's table, as far as packets show it."""

    proxy_ip: str
    domain: str
    resource: str
    spot: Spot


class Goodbye(NamedTuple):
    """Who ended a connection: ``client`` or ``gateway``, ``None`` where packets do not show it."""

    spot: Spot
    direction: str | None
    role: str | None


class Connection(NamedTuple):
    """One connection between a client and a gateway, over all its WireGuard sessions.

    ``tunnel`` numbers the pairs of peers, ``number`` the connections of one, each ended by a Goodbye.
    ``client`` is the end that is the client, ``a`` or ``b`` of ``direction``. ``kinds`` counts
    messages by their name, ``refused`` those not accepted by their reason.
    """

    tunnel: int
    number: int
    ends: tuple[str, str] | None
    client: str | None
    sessions: tuple[tuple[str | None, int], ...]
    first: Spot
    last: Spot
    goodbye: Goodbye | None
    kinds: Mapping[str, int]
    refused: Mapping[str, int]
    copies: int
    reordered: int
    after_goodbye: int
    other_packets: int
    domains: tuple[Domain, ...]
    table: tuple[Row, ...]
    wipes: Kept[Wipe]


class Session(NamedTuple):
    """One WireGuard session. ``rekeys`` is the session before it in the same tunnel.

    ``control`` and ``paths`` count packets without their copies, ``paths`` by the way they took,
    ``direct`` or ``relayed`` (without a watcher only control messages). The other numbers count
    datagrams: to the responder, to the initiator.
    """

    file: str | None
    number: int
    tunnel: int | None
    ends: tuple[str, str]
    time: int | None
    initiation: int | None
    response: int | None
    rekeys: int | None
    control: int
    paths: Mapping[str, int]
    data: tuple[int, int]
    keepalives: tuple[int, int]
    copies: tuple[int, int]
    undecrypted: tuple[int, int]


class Standing(NamedTuple):
    """Where one domain stood at the moment that was asked for; no ``state``: packets do not show it."""

    tunnel: int
    connection: int
    resource: str
    domain: str
    state: State | None
    buffering: bool
    is_mapped: bool
    since: Spot | None


class Story(NamedTuple):
    """All of it. ``moment`` is there where an analysis was asked for one.

    ``first`` and ``last`` are the times of what it tells; the input goes on until ``end``.
    """

    messages: int
    first: int | None
    last: int | None
    connections: tuple[Connection, ...]
    sessions: tuple[Session, ...]
    unanswered_initiations: tuple[Spot, ...]
    findings: tuple[Finding, ...]
    moment: tuple[Standing, ...] | None
    end: int | None
