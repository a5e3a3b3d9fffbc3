"""A WireGuard endpoint's settings, in the form that ``wg setconf`` and ``wg-quick`` read.

``wg(8)``, "Configuration file format"; ``wg-quick(8)``. What only concerns an interface of the
system (DNS, MTU, routes, commands, the firewall's mark) is accepted and left alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fzctl.errors import CarrierError
from fzctl.wireguard.allowed import UNSPECIFIED, AllowedIps, Network, parse_network
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import KEY_SIZE, PrivateKey, Secret, decode_key, encode_key
from fzctl.wireguard.noise import NO_PSK

_MOST: Final = 65535
_IGNORED: Final = frozenset(
    ("fwmark", "dns", "mtu", "table", "preup", "predown", "postup", "postdown", "saveconfig")
)
_SECTION: Final = re.compile(r"\[([A-Za-z]+)\]")
_ENDPOINT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[^\]\s]+)?)\]|([^\s:\[\]]+)):([0-9]{1,5})")
_BASE64_TEXT: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
# Only such words are repeated in an error, longer ones only where they are nearly a setting's: a part of
# a key that lost its place could stand there.
_SPEAKABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,19}")
_SHORT: Final = 7
_SETTINGS: Final = (
    *("privatekey", "listenport", "address", "publickey", "presharedkey", "allowedips", "endpoint"),
    *("persistentkeepalive", *sorted(_IGNORED)),
)


class PeerConfig(NamedTuple):
    """A peer: who it is, where it is, and what may come from it and go to it.

    ``keepalive`` is in seconds, 0 for off. ``line`` is where its section begins in the file.
    """

    public: bytes
    psk: Secret = NO_PSK
    allowed: tuple[Network, ...] = ()
    endpoint: Endpoint | None = None
    keepalive: int = 0
    line: int = 0

    @property
    def key(self) -> str:
        """Its static public key as ``wg`` prints it."""
        return encode_key(self.public)


class Config(NamedTuple):
    """An endpoint: its private key, its UDP port (0: any), its inner addresses, its peers.

    ``name`` is what messages call the file.
    """

    name: str
    static: PrivateKey
    port: int
    addresses: tuple[str, ...]
    peers: tuple[PeerConfig, ...]

    def allowed(self) -> AllowedIps:
        """Whose the inner addresses are."""
        table = AllowedIps()
        for peer in self.peers:
            table.add(peer.allowed, peer.public)
        return table


def parse_config(text: str | bytes, name: str) -> Config:
    """Read a config; ``name`` is what messages call it.

    Raises CarrierError with the number of the line that is wrong and without what stands there.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _Parser(name).parse(text)


def choose_peer(config: Config, key: str | None = None) -> PeerConfig:
    """The peer to talk to: the one with that public key, or who gets control messages, or the only one.

    Raises CarrierError where there is none or it is not clear.
    """
    if key is not None:
        for peer in config.peers:
            if peer.key == key:
                return peer
        raise _refusal(
            config.name, "it has no peer with the public key that was asked for; compare the PublicKey lines"
        )
    if len(config.peers) == 1:
        return config.peers[0]
    if not config.peers:
        raise _refusal(config.name, "it has no [Peer] section; add one with the PublicKey of the other end")
    owner = config.allowed().owner(UNSPECIFIED)
    for peer in config.peers:
        if peer.public == owner:
            return peer
    problem = (
        f"of its {len(config.peers)} peers none has ::/128 in its AllowedIPs, so nobody knows whom control "
        "messages are for; add ::/128 to one of them or name a peer by its public key"
    )
    raise _refusal(config.name, problem)


def lacks_unspecified(config: Config, peer: PeerConfig) -> str | None:
    """A warning where a peer's AllowedIPs do not let control messages through; None where they do."""
    if config.allowed().owner(UNSPECIFIED) == peer.public:
        return None
    return (
        f"{config.name}: the AllowedIPs of peer {peer.key} lack ::/128, the addresses of control messages: "
        "fzctl sends and takes them all the same, WireGuard would not; the other end needs ::/128 for us, too"
    )


