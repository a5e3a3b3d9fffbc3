"""``-k``: encrypted captures from the command line, and what is said where something stays closed."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from fzctl.cli.keys import cut_sentence
from fzctl.wireguard.keylog import MOST_LINES
from tests.cli.conftest import Run
from tests.pcap import build
from tests.records import goodbye

DATA = Path(__file__).parents[1] / "wireguard" / "data"
CONTROL = {
    "enc-direct": [4, 5, 58, 59, 60, 61, 62, 110, 111, 116, 117, 120, 125, 126, 127, 128],
    "turn-coturn": [8, 9, 62, 63, 64, 65, 66, 114, 115, 120, 121, 122, 123, 124, 125],
}


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """Each capture's key log, as only its owner may read it."""
    paths = {}
    for name in CONTROL:
        path = tmp_path / f"{name}.keys"
        path.write_bytes((DATA / f"{name}.keys.txt").read_bytes())
        path.chmod(0o600)
        paths[name] = str(path)
    return paths


def capture(name: str) -> str:
    return str(DATA / f"{name}.pcap")


@pytest.mark.parametrize("name", CONTROL)
def test_a_real_tunnel_gives_exactly_its_control_messages(
    name: str, keys: dict[str, str], fzctl: Run
) -> None:
    found = fzctl("decode", "-T", "jsonl", "-k", keys[name], capture(name))
    assert (found.code, found.err) == (0, "")
    assert [json.loads(line)["frame"] for line in found.lines] == CONTROL[name]


def test_an_encrypted_message_tells_its_path_outer_packet_and_direction(
    keys: dict[str, str], fzctl: Run
) -> None:
    found = fzctl("decode", "-T", "jsonl", "-k", keys["turn-coturn"], capture("turn-coturn"))
    first, second = (json.loads(line) for line in found.lines[:2])
    assert first["path"] == ["ethernet", "ipv4", "udp", "turn", "wireguard"]
    assert first["outer"] == {
        "src": "192.0.2.1:51820", "dst": "192.0.2.7:3478", "session": 1, "counter": 1,
    }  # fmt: skip
    assert (first["direction"], second["direction"]) == ("a>b", "b>a")


def test_filters_know_the_session(keys: dict[str, str], fzctl: Run) -> None:
    found = fzctl(
        "decode", "-T", "fields", "-e", "frame.number", "-Y", "fzp2p.session == 3",
        "-k", keys["enc-direct"], capture("enc-direct"),
    )  # fmt: skip
    assert found.lines == ["120", "125", "126", "127", "128"]


def test_without_keys_people_are_told_what_can_be_seen(fzctl: Run) -> None:
    found = fzctl("decode", capture("enc-direct"))
    assert (found.code, found.out) == (0, "")
    assert "3 WireGuard sessions, 122 data packets" in found.err
    assert "as large as a Goodbye (80 bytes) in frame" in found.err
    assert "-k" in found.err


def test_without_keys_programs_are_told_nothing(fzctl: Run) -> None:
    assert fzctl("decode", "-T", "jsonl", capture("enc-direct")) == (0, "", "")


def test_a_wrong_key_log_ends_in_counts_and_reasons(keys: dict[str, str], fzctl: Run) -> None:
    found = fzctl("decode", "-k", keys["turn-coturn"], capture("enc-direct"))
    assert found.code == 0
    assert "122 WireGuard datagrams could not be decrypted: no key for their session (122)" in found.err
    assert "line 3: this LOCAL_EPHEMERAL_PRIVATE_KEY fits nothing in" in found.err


def test_half_a_key_log_opens_what_it_fits(keys: dict[str, str], tmp_path: Path, fzctl: Run) -> None:
    half = tmp_path / "half.keys"
    half.write_text("".join(Path(keys["enc-direct"]).read_text().splitlines(keepends=True)[:4]))
    half.chmod(0o600)
    found = fzctl("decode", "-T", "jsonl", "-k", str(half), capture("enc-direct"))
    assert [json.loads(line)["frame"] for line in found.lines] == [4, 5, 58, 59, 60, 61, 62]
    assert "could not be decrypted: no key for their session (18)" in found.err


