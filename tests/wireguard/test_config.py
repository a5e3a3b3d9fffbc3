"""Settings as `wg setconf` and `wg-quick` read them, and a sentence for each thing that is wrong."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EXIT_CARRIER, CarrierError
from fzctl.wireguard.config import Config, choose_peer, lacks_unspecified, parse_config
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.keys import PrivateKey
from fzctl.wireguard.noise import NO_PSK
from tests.wireguard.lab import PSK, A, B, C


def text_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


OURS, PSK_TEXT = text_of(A.raw), text_of(PSK.raw)
TO_B, TO_C = text_of(B.public), text_of(C.public)
HEAD = f"[Interface]\nPrivateKey = {OURS}\n"
PEER = f"[Peer]\nPublicKey = {TO_B}\n"

FULL = f"""\
# the lab's client
[Interface]
PrivateKey = {OURS} # ours
ListenPort = 51820
FwMark = 0x1234
Address = 10.0.0.2/32, fd00::2/128
address = 10.0.0.3/32
DNS = 10.0.0.1
MTU = 1280
Table = off
PreUp = echo hello; echo = x
PostDown = iptables -D FORWARD
SaveConfig = true

[Peer]
PublicKey = {TO_B}
PresharedKey = {PSK_TEXT}
AllowedIPs = 10.0.0.0/24, ::/128
AllowedIPs = 192.168.7.7/16
Endpoint = vpn.example.com:51820
PersistentKeepalive = 25

