"""Any WireGuard config gives an endpoint that can begin to speak, or one sentence that shows no key."""

from __future__ import annotations

import re
from typing import Any

from fzctl.errors import CarrierError
from fzctl.wireguard.config import choose_peer, lacks_unspecified, parse_config
from fzctl.wireguard.device import Device
from fzctl.wireguard.keys import encode_key
from tests.wireguard.lab import CONTROL, PSK, A, B, C
from tests.wireguard.wire import EPOCH, Randomness

TOKENS = (
    *(
        b"[Interface]\n",
        b"[Peer]\n",
        b"PrivateKey = ",
        b"PublicKey = ",
        b"PresharedKey = ",
        b"AllowedIPs = ",
        b"Endpoint = ",
    ),
    *(
        b"ListenPort = 51820\n",
        b"PersistentKeepalive = 25\n",
        b"::/128",
        b"10.0.0.0/8, ",
        b"[2001:db8::1]:51820",
        b"[fe80::1%eth0]:1",
    ),
    *(
        b"Address = ",
        b"FwMark = 0x1\n",
        b"PostUp = rm\n",
        b"# ",
        b"\r\n",
        b"\xef\xbb\xbf",
        encode_key(B.public).encode() + b"\n",
    ),
    *(encode_key(bytes(32)).encode(), encode_key(A.raw).encode() + b"\n", b"off\n", b"/", b"%"),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}=*")
_SECTION = re.compile(r"\s*(PrivateKey|PresharedKey)\s*=\s*(\S+)", re.IGNORECASE)


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    secrets = {
        found[2] for line in text.split("\n") if (found := _SECTION.match(line)) and len(found[2]) > 15
    }
    secrets |= set(_BASE64.findall(text)) - {encode_key(each.public) for each in (A, B, C)}
    try:
        config = parse_config(data, "wg.conf")
    except CarrierError as error:
        assert not [each for each in secrets if each in str(error)]
        assert "\n" not in str(error)
        return
    private = {encode_key(config.static.raw), *(encode_key(peer.psk.raw) for peer in config.peers)}
    # A key that somebody gave for a place is none to us.
    peers = tuple(each._replace(endpoint=None) for each in config.peers)
    assert not [each for each in private if each in repr(config._replace(addresses=(), peers=peers))]
    assert 0 <= config.port <= 65535
    assert all(peer.endpoint is None or 0 < peer.endpoint[1] <= 65535 for peer in config.peers)
    assert all(0 <= peer.keepalive <= 65535 and len(peer.public) == 32 for peer in config.peers)
    assert len({peer.public for peer in config.peers}) == len(config.peers)
    target: bytes | None = None
    try:
        peer = choose_peer(config)
    except CarrierError:
        pass
    else:
        target = peer.public
        lacks_unspecified(config, peer)
    device = Device(config, 0.0, EPOCH, Randomness(b"config"), target)
    device.send(CONTROL, 0.0)
    device.receive(bytes(148), ("192.0.2.1", 1), 0.0)
    due = device.next_timeout()
    if due is not None:
        device.handle_timeout(due)
    places = {each.endpoint for each in config.peers}
    assert {place for _, place in device.datagrams()} <= places


def seeds() -> list[bytes]:
    head = f"[Interface]\nPrivateKey = {encode_key(A.raw)}\n"
    peer = f"[Peer]\nPublicKey = {encode_key(B.public)}\nAllowedIPs = 10.0.0.0/8, ::/128\n"
    peer += "Endpoint = 192.0.2.2:51820\n"
    other = f"[peer]\npublickey={encode_key(C.public)}\npresharedkey={encode_key(PSK.raw)}\n"
    other += "allowedips=\nEndpoint=[2001:db8::1]:1\n"
    texts = [
        head + peer,
        head
        + "ListenPort = 51820\nAddress = 10.0.0.1/32, fd00::1/128\nDNS = 1.1.1.1\nMTU = 1280\n"
        + peer
        + other,
        "\ufeff# mine\r\n" + (head + peer + "PersistentKeepalive = 25 # often\n").replace("\n", "\r\n"),
        head + other + "PersistentKeepalive = off\n",
        head,
    ]
    return [text.encode() for text in texts]


def inputs() -> Any:
    from hypothesis import strategies as st

    keys = st.sampled_from([encode_key(each) for each in (A.raw, B.public, C.public, PSK.raw, bytes(32))])
    values = st.one_of(
        keys,
        st.integers(-1, 70000).map(str),
        st.ip_addresses().map(str),
        st.builds("{}/{}".format, st.ip_addresses(), st.integers(0, 129)),
        st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(0, 65536)),
        st.builds("[{}]:{}".format, st.ip_addresses(v=6), st.integers(0, 65536)),
        st.text(max_size=12),
    )
    words = st.sampled_from(
        (
            "PrivateKey",
            "PublicKey",
            "PresharedKey",
            "AllowedIPs",
            "Endpoint",
            "ListenPort",
            "Address",
            "PersistentKeepalive",
            "MTU",
            "Other",
        )
    )
    lines = st.one_of(
        st.builds("{} = {}".format, words, st.lists(values, max_size=3).map(", ".join)),
        st.sampled_from(("[Interface]", "[Peer]", "[Peer", "#", "")),
    )
    sound = st.sampled_from([each.decode() for each in seeds()])
    whole = st.builds(
        lambda start, found: start + "\n".join(found), sound | st.just(""), st.lists(lines, max_size=8)
    )
    return whole.map(lambda text: text.encode("utf-8", "surrogatepass"))
