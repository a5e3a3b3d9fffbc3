"""Decrypted packets live into Wireshark: through a fifo, and through tshark's own list of interfaces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from fzctl.cli.streaming import make_filter
from fzctl.errors import UsageError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.frame import Datagram
from fzctl.pcap.writer import open_writer
from fzctl.wireshark.extcap import launcher
from tests.cli.conftest import ENVIRONMENT, ROOT
from tests.records import TIME, assigned, goodbye, status

SAMPLES = ROOT / "captures" / "encrypted"
CAPTURE, KEYS = SAMPLES / "direct.pcap", SAMPLES / "direct.keys"
MESSAGES, PACKETS = 10, 20
SECONDS = 60


class Extcap:
    """The program at work, and the fifo's other end."""

    def __init__(self, fifo: Path, *options: str) -> None:
        os.mkfifo(fifo)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fzctl.cli.extcap", "--capture", "--extcap-interface", "fzctl",
             "--fifo", str(fifo), *options],
            env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.data = b""
        self.reader: IO[bytes] = open(fifo, "rb", buffering=0)  # noqa: SIM115
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while data := self.reader.read(65536):
            self.data += data

    def frames(self, count: int, tmp_path: Path) -> list[bytes]:
        """Wait until so many frames have come; they are whole, though the program still runs."""
        end = time.monotonic() + SECONDS
        found: list[bytes] = []
        while len(found) < count and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.02)
            if len(self.data) > 100:
                (tmp_path / "copy").write_bytes(self.data)
                with open_capture(tmp_path / "copy") as capture:
                    frames = list(capture.frames())
                assert {frame.link_type for frame in frames} <= {101}
                found = [frame.data for frame in frames]
        assert len(found) == count
        return found

    def has_read(self, path: Path) -> None:
        """Wait until it has read the file to its end."""
        end, place = time.monotonic() + SECONDS, Path(f"/proc/{self.process.pid}")
        while time.monotonic() < end:
            time.sleep(0.02)
            for each in (place / "fd").iterdir():
                with suppress(OSError):
                    if each.readlink() == path.resolve():
                        _, position, *_ = (place / "fdinfo" / each.name).read_text().split()
                        if int(position) == path.stat().st_size:
                            return
        raise AssertionError(f"{path} was not read")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """The exit code and what was said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said


Start = Callable[..., Extcap]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Extcap] = []

    def run(*options: str) -> Extcap:
        running.append(Extcap(tmp_path / "fifo", *options))
        return running[-1]

    yield run
    for each in running:
        each.process.kill()
        each.process.wait()
        assert each.process.stderr is not None
        each.process.stderr.close()
        each._thread.join(SECONDS)
        each.reader.close()


def test_messages_come_decrypted_and_the_word_to_stop_is_heard(start: Start, tmp_path: Path) -> None:
    extcap = start("--file", str(CAPTURE), "--keys", str(KEYS))
    for packet in extcap.frames(MESSAGES, tmp_path):
        assert packet[8:40] == bytes(32)
    begun = time.monotonic()
    assert extcap.stop() == (0, "")
    assert time.monotonic() - begun < 2


def test_all_packets_come_where_they_are_wanted(start: Start, tmp_path: Path) -> None:
    extcap = start("--file", str(CAPTURE), "--keys", str(KEYS), "--all", "true")
    packets = extcap.frames(PACKETS, tmp_path)
    assert sum(packet[8:40] == bytes(32) for packet in packets) == MESSAGES


def test_filters_choose_among_the_messages(start: Start, tmp_path: Path) -> None:
    extcap = start(
        "--file", str(CAPTURE), "--keys", str(KEYS),
        "--filter", "fzp2p.response_to", "--extcap-capture-filter", 'fzp2p.status == "Inactive"',
    )  # fmt: skip
    assert b"Inactive" in extcap.frames(1, tmp_path)[0]


def test_a_growing_file_is_followed(start: Start, tmp_path: Path) -> None:
    data = CAPTURE.read_bytes()
    growing = tmp_path / "growing.pcap"
    growing.write_bytes(data[:10])
    extcap = start("--file", str(growing), "--keys", str(KEYS))
    with growing.open("ab", buffering=0) as file:
        for at in range(10, len(data), 700):
            file.write(data[at : at + 700])
            time.sleep(0.01)
    extcap.frames(MESSAGES, tmp_path)


def test_each_message_goes_at_once(start: Start, tmp_path: Path) -> None:
    growing = tmp_path / "growing.pcapng"
    with growing.open("wb", buffering=0) as file, open_writer(file) as writer:
        writer.write(assigned(), TIME)
        extcap = start("--file", str(growing))
        for count, packet in enumerate((status(), goodbye()), start=1):
            assert len(extcap.frames(count, tmp_path)) == count
            writer.write(packet, TIME)
        assert extcap.frames(3, tmp_path) == [assigned(), status(), goodbye()]


def test_keys_that_come_while_capturing_are_used(start: Start, tmp_path: Path) -> None:
    data = CAPTURE.read_bytes()
    growing, keys = tmp_path / "growing.pcap", tmp_path / "keys"
    growing.write_bytes(data[:24])
    keys.write_bytes(b"# none yet\n")
    extcap = start("--file", str(growing), "--keys", str(keys))
    extcap.frames(0, tmp_path)
    time.sleep(0.3)
    keys.write_bytes(KEYS.read_bytes())
    with growing.open("ab") as file:
        file.write(data[24:])
    extcap.frames(MESSAGES, tmp_path)


def test_a_reader_that_goes_away_ends_it_though_nothing_comes(tmp_path: Path) -> None:
    """Wireshark was killed: there is no signal, and no packet to fail at."""
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(
        [sys.executable, "-m", "fzctl.cli.extcap", "--capture", "--extcap-interface", "fzctl",
         "--fifo", str(tmp_path / "fifo"), "--file", str(CAPTURE), "--keys", str(KEYS)],
        env=ENVIRONMENT, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        with open(tmp_path / "fifo", "rb", buffering=0) as reader:
            assert reader.read(1)
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_who_sees_nothing_is_told_why(start: Start) -> None:
    extcap = start("--file", str(CAPTURE))
    extcap.has_read(CAPTURE)
    code, said = extcap.stop()
    assert code == 0
    assert said.startswith("fzctl: no control message was seen: ")
    assert "no key for their session" in said


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--file", "/nowhere"), 3, "fzctl: /nowhere: cannot be opened: No such file or directory\n"),
        (("--file", str(ROOT / "README.md")), 3, "begins like neither pcap nor pcapng"),
        (("--file", str(CAPTURE), "--keys", "/no"), 3, "fzctl: /no: the keys cannot be read"),
        (("--file", str(CAPTURE), "--filter", "no"), 2, "there is no field no"),
        (("--file", str(CAPTURE), "--interface", "lo"), 2, "choose either a capture file"),
        ((), 2, "choose either a capture file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    options: tuple[str, ...], code: int, said: str, start: Start
) -> None:
    process = start(*options).process
    told = process.communicate(timeout=SECONDS)[1]
    assert said in told
    assert told.count("\n") == 1
    assert process.returncode == code


def test_a_filter_on_what_comes_later_is_refused() -> None:
    with pytest.raises(UsageError, match="known only later"):
        make_filter("!fzp2p.response_in")


@pytest.fixture
def tshark(require_peer: Callable[[str], str], tmp_path: Path) -> Callable[..., str]:
    """tshark in a home where the extcap is installed."""
    program = require_peer("tshark")
    for folder in (tmp_path / ".config/wireshark/extcap", tmp_path / ".local/lib/wireshark/extcap"):
        folder.mkdir(parents=True)
        (folder / "fzctl").write_bytes(launcher(sys.executable))
        (folder / "fzctl").chmod(0o755)
    # A home of its own moves the one folder, XDG_CONFIG_HOME would move the other.
    environment = {**ENVIRONMENT, "HOME": str(tmp_path)}
    environment.pop("XDG_CONFIG_HOME", None)

    def run(*options: str) -> str:
        done = subprocess.run(
            [program, *options], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout + done.stderr

    return run


def test_tshark_lists_the_interface_with_its_link_type(tshark: Callable[..., str]) -> None:
    assert "fzctl (Firezone control messages)" in tshark("-D")
    assert "RAW" in tshark("-i", "fzctl", "-L").upper()


def test_tshark_captures_from_it(tshark: Callable[..., str], tmp_path: Path) -> None:
    found = tshark(
        "-i", "fzctl", "-c", str(MESSAGES), "-a", f"duration:{SECONDS}", "-w", str(tmp_path / "out.pcapng"),
        "-o", f"extcap.fzctl.file:{CAPTURE}", "-o", f"extcap.fzctl.keys:{KEYS}",
    )  # fmt: skip
    assert f"{MESSAGES} packets captured" in found
    with open_capture(tmp_path / "out.pcapng") as capture:
        assert len(list(capture.candidates())) == MESSAGES


def test_tshark_shows_what_is_wrong(tshark: Callable[..., str]) -> None:
    assert "choose either a capture file to follow or an interface" in tshark(
        "-i", "fzctl", "-a", "duration:5"
    )


@pytest.mark.root
@pytest.mark.peer("tcpdump")
def test_an_interface_is_captured_live(start: Start, tmp_path: Path) -> None:
    """The sample's datagrams go over loopback again; whom they were from and to does not matter."""
    import socket

    with open_capture(CAPTURE) as capture:
        datagrams = [each for each in capture.packets() if isinstance(each, Datagram)]
    extcap = start("--interface", "lo", "--keys", str(KEYS))
    end = time.monotonic() + SECONDS
    # dumpcap does not say when it is ready.
    while extcap.data.count(bytes(32)) < MESSAGES and time.monotonic() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for each in datagrams:
                sender.sendto(each.data[each.start : each.end], ("127.0.0.1", 51820))
        time.sleep(0.5)
    assert extcap.data.count(bytes(32)) >= MESSAGES
    assert extcap.stop() == (0, "")