[Peer]
publickey={TO_C}
ENDPOINT=[2001:db8::1]:7
persistentkeepalive = off
allowedips =
"""


def read(text: str | bytes) -> Config:
    return parse_config(text, "wg.conf")


def wrong(text: str) -> str:
    with pytest.raises(CarrierError) as caught:
        read(text)
    assert caught.value.exit_code == EXIT_CARRIER
    said = str(caught.value)
    assert said.startswith("cannot use wg.conf: ")
    assert "\n" not in said
    return said.removeprefix("cannot use wg.conf: ")


@pytest.mark.parametrize("form", ["as is", "crlf", "bytes", "bom", "upper sections"])
def test_a_whole_config_is_read(form: str) -> None:
    text: str | bytes = FULL
    if form == "crlf":
        text = FULL.replace("\n", "\r\n")
    elif form == "bytes":
        text = FULL.encode()
    elif form == "bom":
        text = b"\xef\xbb\xbf" + FULL.encode()
    elif form == "upper sections":
        text = FULL.replace("[Interface]", "[INTERFACE]").replace("[Peer]", "[peer]")
    config = read(text)
    assert config.name == "wg.conf"
    assert config.static == A
    assert config.port == 51820
    assert config.addresses == ("10.0.0.2/32", "fd00::2/128", "10.0.0.3/32")
    first, second = config.peers
    assert (first.public, first.psk, first.keepalive, first.endpoint) == (
        B.public, PSK, 25, ("vpn.example.com", 51820),
    )  # fmt: skip
    assert [str(network) for network in first.allowed] == ["10.0.0.0/24", "::/128", "192.168.0.0/16"]
    assert first.key == TO_B
    assert (second.public, second.psk, second.keepalive, second.endpoint, second.allowed) == (
        C.public, NO_PSK, 0, ("2001:db8::1", 7), (),
    )  # fmt: skip
    assert [first.line, second.line] == [15, 23]


def test_the_least_config_has_any_port_and_no_peer() -> None:
    config = read(HEAD)
    assert (config.port, config.addresses, config.peers) == (0, (), ())


@pytest.mark.parametrize(
    ("text", "port"), [("0", 0), ("65535", 65535), ("00000051820", 51820), ("0000000", 0)]
)
def test_a_number_may_begin_with_zeros(text: str, port: int) -> None:
    assert read(HEAD + f"ListenPort = {text}\n").port == port


def test_bytes_that_are_no_utf8_matter_only_where_they_are_read() -> None:
    assert read(b"# caf\xe9\n" + HEAD.encode()).static == A
    with pytest.raises(CarrierError, match="line 3: what stands before the = is no setting"):
        read(HEAD.encode() + b"caf\xe9 = 1\n")


def test_no_key_shows_in_its_repr() -> None:
    shown = repr(read(FULL))
    for secret in (A, PSK):
        assert text_of(secret.raw) not in shown
        assert repr(secret.raw) not in shown
    assert shown.count("(hidden)") == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no PrivateKey in a section [Interface]"),
        (PEER, "it has no PrivateKey in a section [Interface]"),
        (f"PrivateKey = {OURS}\n", "line 1: a setting before the first section"),
        ("[Interface\n", "line 1: this section is neither"),
        ("[Wlan]\n", "line 1: this section is neither [Interface] nor [Peer]"),
        ("[Interface]\nPrivateKey\n", "line 2: this is neither a section nor KEY = VALUE"),
        ("[Interface]\nPrivateKey =\n", "line 2: PrivateKey has no value"),
        ("[Interface]\nPrivateKey = abc!\n", "line 2: the value of PrivateKey is not base64; copy all 44"),
        (
            f"[Interface]\nPrivateKey = {OURS[:-8]}\n",
            "line 2: the value of PrivateKey has 27 bytes and not 32",
        ),
        (
            f"[Interface]\nPrivateKey = {OURS[:-1]}\n",
            "line 2: the value of PrivateKey does not end as base64 ends",
        ),
        (f"[Interface]\nPrivateKey = {text_of(bytes(32))}\n", "line 2: PrivateKey is all zeros"),
        (f"[Interface]\nPublicKey = {OURS}\n", "line 2: PublicKey is no setting of an [Interface]"),
        ("[Interface]\nJc = 4\n", "line 2: Jc is no setting of an [Interface]"),
        (f"[Interface]\n{OURS} = 4\n", "line 2: what stands before the = is no setting of an [Interface]"),
        ("[Interface]\nqW3rTzUi0P = 4\n", "line 2: what stands before the = is no setting of an [Interface]"),
        ("[Interface]\nPrivatKey = 4\n", "line 2: PrivatKey is no setting of an [Interface]"),
        ("[Interface]\nListenPort = 65536\n", "line 2: ListenPort is no number from 0 to 65535"),
        ("[Interface]\nListenPort = 00000065536\n", "line 2: ListenPort is no number from 0 to 65535"),
        (f"[Interface]\nListenPort = {'9' * 5000}\n", "line 2: ListenPort is no number from 0 to 65535"),
        (f"[Interface]\nListenPort = 000000{'9' * 5000}\n", "line 2: ListenPort is no number from 0 to"),
        ("[Interface]\nListenPort = wg\n", "line 2: ListenPort is no number from 0 to 65535"),
        (HEAD + "[Peer]\n", "line 3: this [Peer] has no PublicKey"),
        (
            HEAD + f"[Peer]\nPublicKey = {text_of(A.public)}\n",
            "line 3: this [Peer] has the public key of our own",
        ),
        (
            HEAD + f"[Peer]\nPublicKey = {text_of(bytes(32))}\n",
            "line 3: the PublicKey of this [Peer] is one that nobody",
        ),
        (HEAD + PEER + PEER, "line 3: this [Peer] has the PublicKey of another one"),
        (HEAD + PEER + "PrivateKey = x\n", "line 5: PrivateKey is no setting of a [Peer]"),
        (HEAD + "[Peer]\nPublicKey = AAAA\n", "line 4: the value of PublicKey has 3 bytes and not 32"),
        (HEAD + PEER + "PresharedKey = AAAA\n", "line 5: the value of PresharedKey has 3 bytes and not 32"),
        (
            HEAD + PEER + "AllowedIPs = 10.0.0.0/33\n",
            "line 5: AllowedIPs holds what is no address with a prefix",
        ),
        (HEAD + PEER + "Endpoint = example.com\n", "line 5: Endpoint is neither HOST:PORT nor [IPV6]:PORT"),
        (HEAD + PEER + "Endpoint = example.com:0\n", "line 5: Endpoint is neither HOST:PORT nor [IPV6]:PORT"),
        (
            HEAD + PEER + "Endpoint = 2001:db8::1:51820\n",
            "line 5: Endpoint is neither HOST:PORT nor [IPV6]:PORT",
        ),
        (
            HEAD + PEER + "Endpoint = [1::2::3]:51820\n",
            "line 5: Endpoint has in brackets what is no IPv6 address",
        ),
        (HEAD + PEER + "PersistentKeepalive = often\n", "line 5: PersistentKeepalive is no number"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    assert wrong(text).startswith(said)


@pytest.mark.parametrize(
    "mangle", [lambda key: key[:-2], lambda key: key + "A", lambda key: key.replace("=", "!")]
)
@pytest.mark.parametrize("word", ["PrivateKey", "PublicKey", "PresharedKey", "privatekeyy"])
def test_no_error_repeats_a_key(mangle: object, word: str) -> None:
    assert callable(mangle)
    secret = text_of(bytes(range(100, 132)))
    head = "[Interface]\n" if word.startswith("pri") or word == "PrivateKey" else HEAD + "[Peer]\n"
    for line in (
        f"{word} = {mangle(secret)}",
        f"{mangle(secret)} = x",
        mangle(secret),
        f"[{mangle(secret)}]",
    ):
        said = wrong(head + line + "\n")
        assert not any(secret[start : start + 6] in said for start in range(len(secret) - 6))


@given(st.text(alphabet="[]=#:/,.\n\r aPI0123éInterfacePeerKey\ufeff\0", max_size=120))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    for whole in (text, HEAD + text, HEAD + PEER + text):
        with contextlib.suppress(CarrierError):
            assert isinstance(read(whole), Config)


def test_a_scoped_address_and_an_ipv4_address_are_endpoints() -> None:
    assert read(HEAD + PEER + "Endpoint = [fe80::1%eth0]:1\n").peers[0].endpoint == ("fe80::1%eth0", 1)
    assert read(HEAD + PEER + "Endpoint = 192.0.2.1:65535\n").peers[0].endpoint == ("192.0.2.1", 65535)


def test_endpoints_are_shown_as_they_are_written() -> None:
    assert format_endpoint(("192.0.2.1", 1)) == "192.0.2.1:1"
    assert format_endpoint(("2001:db8::1", 1)) == "[2001:db8::1]:1"


# --- whom to talk to ---


def test_the_only_peer_is_the_one() -> None:
    assert choose_peer(read(HEAD + PEER)).public == B.public


@pytest.mark.parametrize("holds", ["::/128", "::/0"])
def test_of_several_peers_the_one_that_gets_control_messages(holds: str) -> None:
    other = f"[Peer]\nPublicKey = {TO_C}\nAllowedIPs = {holds}\n"
    assert choose_peer(read(HEAD + PEER + other)).public == C.public
    assert choose_peer(read(HEAD + other + PEER)).public == C.public


def test_a_peer_can_be_named_by_its_public_key() -> None:
    config = read(FULL)
    assert choose_peer(config, TO_C).public == C.public
    with pytest.raises(CarrierError, match=r"use wg\.conf: it has no peer with the public key"):
        choose_peer(config, OURS)


def test_without_a_peer_or_with_two_alike_it_is_said() -> None:
    with pytest.raises(CarrierError, match=r"use wg\.conf: it has no \[Peer\] section"):
        choose_peer(read(HEAD))
    other = f"[Peer]\nPublicKey = {TO_C}\n"
    with pytest.raises(CarrierError, match=r"use wg\.conf: of its 2 peers none has ::/128 in its AllowedIPs"):
        choose_peer(read(HEAD + PEER + other))


def test_allowed_ips_without_the_unspecified_address_are_warned_of() -> None:
    config = read(FULL)
    assert lacks_unspecified(config, config.peers[0]) is None
    warning = lacks_unspecified(config, config.peers[1])
    assert warning is not None
    assert f"the AllowedIPs of peer {TO_C} lack ::/128" in warning


def test_a_private_key_is_a_key_pair() -> None:
    assert read(HEAD).static.public == PrivateKey(A.raw).public


def test_thousands_of_peers_and_networks_are_read_in_linear_time() -> None:
    keys = [text_of(PrivateKey((8 * number).to_bytes(32, "little")).public) for number in range(1, 3000)]
    peers = "".join(f"[Peer]\nPublicKey = {key}\n" for key in keys)
    text = HEAD + peers + "AllowedIPs = 10.0.0.0/8\n" * 30_000
    config = parse_config(text, "wg.conf")
    assert [peer.key for peer in config.peers] == keys
    assert len(config.peers[-1].allowed) == 30_000