def test_a_missing_key_log_is_said_and_the_rest_is_read(keys: dict[str, str], fzctl: Run) -> None:
    found = fzctl(
        "decode", "-T", "jsonl", "-k", "/no/such.keys", "-k", keys["enc-direct"], capture("enc-direct")
    )
    assert found.code == 3
    assert len(found.lines) == 16
    assert found.err == "fzctl: /no/such.keys: the keys cannot be read: No such file or directory\n"


def test_a_key_log_that_others_can_read_is_warned_about(keys: dict[str, str], fzctl: Run) -> None:
    Path(keys["enc-direct"]).chmod(0o644)
    found = fzctl("decode", "-T", "jsonl", "-k", keys["enc-direct"], capture("enc-direct"))
    assert (
        found.err == f"fzctl: {keys['enc-direct']}: others can read these keys (chmod 600 takes that away)\n"
    )


@pytest.mark.parametrize("form", ["text", "tree", "jsonl", "json", "hex"])
def test_no_form_shows_a_key(form: str, keys: dict[str, str], tmp_path: Path, fzctl: Run) -> None:
    text = Path(keys["enc-direct"]).read_text()
    broken = tmp_path / "broken.keys"
    broken.write_text(text.replace("KEY", "KEY = x"))
    found = fzctl("decode", "-T", form, "-k", keys["enc-direct"], "-k", str(broken), capture("enc-direct"))
    values = [line.partition("=")[2].strip() for line in text.splitlines() if "KEY" in line]
    assert len(values) > 5
    assert [value for value in values if value[:20] in found.out + found.err] == []


def test_doctor_tells_session_by_session_which_keys_fit(keys: dict[str, str], fzctl: Run) -> None:
    found = fzctl("doctor", "-r", capture("enc-direct"), "-k", keys["enc-direct"])
    assert found.code == 0
    assert "128 frames, 16 control messages" in found.out
    assert f"lines 1, 2, 3, 4 of {keys['enc-direct']}" in found.out
    assert found.out.count("handshake: initiation in frame") == 3


def test_doctor_tells_what_is_missing(fzctl: Run) -> None:
    found = fzctl("doctor", "-r", capture("turn-coturn"))
    assert "missing: " in found.out
    assert "not decrypted: 52 to the responder, 52 to the initiator" in found.out


def test_doctor_has_the_same_as_data(keys: dict[str, str], fzctl: Run) -> None:
    found = json.loads(
        fzctl("doctor", "-T", "json", "-r", capture("enc-direct"), "-k", keys["enc-direct"]).out
    )
    assert [session["initiation"] for session in found["sessions"]] == [1, 107, 118]
    assert found["unreadable"] == {"no_handshake": 0, "no_key": 0, "authentication_failed": 0, "cut": 0}
    assert found["messages"] == 16


def test_doctor_reports_a_broken_capture_as_far_as_it_goes(
    keys: dict[str, str], tmp_path: Path, fzctl: Run
) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(capture("enc-direct")).read_bytes()[:5000])
    found = fzctl("doctor", "-r", str(cut), "-k", keys["enc-direct"])
    assert found.code == 3
    assert "session 1" in found.out
    assert "ends within a record" in found.err


@pytest.mark.parametrize("verb", ["decode", "doctor"])
def test_keys_in_a_capture_that_are_too_many_are_used_as_far_as_they_go(
    verb: str, fzctl: Run, tmp_path: Path
) -> None:
    keys = b"\n" * MOST_LINES + b"REMOTE_STATIC_PUBLIC_KEY = x"
    secrets = build.block(10, struct.pack("<II", 0x57474B4C, len(keys)) + keys)
    path = tmp_path / "a.pcapng"
    path.write_bytes(build.section() + build.interface() + secrets + build.packet(goodbye()))
    found = fzctl(verb, "-r", str(path))
    assert found.code == 3
    assert f"fzctl: the keys in {path}: {cut_sentence()}" in found.err
    assert "Goodbye" in found.out or "1 control message" in found.out
