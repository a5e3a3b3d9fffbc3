"""A peer of our own out of a config file: read, resolved, with its sockets and its files."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from typing import Final

from fzctl.carriers.peer import PeerCarrier, silent
from fzctl.carriers.recording import CaptureFile, KeyLogFile
from fzctl.carriers.sockets import Datagrams, UdpSockets, resolve
from fzctl.errors import CarrierError
from fzctl.wireguard.config import Config, PeerConfig, choose_peer, parse_config
from fzctl.wireguard.relay import Relay
from fzctl.wireguard.turnuri import TurnServer

_MOST_BYTES: Final = 1024 * 1024


def load_config(path: str, warn: Callable[[str], None]) -> Config:
    """Read a config file; a warning where others can read its keys. Raises CarrierError."""
    text = _read_private(path, "no WireGuard config", "keys", warn)
    return parse_config(text, path)


def load_password(path: str, warn: Callable[[str], None]) -> str:
    """Read a password, the first line of a file; a warning where others can read it. Raises CarrierError."""
    text = _read_private(path, "no file of a password", "password", warn).decode("utf-8", "surrogateescape")
    password = text.partition("\n")[0].removesuffix("\r")
    if not password:
        raise CarrierError("use", path, "its first line is empty and no password")
    return password


def open_peer(
    path: str,
    *,
    key: str | None = None,
    keylog: str | None = None,
    capture: str | None = None,
    turn: TurnServer | None = None,
    password: str = "",
    warn: Callable[[str], None] = silent,
    sockets: Callable[[int], Datagrams] = UdpSockets,
) -> PeerCarrier:
    """The peer that a config describes, ready to ``connect`` or to ``wait``.

    ``key`` is the public key of the other end where the config has several peers. ``keylog`` and
    ``capture`` are files to write. All goes through the relay ``turn``, opened by ``password``, where
    there is one. Raises CarrierError.
    """
    config = load_config(path, warn)
    wanted = choose_peer(config, key)
    peers = tuple(_resolved(peer, path) for peer in config.peers)
    config = config._replace(peers=peers)
    target = next(peer for peer in peers if peer.public == wanted.public)
    server = None if turn is None else resolve((turn.host, turn.port), "the host of --turn")
    with contextlib.ExitStack() as undo:
        log = KeyLogFile(keylog) if keylog is not None else None
        if log is not None:
            undo.callback(log.close)
        written = CaptureFile(capture) if capture is not None else None
        if written is not None:
            undo.callback(written.close)
        network = sockets(config.port)
        undo.callback(network.close)
        relay = None if turn is None else _relay_to(target, turn, password)
        carrier = PeerCarrier(
            config, target, network, relay=relay, server=server, keylog=log, capture=written, warn=warn
        )
        undo.pop_all()
    return carrier


def _relay_to(target: PeerConfig, turn: TurnServer, password: str) -> Relay:
    """A relay has to have an address of the peer's IP version, however we reach the relay itself."""
    family = 6 if target.endpoint is not None and ":" in target.endpoint[0] else 4
    return Relay(turn.place, turn.user, password, os.urandom, family=family)


def _resolved(peer: PeerConfig, path: str) -> PeerConfig:
    if peer.endpoint is None:
        return peer
    return peer._replace(endpoint=resolve(peer.endpoint, f"the Endpoint in {path}"))


def _read_private(path: str, otherwise: str, what: str, warn: Callable[[str], None]) -> bytes:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CarrierError("read", path, error.strerror or str(error)) from None
    if len(text) > _MOST_BYTES:
        raise CarrierError("read", path, f"it is {otherwise}: it has more than {_MOST_BYTES} bytes")
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"{path}: others can read the {what} in it (chmod 600 takes that away)")
    return text
