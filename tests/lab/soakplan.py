"""What is soaked, and how hard."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.lab.rough import Roughness


class Tunnel(NamedTuple):
    """What is soaked: who we are, over which IP version, whose limits.

    With ``verb`` our end is the command. The relay's ports change every ``moves`` seconds. With ``turn``
    the rough path leads to coturn, and from there on all is smooth.
    """

    name: str
    role: str
    version: int = 4
    verb: bool = False
    rekey_after: float | None = None
    rekey_messages: int | None = None
    rekey_timeout: float | None = None
    moves: float | None = None
    turn: bool = False


TUNNELS: Final = (
    Tunnel("client", "client"),
    Tunnel("gateway", "gateway", version=6),
    Tunnel("client-forced", "client", version=6, rekey_after=12.0, rekey_messages=1500, moves=60.0),
    Tunnel("gateway-forced", "gateway", rekey_messages=400, moves=60.0),
    Tunnel("client-hasty", "client", rekey_after=1.0, rekey_timeout=1.0, moves=5.0),
    Tunnel("gateway-hasty", "gateway", version=6, rekey_messages=30, rekey_timeout=1.0, moves=5.0),
    Tunnel("client-turn", "client", rekey_after=30.0, turn=True),
    Tunnel("client-verb", "client", verb=True),
    Tunnel("gateway-verb", "gateway", verb=True),
)


class Scale(NamedTuple):
    """How much is going on at each tunnel."""

    seconds: float
    domains: int = 40
    refresh: float = 10.0
    rate: float = 10.0
    look: float = 10.0
    seed: int = 1
    how: Roughness = Roughness()
    netem: bool = False
