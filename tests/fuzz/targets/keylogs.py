"""Any key log is keys and warnings that show none, and the keys written again read the same."""

from __future__ import annotations

import re
from typing import Any

from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import KINDS, KeyLog, format_keylog, parse_keylog
from fzctl.wireguard.keyring import Keyring
from tests.wireguard.lab import PSK, shake_hands

TOKENS = (
    *(kind.encode() for kind in KINDS),
    *(
        b" = ",
        b"=",
        b"\r\n",
        b"\n",
        b"# ",
        b"; ",
        b"\xef\xbb\xbf",
        b"0xF231BBE2 ",
        b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ),
)
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")


def check(data: bytes) -> None:
    log = parse_keylog(data, "keys.txt")
    lines = data.decode("utf-8", "replace").split("\n")
    secrets = _KEY.findall("\n".join(lines))
    told = " ".join(f"{each.text} {each.line}" for each in log.warnings) + repr(log)
    assert not [each for each in secrets if each in told]
    assert all(1 <= each.line <= len(lines) for found in (log.entries, log.warnings) for each in found)
    assert all(each.kind in KINDS and len(each.key.raw) == 32 for each in log.entries)
    written = parse_keylog(format_keylog(log.entries), "keys.txt")
    assert [each[:3] for each in written.entries] == [each[:3] for each in log.entries]
    assert {each.text for each in written.warnings} <= {each.text for each in log.warnings}
    _use(log)


def _use(log: KeyLog) -> None:
    """Keys of all sorts meet a handshake; most fit nothing."""
    ring = Keyring()
    ring.add(log)
    assert len(ring.unused()) <= len(log.entries)
    decryptor = Decryptor(log)
    decryptor.feed(_LAB.initiation, "a", "b", 1)
    decryptor.feed(_LAB.response, "b", "a", 2)
    decryptor.feed(_LAB.to_responder(0, bytes(32)), "a", "b", 3)
    decryptor.add(log)
    assert sum(decryptor.counts.values()) == 3
    assert set(decryptor.unused()) <= set(log.entries)


_LAB = shake_hands(psk=PSK)


def seeds() -> list[bytes]:
    text = format_keylog(_LAB.initiator_log().entries + _LAB.responder_log().entries).encode()
    index = b"TRANSPORT_KEY = 0x%08X AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" % _LAB.responder_index
    return [
        text,
        index,
        b"\xef\xbb\xbf# comment\r\n" + text.replace(b"\n", b" # more\r\n"),
        b"PRESHARED_KEY\nnonsense = 1\n" + index,
    ]


def inputs() -> Any:
    from hypothesis import strategies as st

    keys = st.sampled_from(_KEY.findall(seeds()[0].decode())) | st.text("AB+/=-_ ", min_size=40, max_size=46)
    values = st.one_of(keys, st.builds("{} {}".format, st.integers(0, 1 << 33).map(hex), keys))
    lines = st.builds(
        "{}{}{}{}".format,
        st.sampled_from((*KINDS, "KEY", "LOCAL_KEY", "")),
        st.sampled_from((" = ", "=", " ", "\t=\t")),
        values,
        st.sampled_from(("", " # x", ";", "\r", "\x0b", "\u2028")),
    )
    return st.lists(lines | st.text(max_size=20), max_size=12).map(
        lambda found: "\n".join(found).encode("utf-8", "surrogatepass")
    )
