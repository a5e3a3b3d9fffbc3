"""The decryptor on captures of a real tunnel, frame by frame, and beside tshark."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from fzctl.protocol.packet import parse_packet
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import KeyLog, format_keylog, parse_keylog
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.noise import NO_PSK
from fzctl.wireguard.results import NOT_WIREGUARD, OK, Result
from fzctl.wireguard.turn import unwrap
from tests.wireguard.lab import B_ADDRESS, CONTROL, DATA, PSK, A, B, Lab, read_pcap, shake_hands, write_pcap

REAL = {
    "enc-direct": [4, 5, 58, 59, 60, 61, 62, 110, 111, 116, 117, 120, 125, 126, 127, 128],
    "turn-coturn": [8, 9, 62, 63, 64, 65, 66, 114, 115, 120, 121, 122, 123, 124, 125],
}
each_capture = pytest.mark.parametrize("name", REAL)


def real_decryptor(name: str) -> Decryptor:
    path = DATA / f"{name}.keys.txt"
    return Decryptor(parse_keylog(path.read_bytes(), path.name))


def real_results(name: str, decryptor: Decryptor, *, skip: bool = False) -> Iterable[tuple[int, Result]]:
    for captured in read_pcap(f"{name}.pcap"):
        relayed = unwrap(captured.datagram)
        datagram = captured.datagram if relayed is None else relayed[0]
        if not (skip and decryptor.skip(datagram, 0, len(datagram))):
            yield captured.frame, decryptor.feed(datagram, captured.src, captured.dst, captured.frame)


@each_capture
@pytest.mark.parametrize("skip", [False, True])
def test_real_tunnels_give_exactly_their_control_messages(name: str, skip: bool) -> None:
    decryptor = real_decryptor(name)
    found = [(frame, r) for frame, r in real_results(name, decryptor, skip=skip) if r.packet]
    control = [frame for frame, r in found if r.packet and parse_packet(r.packet).ours]
    assert control == REAL[name]
    assert all(parse_packet(r.packet).reason in ("ok", "not_control") for _, r in found if r.packet)
    assert decryptor.unused() == []


@each_capture
def test_all_of_a_real_tunnel_is_accounted_for(name: str) -> None:
    for skip in (False, True):
        decryptor = real_decryptor(name)
        fed = list(real_results(name, decryptor, skip=skip))
        sessions = decryptor.handshakes.listed
        assert [s.number for s in sessions] == list(range(1, 4 if name == "enc-direct" else 3))
        assert [s.swapped for s in sessions] == [s.ends[0] == B_ADDRESS for s in sessions]
        assert sessions[0].packets == [51, 52]
        assert decryptor.counts[OK] + decryptor.counts[NOT_WIREGUARD] == len(fed)
        stun = 4 if name == "turn-coturn" else 0
        assert {k: v for k, v in decryptor.counts.items() if v and k != OK} == (
            {NOT_WIREGUARD: stun} if stun else {}
        )


@pytest.mark.peer("tshark")
def test_tshark_finds_the_same_packets_under_the_same_counters(require_peer: Callable[[str], str]) -> None:
    fields = ["frame.number", "wg.counter", "ip.proto", "ip.len", "ipv6.plen"]
    command = [require_peer("tshark"), "-n", "-r", str(DATA / "enc-direct.pcap")]
    command += ["-o", f"wg.keylog_file:{DATA / 'enc-direct.keys.txt'}", "-Y", "wg.type == 4", "-T", "fields"]
    command += [part for name in fields for part in ("-e", name)]
    theirs: dict[int, tuple[int, int]] = {}
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        frame, counter, _, sizes, payload = line.split("\t")
        size = 40 + int(payload) if payload else int(([*sizes.split(","), "0"])[1])
        theirs[int(frame)] = (int(counter), size)
    ours = {
        frame: (r.counter, len(r.packet))
        for frame, r in real_results("enc-direct", real_decryptor("enc-direct"))
        if r.packet is not None
    }
    assert ours == theirs


@pytest.mark.peer("tshark")
@pytest.mark.parametrize("side", [Lab.initiator_log, Lab.responder_log])
@pytest.mark.parametrize("psk", [NO_PSK, PSK], ids=["no psk", "psk"])
def test_tshark_reads_our_handshakes_with_the_key_logs_that_we_write(
    side: Callable[[Lab], KeyLog], psk: Secret, tmp_path: Path, require_peer: Callable[[str], str]
) -> None:
    lab = shake_hands(A, B, psk)
    write_pcap(
        tmp_path / "own.pcap",
        [
            (True, lab.initiation),
            (False, lab.response),
            (True, lab.to_responder(0, CONTROL)),
            (False, lab.to_initiator(0, CONTROL + bytes(8))),
        ],
    )
    (tmp_path / "keys.txt").write_text(format_keylog(side(lab).entries))
    command = [require_peer("tshark"), "-n", "-r", str(tmp_path / "own.pcap"), "-Y", "ipv6.dst == ::"]
    command += ["-o", f"wg.keylog_file:{tmp_path / 'keys.txt'}", "-T", "fields", "-e", "frame.number"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert found.split() == ["3", "4"]
