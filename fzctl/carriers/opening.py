"""A peer of our own out of a config file: read, resolved, with its sockets and its files."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from typing import Final

from fzctl.carriers.peer import PeerCarrier, Relay, silent
from fzctl.carriers.recording import CaptureFile, KeyLogFile
from fzctl.carriers.sockets import Datagrams, UdpSockets, resolve
from fzctl.errors import CarrierError
from fzctl.wireguard.config import Config, PeerConfig, choose_peer, parse_config
from fzctl.wireguard.endpoints import Endpoint

_MOST_BYTES: Final = 1024 * 1024


def load_config(path: str, warn: Callable[[str], None]) -> Config:
    """Read a config file; a warning where others can read its keys. Raises CarrierError."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CarrierError("read", path, error.strerror or str(error)) from None
    if len(text) > _MOST_BYTES:
        raise CarrierError("read", path, f"it is no WireGuard config: it has more than {_MOST_BYTES} bytes")
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"{path}: others can read the keys in it (chmod 600 takes that away)")
    return parse_config(text, path)


def open_peer(
    path: str,
    *,
    key: str | None = None,
    keylog: str | None = None,
    capture: str | None = None,
    relay: Relay | None = None,
    server: Endpoint | None = None,
    warn: Callable[[str], None] = silent,
    sockets: Callable[[int], Datagrams] = UdpSockets,
) -> PeerCarrier:
    """The peer that a config describes, ready to ``connect`` or to ``wait``.

    ``key`` is the public key of the other end where the config has several peers. ``keylog`` and
    ``capture`` are files to write. Raises CarrierError.
    """
    config = load_config(path, warn)
    wanted = choose_peer(config, key)
    peers = tuple(_resolved(peer, path) for peer in config.peers)
    config = config._replace(peers=peers)
    target = next(peer for peer in peers if peer.public == wanted.public)
    with contextlib.ExitStack() as undo:
        log = KeyLogFile(keylog) if keylog is not None else None
        if log is not None:
            undo.callback(log.close)
        written = CaptureFile(capture) if capture is not None else None
        if written is not None:
            undo.callback(written.close)
        network = sockets(config.port)
        undo.callback(network.close)
        carrier = PeerCarrier(
            config, target, network, relay=relay, server=server, keylog=log, capture=written, warn=warn
        )
        undo.pop_all()
    return carrier


def _resolved(peer: PeerConfig, path: str) -> PeerConfig:
    return peer if peer.endpoint is None else peer._replace(endpoint=resolve(peer.endpoint, path))
