"""The verb watch, on blocks of our own making; with root, on loopback as users start it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from fzctl.carriers.interface import Interface
from fzctl.carriers.live import LiveCapture
from fzctl.cli import watch
from fzctl.errors import CarrierError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.links import ETHERNET, RAW
from tests.carriers.rings import OUTGOING, Canned, Frame, block
from tests.cli.conftest import ENVIRONMENT, Run
from tests.cli.tunnels import other_end, write_config
from tests.records import TIME, WHEN, assigned, goodbye, raw, status

pytestmark = pytest.mark.usefixtures("own_loopback")

SAMPLES = Path(__file__).parents[2] / "captures" / "encrypted"
DIRECT, KEYS = SAMPLES / "direct.pcap", SAMPLES / "direct.keys"
GONE = CarrierError("watch", "wg0", "it is gone")
SECONDS = 60.0
SHORT = ("-i", "wg0", "-a", "duration:0.05")

OnDevice = Callable[..., Canned]


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> OnDevice:
    """What goes by on the device that is watched next."""

    def go_by(
        frames: Sequence[Frame], link_type: int = RAW, *, error: CarrierError | None = None, dropped: int = 0
    ) -> Canned:
        ring = Canned([block(frames[at : at + 4]) for at in range(0, len(frames), 4)], error)
        ring.dropped = dropped
        monkeypatch.setattr(watch, "_open_source", lambda args: LiveCapture(args.interface, ring, link_type))
        return ring

    return go_by


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "direct.keys"
    path.write_bytes(KEYS.read_bytes())
    path.chmod(0o600)
    return path


def wire() -> list[Frame]:
    with open_capture(DIRECT) as capture:
        return [Frame(frame.data, time=frame.time or 0) for frame in capture.frames()]


def told_of_direct() -> list[str]:
    return (SAMPLES / "direct.jsonl").read_text("utf-8").splitlines()


def frames_of(path: Path) -> list[bytes]:
    with open_capture(path) as capture:
        return [frame.data for frame in capture.frames()]


def test_messages_are_shown_with_their_way_and_counted(fzctl: Run, on_device: OnDevice) -> None:
    on_device([Frame(assigned()), Frame(status(), OUTGOING), Frame(raw(0, "{"))])
    found = fzctl("watch", *SHORT, "-T", "jsonl")
    assert found.code == 0
    shown = [json.loads(line) for line in found.lines]
    assert [(each["name"], each["direction"], each["frame"]) for each in shown] == [
        ("assigned_ips", "in", 1), ("domain_status", "out", 2), ("assigned_ips", "in", 3),
    ]  # fmt: skip
    assert shown[0]["time"] == WHEN
    assert found.err == (
        "fzctl: watching wg0\nfzctl: wg0: 3 control messages in 3 packets: "
        "2 AssignedIps, 1 DomainStatus; 1 not accepted; 0 dropped by the kernel\n"
    )


def test_quiet_says_nothing(fzctl: Run, on_device: OnDevice) -> None:
    on_device([Frame(goodbye())])
    assert fzctl("-q", "watch", *SHORT, "-T", "hex") == (0, f"{goodbye().hex()}\n", "")


def test_but_losses_are_told_in_any_case(fzctl: Run, on_device: OnDevice) -> None:
    on_device([Frame(goodbye())], dropped=7)
    found = fzctl("-q", "watch", *SHORT)
    assert found.code == 0
    assert "wg0: the kernel had no room for 7 packets: messages may be missing" in found.err


def test_options_mean_what_they_mean_in_decode(fzctl: Run, on_device: OnDevice) -> None:
    on_device([Frame(assigned("a.example")), Frame(assigned("b.example")), Frame(status("b.example"))])
    chosen = fzctl("-q", "watch", *SHORT, "-Y", 'fzp2p.domain contains "b."', "-c", "1",
                   "-T", "fields", "-e", "fzp2p.domain", "-e", "fzp2p.exchange")  # fmt: skip
    assert chosen.out == "b.example\t2\n"
    on_device([Frame(assigned("secret.example"))])
    hidden = fzctl("-q", "watch", *SHORT, "--redact", "-T", "tree", "-x")
    assert "Direction: in" in hidden.out
    assert "secret" not in hidden.out


def test_what_is_known_only_later_is_refused(fzctl: Run, on_device: OnDevice) -> None:
    on_device([])
    found = fzctl("watch", *SHORT, "-Y", "fzp2p.response_in")
    assert (found.code, found.out) == (2, "")
    assert "fzp2p.response_in is known only later" in found.err


def test_wireguard_on_the_wire_is_opened_as_decode_opens_it(
    fzctl: Run, on_device: OnDevice, keys: Path
) -> None:
    on_device(wire(), ETHERNET)
    live = fzctl("watch", *SHORT, "-k", str(keys), "-T", "jsonl")
    read = fzctl("decode", "-k", str(keys), "-T", "jsonl", str(DIRECT))
    assert live.code == 0
    assert live.out == read.out != ""


def test_keys_that_come_meanwhile_are_used(fzctl: Run, on_device: OnDevice, keys: Path) -> None:
    frames = wire()
    ring = on_device([], ETHERNET)
    keys.write_text("")

    def later() -> bytes | None:
        if not ring.blocks:
            return None
        if len(ring.blocks) == len(frames) - 2:
            keys.write_bytes(KEYS.read_bytes())
        return ring.blocks.pop(0)

    ring.blocks = [block([frame]) for frame in frames]
    ring.take = later  # type: ignore[method-assign]
    found = fzctl("-q", "watch", "-i", "eth0", "-a", "duration:1", "-k", str(keys), "-T", "jsonl")
    assert len(found.lines) == len(told_of_direct())


def test_without_keys_a_wire_is_silent_and_why_is_said(fzctl: Run, on_device: OnDevice) -> None:
    on_device([], ETHERNET)
    assert "travel inside WireGuard: -k KEYS opens it" in fzctl("watch", *SHORT).err
    on_device([], RAW)
    assert "travel inside" not in fzctl("watch", *SHORT).err


def test_what_stayed_closed_is_told(fzctl: Run, on_device: OnDevice, keys: Path) -> None:
    keys.write_text("TRANSPORT_KEY = 00000001 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    on_device(wire(), ETHERNET)
    assert "WireGuard datagrams could not be decrypted: no key" in fzctl("watch", *SHORT, "-k", str(keys)).err


def test_the_way_stands_in_the_file_too(fzctl: Run, on_device: OnDevice, tmp_path: Path) -> None:
    on_device([Frame(assigned()), Frame(status(), OUTGOING)])
    path = tmp_path / "out.pcapng"
    assert fzctl("-q", "watch", *SHORT, "-w", str(path)) == (0, "", "")
    assert frames_of(path) == [assigned(), status()]
    flags = [path.read_bytes().count(b"\x02\0\x04\0" + bytes((way, 0, 0, 0))) for way in (1, 2)]
    assert flags == [1, 1]


def test_a_device_that_goes_leaves_what_was_found_whole(
    fzctl: Run, on_device: OnDevice, tmp_path: Path
) -> None:
    on_device([Frame(goodbye())] * 6, error=GONE)
    path = tmp_path / "out.pcapng"
    found = fzctl("watch", "-i", "wg0", "-w", str(path), "-T", "hex")
    assert found.code == 4
    assert found.out == f"{goodbye().hex()}\n" * 6
    assert found.err.splitlines()[1:] == [
        "fzctl: wg0: 6 control messages in 6 packets: 6 Goodbye; 0 dropped by the kernel",
        "fzctl: cannot watch wg0: it is gone",
    ]
    assert frames_of(path) == [goodbye()] * 6


def test_files_go_on_in_a_ring_and_each_can_be_decrypted_by_itself(
    fzctl: Run, on_device: OnDevice, keys: Path, tmp_path: Path
) -> None:
    on_device(wire(), ETHERNET)
    folder = tmp_path / "ring"
    folder.mkdir()
    found = fzctl("-q", "watch", *SHORT, "-k", str(keys), "-w", str(folder / "out.pcapng"),
                  "--keep-encrypted", "--embed-keys", "-b", "packets:4", "-b", "files:100")  # fmt: skip
    assert found.code == 0
    assert found.err.count("WARNING") == 1
    files = sorted(folder.iterdir())
    assert len(files) > 2
    told = [fzctl("-q", "decode", "-T", "jsonl", str(path)).lines for path in files]
    kept = ("time", "fields", "name")
    messages = [[json.loads(line)[name] for name in kept] for lines in told for line in lines]
    expected = [[json.loads(line)[name] for name in kept] for line in told_of_direct()]
    assert messages == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "watch needs one of -i IFACE and --peer WG.conf"),
        (("-i", "wg0", "-b", "files:3"), "-b goes with -w FILE"),
        (("-i", "wg0", "-b", "files:3", "-w", "-"), "-b goes with -w FILE"),
        (("-i", "wg0", "--all", "-w", "x"), "give them with -k"),
        (("-i", "wg0", "-a", "duration:0"), "is no duration:SECONDS"),
        (("-i", "wg0", "-a", "duration:nan"), "is no duration:SECONDS"),
        (("-i", "wg0", "-a", "5"), "is no duration:SECONDS"),
        (("-i", "wg0", "-T", "fields"), "-T fields needs at least one -e FIELD"),
        (("-i", "wg0", "-w", "{}/x.pcapng", "-b", "files:3"), "-b: files:N needs"),
        (("-i", "wg0", "-w", "{}/x.pcapng", "-T", "fields"), "-T fields needs at least one -e FIELD"),
        (("-i", "wg0", "stray"), "unrecognized arguments: stray"),
    ],
)
def test_a_wrong_command_line_leaves_nothing_behind(
    options: tuple[str, ...], words: str, fzctl: Run, on_device: OnDevice, tmp_path: Path
) -> None:
    ring = on_device([Frame(goodbye())])
    found = fzctl("watch", *(each.format(tmp_path) for each in options))
    assert (found.code, found.out) == (2, "")
    assert words in found.err
    assert list(tmp_path.iterdir()) == []
    assert ring.is_closed or len(ring.blocks) == 1


def test_keys_that_cannot_be_read_are_told_before_anything_is_watched(
    fzctl: Run, on_device: OnDevice, tmp_path: Path
) -> None:
    on_device([])
    found = fzctl("watch", *SHORT, "-k", "/nowhere", "-w", str(tmp_path / "x.pcapng"))
    assert found.code == 3
    assert found.err == "fzctl: /nowhere: the keys cannot be read: No such file or directory\n"
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_none_is_exit_code_4(fzctl: Run) -> None:
    found = fzctl("watch", "-i", "no\x1b[31m")
    assert found.code == 4
    assert found.err.startswith("fzctl: cannot watch no\\x1b[31m: there is no such device")
    assert found.err.count("\n") == 1


def test_a_device_that_looks_like_firezones_is_warned_about(
    fzctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Canned([])
    monkeypatch.setattr("fzctl.carriers.live.open_device", lambda name, **_: LiveCapture(name, ring, RAW))
    found = fzctl("watch", "-i", "tun-firezone", "-a", "duration:0.05")
    assert found.code == 0
    assert "WARNING: tun-firezone looks like Firezone's own device" in found.err


class Watching:
    """fzctl watch on loopback, as a process."""

    def __init__(self, *options: str, stdout: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fzctl", "watch", "-i", "lo", *options],
            env=ENVIRONMENT, stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
        assert self.process.stderr is not None
        assert self.process.stderr.readline() == "fzctl: watching lo\n"

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


Start = Callable[..., Watching]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Watching] = []

    def run(*options: str) -> Watching:
        running.append(Watching(*options))
        return running[-1]

    yield run
    for each in running:
        each.process.kill()
        each.process.communicate()


def send(*packets: bytes) -> None:
    with Interface("lo") as interface:
        for packet in packets:
            interface.send(packet)


@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_files_and_prints_counts(number: int, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    watching = start("-w", str(path), "-T", "hex")
    send(assigned(), goodbye())  # nothing that has come is lost, however soon the signal
    code, out, err = watching.end(number)
    assert (code, out) == (0, f"{assigned().hex()}\n{goodbye().hex()}\n")
    assert "2 control messages in 2 packets: 1 AssignedIps, 1 Goodbye; 0 dropped by the kernel" in err
    assert frames_of(path) == [assigned(), goodbye()]


@pytest.mark.root
def test_lines_come_at_once(start: Start) -> None:
    watching = start("-T", "jsonl")
    assert watching.process.stdout is not None
    for name, packet in (("goodbye", goodbye()), ("assigned_ips", assigned())):
        send(packet)
        assert json.loads(watching.process.stdout.readline())["name"] == name
    assert watching.end()[0] == 0


@pytest.mark.root
def test_a_reader_that_is_slow_loses_nothing(start: Start) -> None:
    """Nobody reads while more comes than any pipe holds."""
    watching = start("-T", "hex")
    count = 30_000
    send(*(assigned(f"{number}.example") for number in range(count)))
    time.sleep(0.5)
    code, out, err = watching.end()
    assert code == 0
    assert "; 0 dropped by the kernel" in err
    assert out.splitlines() == [assigned(f"{number}.example").hex() for number in range(count)]


@pytest.mark.root
def test_a_second_signal_does_not_wait_for_the_reader(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    watching = start("-T", "hex", "-w", str(path))
    send(*(assigned(f"{number}.example") for number in range(3000)))
    time.sleep(0.5)  # it is stuck in the full pipe
    watching.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert watching.process.poll() is None
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(SECONDS) == 0
    assert frames_of(path) == [assigned(f"{number}.example") for number in range(3000)]


@pytest.mark.root
def test_a_reader_that_goes_away_ends_it_and_the_file_is_whole(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    watching = start("-T", "hex", "-w", str(path))
    assert watching.process.stdout is not None
    watching.process.stdout.close()
    end = time.monotonic() + SECONDS
    while watching.process.poll() is None and time.monotonic() < end:
        send(goodbye())
        time.sleep(0.05)
    assert watching.process.returncode == 141
    assert frames_of(path)[0] == goodbye()


@pytest.mark.root
def test_a_capture_on_stdout_is_read_along(start: Start) -> None:
    watching = start("-w", "-")
    send(goodbye())
    assert watching.process.stdout is not None
    with open_capture(watching.process.stdout.buffer) as capture:  # type: ignore[attr-defined]
        assert next(capture.frames()).data == goodbye()


@pytest.mark.root
def test_without_permission_there_is_a_sentence_and_no_file(tmp_path: Path) -> None:
    # Root without that one right: PR_CAPBSET_DROP of CAP_NET_RAW, which counts from the next program on.
    script = (
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 13, 0, 0, 0)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'fzctl', *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "watch", "-i", "lo", "-w", str(tmp_path / "x.pcapng")],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.startswith(
        "fzctl: cannot watch lo: not permitted; run as root, or once as root: setcap"
    )
    assert os.listdir(tmp_path) == []


def test_time_is_what_the_kernel_says(fzctl: Run, on_device: OnDevice) -> None:
    on_device([Frame(goodbye(), time=TIME + 1)])
    shown = json.loads(fzctl("-q", "watch", *SHORT, "-T", "jsonl").out)
    assert shown["time"] == WHEN[:-3] + "90Z"


# --- a peer of our own --------------------------------------------------------------------------------


def test_what_a_peer_sends_is_shown_and_its_keys_are_written(fzctl: Run, tmp_path: Path) -> None:
    saved, keylog = tmp_path / "a.pcapng", tmp_path / "a.keys"
    with other_end(announced=assigned()) as end:
        config = write_config(tmp_path, end.port)
        found = fzctl(
            "watch", "--peer", config, "-c", "1", "-T", "jsonl", "-w", str(saved), "--keylog", str(keylog)
        )
    assert found.code == 0
    (line,) = found.lines
    shown = json.loads(line)
    assert (shown["name"], shown["direction"], shown["path"]) == ("assigned_ips", "in", ["raw", "ipv6"])
    assert frames_of(saved) == [assigned()]
    assert "LOCAL_EPHEMERAL_PRIVATE_KEY" in keylog.read_text()
    assert f"peer 127.0.0.1:{end.port}" in found.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("-i", "wg0", "--peer", "wg.conf"),
        ("-i", "wg0", "--keylog", "a.keys"),
        ("--peer", "wg.conf", "-k", "a.keys"),
        ("--turn", "turn:a@127.0.0.1"),
    ],
)
def test_options_of_a_peer_and_of_an_interface_do_not_mix(fzctl: Run, arguments: tuple[str, ...]) -> None:
    assert fzctl("watch", *arguments).code == 2


def test_a_peer_that_does_not_answer_is_an_error_of_the_tunnel(fzctl: Run, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    found = fzctl("watch", "--peer", write_config(tmp_path, port))
    assert found.code == 4
    assert f"connect to peer 127.0.0.1:{port}" in found.err
