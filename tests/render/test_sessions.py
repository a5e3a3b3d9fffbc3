"""Sessions in words: counts with their reasons, and what can be seen without keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from fzctl.pcap.capture import open_capture
from fzctl.render.sessions import report, report_object, sight_sentence, unreadable_sentence
from fzctl.tunnel import Tunnel
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import KeyLog, parse_keylog
from fzctl.wireguard.results import REASONS

DATA = Path(__file__).parents[1] / "wireguard" / "data"


def read(name: str, log: KeyLog | None = None) -> Tunnel:
    tunnel = Tunnel(Decryptor(log))
    with open_capture(DATA / f"{name}.pcap") as capture:
        for _ in tunnel.records(capture.packets()):
            pass
    return tunnel


def keys(name: str) -> KeyLog:
    return parse_keylog((DATA / f"{name}.keys.txt").read_bytes(), "keys.txt")


def test_what_could_not_be_decrypted_is_counted_by_reason() -> None:
    counts = dict.fromkeys(REASONS, 0) | {"no_handshake": 2, "authentication_failed": 1, "not_wireguard": 9}
    assert unreadable_sentence(counts) == (
        "3 WireGuard datagrams could not be decrypted: "
        "no handshake in the capture (2), authentication failed (1)"
    )


def test_where_all_was_decrypted_nothing_is_said() -> None:
    assert unreadable_sentence(dict.fromkeys(REASONS, 0) | {"ok": 5, "not_wireguard": 1}) is None


def test_without_keys_sessions_packets_and_goodbyes_can_be_seen() -> None:
    tunnel = read("turn-coturn")
    said = sight_sentence(tunnel.decryptor, tunnel.goodbye_sized)
    assert said is not None
    assert said.startswith("2 WireGuard sessions, 117 data packets, some as large as a Goodbye")


def test_where_there_is_no_wireguard_nothing_can_be_seen() -> None:
    assert sight_sentence(Decryptor(), []) is None
    assert report(Decryptor()) == "no WireGuard in this capture\n"


@pytest.mark.parametrize("name", ["enc-direct", "turn-coturn"])
def test_a_session_names_the_lines_of_its_keys(name: str) -> None:
    said = report(read(name, keys(name)).decryptor)
    assert "keys: lines 1, 2, 3, 4 of keys.txt" in said
    assert "missing" not in said
    assert "not decrypted" not in said


def test_a_session_without_keys_says_what_is_missing() -> None:
    said = report(read("enc-direct").decryptor)
    assert said.count("missing: ") == 3
    assert "not decrypted: 52 to the responder, 52 to the initiator" in said


def test_keys_that_fit_nothing_are_named_by_line() -> None:
    said = report(read("enc-direct", keys("turn-coturn")).decryptor)
    assert "LOCAL_EPHEMERAL_PRIVATE_KEY in line 3 of keys.txt fits nothing in this capture" in said


def test_the_report_as_data_holds_no_key() -> None:
    log = keys("enc-direct")
    data = report_object(read("enc-direct", log).decryptor)
    assert [session["packets"] for session in data["sessions"]] == [[51, 52], [4, 4], [5, 4]]
    text = (DATA / "enc-direct.keys.txt").read_text()
    assert all(line.partition("=")[2][:20] not in str(data) for line in text.splitlines() if "KEY" in line)