class _Parser:
    """Line after line into the fields of the section that it stands in."""

    def __init__(self, name: str) -> None:
        self._name: Final = name
        self._line = 0
        self._section = ""
        self._static: PrivateKey | None = None
        self._port = 0
        self._addresses: list[str] = []
        self._peers: list[dict[str, Any]] = []

    def parse(self, text: str) -> Config:
        for self._line, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            line = line.partition("#")[0].strip()
            if line.startswith("["):
                self._begin(line)
            elif line:
                self._take(line)
        if self._static is None:
            problem = "it has no PrivateKey in a section [Interface]; `wg genkey` makes one"
            raise _refusal(self._name, problem)
        taken = Counter(peer.get("public") for peer in self._peers)
        peers = tuple(self._finish(peer, self._static, taken) for peer in self._peers)
        return Config(self._name, self._static, self._port, tuple(self._addresses), peers)

    def _begin(self, line: str) -> None:
        found = _SECTION.fullmatch(line)
        self._section = found[1].lower() if found else ""
        if self._section not in ("interface", "peer"):
            raise self._wrong("this section is neither [Interface] nor [Peer]")
        if self._section == "peer":
            self._peers.append({"line": self._line})

    def _take(self, line: str) -> None:
        word, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise self._wrong("this is neither a section nor KEY = VALUE")
        if not self._section:
            raise self._wrong("a setting before the first section; begin with [Interface]")
        if not value and word.lower() not in ("allowedips", *_IGNORED):
            raise self._wrong(f"{self._speak(word)} has no value")
        if self._section == "interface":
            self._take_interface(word, value)
        else:
            self._take_peer(word, value, self._peers[-1])

    def _take_interface(self, word: str, value: str) -> None:
        key = word.lower()
        if key == "privatekey":
            self._static = PrivateKey(self._key(word, value))
            if not any(self._static.raw):
                raise self._wrong(f"{word} is all zeros, which stands for no key; `wg genkey` makes one")
        elif key == "listenport":
            self._port = self._number(word, value)
        elif key == "address":
            self._addresses += self._items(value)
        elif key not in _IGNORED:
            raise self._wrong(f"{self._speak(word)} is no setting of an [Interface]")

    def _take_peer(self, word: str, value: str, peer: dict[str, Any]) -> None:
        key = word.lower()
        if key == "publickey":
            peer["public"] = self._key(word, value)
        elif key == "presharedkey":
            peer["psk"] = Secret(self._key(word, value))
        elif key == "allowedips":
            peer.setdefault("allowed", []).extend(map(self._network, self._items(value)))
        elif key == "endpoint":
            peer["endpoint"] = self._endpoint(value)
        elif key == "persistentkeepalive":
            peer["keepalive"] = 0 if value.lower() == "off" else self._number(word, value)
        else:
            raise self._wrong(f"{self._speak(word)} is no setting of a [Peer]")

    def _finish(
        self, fields: dict[str, Any], static: PrivateKey, taken: Mapping[bytes | None, int]
    ) -> PeerConfig:
        self._line = fields["line"]
        if "public" not in fields:
            raise self._wrong("this [Peer] has no PublicKey")
        peer = PeerConfig(**{**fields, "allowed": tuple(fields.get("allowed", ()))})
        if peer.public == static.public:
            raise self._wrong(
                "this [Peer] has the public key of our own PrivateKey: it needs that of the other end"
            )
        if static.exchange(peer.public) is None:
            raise self._wrong(
                "the PublicKey of this [Peer] is one that nobody can hold; copy it anew from the other end"
            )
        if taken[peer.public] > 1:
            raise self._wrong("this [Peer] has the PublicKey of another one; join the two sections")
        return peer

    def _key(self, word: str, value: str) -> bytes:
        raw = decode_key(value)
        if raw is not None:
            return raw
        remedy = "copy all 44 characters that `wg` prints"
        if not _BASE64_TEXT.fullmatch(value):
            raise self._wrong(f"the value of {word} is not base64; {remedy}")
        size = len(value.rstrip("=")) * 3 // 4
        if size == KEY_SIZE:
            raise self._wrong(f"the value of {word} does not end as base64 ends; {remedy}")
        raise self._wrong(f"the value of {word} has {size} bytes and not {KEY_SIZE}; {remedy}")

    def _number(self, word: str, value: str) -> int:
        # Six digits are enough to tell; int() refuses texts of thousands.
        number = int(value.lstrip("0")[:6] or "0") if value.isascii() and value.isdigit() else None
        if number is None or number > _MOST:
            raise self._wrong(f"{word} is no number from 0 to {_MOST}")
        return number

    def _items(self, value: str) -> list[str]:
        return [item.strip() for item in value.split(",") if item.strip()]

    def _network(self, text: str) -> Network:
        network = parse_network(text)
        if network is None:
            raise self._wrong(
                "AllowedIPs holds what is no address with a prefix, such as 10.0.0.0/8 or ::/128"
            )
        return network

    def _endpoint(self, value: str) -> Endpoint:
        found = _ENDPOINT.fullmatch(value)
        if found is None or not 0 < int(found[3]) <= _MOST:
            raise self._wrong("Endpoint is neither HOST:PORT nor [IPV6]:PORT")
        if found[1] is not None:
            try:
                ipaddress.IPv6Address(found[1])
            except ValueError:
                raise self._wrong("Endpoint has in brackets what is no IPv6 address") from None
        return found[1] or found[2], int(found[3])

    def _speak(self, word: str) -> str:
        from difflib import get_close_matches

        is_short = len(word) <= _SHORT
        if _SPEAKABLE.fullmatch(word) and (is_short or get_close_matches(word.lower(), _SETTINGS)):
            return word
        return "what stands before the ="

    def _wrong(self, problem: str) -> CarrierError:
        return _refusal(self._name, f"line {self._line}: {problem}")


def _refusal(name: str, problem: str) -> CarrierError:
    return CarrierError("use", name, problem)
