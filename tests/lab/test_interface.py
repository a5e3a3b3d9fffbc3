"""Interfaces of real tunnels: what is sent there comes out decrypted, what goes by is seen, both ways."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import dev
from fzctl.pcap.capture import open_capture
from tests.cli.conftest import ENVIRONMENT
from tests.lab.netns import PATIENCE, Namespace, Net, run, wait_until
from tests.lab.stories import direct
from tests.records import RESOURCE, assigned, goodbye, status

pytestmark = [pytest.mark.root, pytest.mark.peer("ip", "wireguard-go", "wg")]

SEND = """\
import sys
from fzctl.carriers.interface import Interface
from fzctl.errors import CarrierError
try:
    with Interface(sys.argv[1]) as interface:
        print(*interface.warnings, sep="\\n", end="")
        for packet in sys.argv[2:]:
            interface.send(bytes.fromhex(packet))
except CarrierError as error:
    sys.exit(str(error))
"""


def inside(place: Namespace, *words: str) -> list[str]:
    return [dev.find_program("ip") or "ip", "netns", "exec", place.name, sys.executable, *words]


def send(place: Namespace, device: str, *packets: bytes) -> tuple[int, str]:
    """By our carrier, in its own process, for sockets and names belong to a namespace."""
    done = subprocess.run(
        inside(place, "-c", SEND, device, *(packet.hex() for packet in packets)),
        env=ENVIRONMENT, capture_output=True, text=True, timeout=4 * PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


class Watching:
    """fzctl watch in a namespace."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self) -> dict[str, Any]:
        """The next message that it prints."""
        found: dict[str, Any] = json.loads(self._lines.get(timeout=PATIENCE))
        return found

    def end(self) -> tuple[int, str]:
        """Interrupt it; its exit code and what it said."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait for its end; its exit code and what it said."""
        code = self.process.wait(4 * PATIENCE)
        self._thread.join(PATIENCE)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def rest(self) -> list[dict[str, Any]]:
        """What it printed and nobody has asked for."""
        return [self.next() for _ in range(self._lines.qsize())]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


@contextlib.contextmanager
def watching(place: Namespace, device: str, *options: str) -> Iterator[Watching]:
    process = subprocess.Popen(
        inside(place, "-m", "fzctl", "watch", "-i", device, "-T", "jsonl", *options),
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = ""
        while not said.endswith(f"fzctl: watching {device}\n"):  # an empty key log is warned about before
            line = process.stderr.readline()
            assert line, said
            said += line
        yield Watching(process)
    finally:
        process.kill()
        process.wait(PATIENCE)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def allow(net: Net, *networks: str) -> None:
    client = net.gateway.run("wg", "show", net.tag, "peers").strip()
    net.gateway.run("wg", "set", net.tag, "peer", client, "allowed-ips", ",".join(networks))


def test_what_is_sent_on_the_device_comes_out_decrypted_on_the_other_side(net: Net) -> None:
    with direct(net) as talk:
        talk.client_begins()
        talk.ping()
        packets = status("gitlab.example.com"), goodbye()
        assert send(net.gateway, net.tag, *packets) == (0, "")
        assert [talk.peer.receive(packets.__contains__) for _ in packets] == list(packets)


def test_the_device_shows_both_ways_and_the_wire_the_same_with_keys(net: Net, tmp_path: Path) -> None:
    keys, outside = tmp_path / "wg.keys", tmp_path / "wire.pcapng"
    keys.touch(mode=0o600)
    options = ("-k", str(keys), "-w", str(outside), "--keep-encrypted", "--embed-keys")
    with (
        direct(net) as talk,
        watching(net.gateway, net.tag) as device,
        watching(net.client, net.interface, *options) as wire,
        watching(net.gateway, "any", "-k", str(keys)) as everything,
    ):
        talk.client_begins()
        keys.write_text(talk.peer.key_log())
        talk.client_sends(assigned())
        assert send(net.gateway, net.tag, status()) == (0, "")
        shown = [device.next(), device.next()]
        assert [(each["name"], each["direction"]) for each in shown] == [
            ("assigned_ips", "in"), ("domain_status", "out"),
        ]  # fmt: skip
        opened = [wire.next(), wire.next()]
        assert [(each["name"], each["direction"]) for each in opened] == [
            ("assigned_ips", "a>b"), ("domain_status", "b>a"),
        ]  # fmt: skip
        assert {tuple(each["path"]) for each in opened} == {("ethernet", "ipv4", "udp", "wireguard")}
        assert [each["fields"] for each in opened] == [each["fields"] for each in shown]
        twice = [everything.next() for _ in range(4)]
        assert sorted(each["name"] for each in twice) == ["assigned_ips"] * 2 + ["domain_status"] * 2
        assert sum("copy_of" in each for each in twice) == 2
        for each, packets in ((device, 2), (wire, None), (everything, None)):
            code, err = each.end()
            assert code == 0
            assert "; 0 dropped by the kernel\n" in err
            assert packets is None or f"2 control messages in {packets} packets" in err
    with open_capture(outside) as capture:
        assert {frame.link_type for frame in capture.frames()} == {1}
        assert capture.secrets


def test_allowed_ips_that_lack_the_address_are_told_and_nothing_counts_as_sent(net: Net) -> None:
    with direct(net) as talk:
        talk.client_begins()
        allow(net, "100.64.0.7/32")
        code, said = send(net.gateway, net.tag, goodbye())
        assert code == 1
        assert f"cannot send on {net.tag}: no peer's AllowedIPs hold ::/128" in said
        assert "add ::/128 to the AllowedIPs of the peer, here and on the other side" in said
        allow(net, "100.64.0.7/32", "::/0")
        assert send(net.gateway, net.tag, goodbye()) == (0, "")
        assert talk.peer.receive(lambda packet: packet == goodbye())


@pytest.fixture
def pair(net: Net) -> Iterator[tuple[str, str]]:
    """Two devices of the client's, wired to each other."""
    first, second = (f"v{secrets.token_hex(3)}" for _ in range(2))
    run("ip", "-n", net.client.name, "link", "add", first, "type", "veth", "peer", "name", second)
    for name in (first, second):
        run("ip", "-n", net.client.name, "link", "set", name, "up")
    wait_until(
        lambda: " state UP " in run("ip", "-n", net.client.name, "-o", "link", "show", first), "it is up"
    )
    yield first, second
    with contextlib.suppress(Exception):  # a test may have done so
        run("ip", "-n", net.client.name, "link", "delete", first)


def test_on_ethernet_messages_go_to_all_and_that_is_told(net: Net, pair: tuple[str, str]) -> None:
    with watching(net.client, pair[1]) as far:
        code, said = send(net.client, pair[0], goodbye())
        assert (code, said) == (
            0,
            f"{pair[0]} is an Ethernet device: messages go to 33:33:00:00:00:01, in no tunnel",
        )
        assert far.next()["path"] == ["ethernet", "ipv6"]


@pytest.mark.parametrize(
    ("how", "words"),
    [(("delete",), "it is gone"), (("set", "down"), "it went down")],
    ids=["deleted", "down"],
)
def test_a_device_that_goes_while_it_is_watched_leaves_whole_files(
    how: tuple[str, ...], words: str, net: Net, pair: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "out.pcapng"
    with watching(net.client, pair[1], "-w", str(path), "-b", "packets:2") as far:
        send(net.client, pair[0], goodbye(), assigned(), status())
        for _ in range(3):
            far.next()
        run("ip", "-n", net.client.name, "link", how[0], pair[1], *how[1:])
        code, err = far.wait()
        assert code == 4
        assert err.endswith(f"fzctl: cannot watch {pair[1]}: {words}\n")
    found = []
    for each in sorted(tmp_path.iterdir()):
        with open_capture(each) as capture:
            found.append([frame.data for frame in capture.frames()])
    assert found == [[goodbye(), assigned()], [status()]]


GONE = {
    "inject": "inject -i {} -c 5000 --interval 0.01 -w {}/out.pcapng goodbye",
    "inject, waiting": "inject -i {} --expect --timeout 60 -w {}/out.pcapng assigned-ips --ip-count 4 "
    f"--resource {RESOURCE} --domain a.example",
    "replay": "replay -i {} --pps 100 --loop 5000 -w {}/out.pcapng captures/setup.pcapng",
    "respond": "respond -i {} -w {}/out.pcapng",
    "client": f"client -i {{}} -w {{}}/out.pcapng --resource {RESOURCE} --domain a.example",
}


@pytest.mark.parametrize(("how", "words"), [("delete", "it is gone"), ("set", "it went down")])
@pytest.mark.parametrize("verb", GONE)
def test_a_device_that_goes_while_it_is_sent_on_ends_it_with_a_sentence(
    verb: str, how: str, words: str, net: Net, pair: tuple[str, str], tmp_path: Path
) -> None:
    command = GONE[verb].format(pair[0], tmp_path).split()
    with subprocess.Popen(
        inside(net.client, "-m", "fzctl", *command), env=ENVIRONMENT, cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        # The file is there, and has more than its beginning where something is sent.
        wait_until(lambda: any(each.stat().st_size for each in tmp_path.iterdir()), "it runs", 4 * PATIENCE)
        time.sleep(0.2)
        run("ip", "-n", net.client.name, "link", how, pair[0], *(("down",) if how == "set" else ()))
        _, said = process.communicate(timeout=8 * PATIENCE)
    assert process.returncode == 4, said
    assert said.endswith(f" on {pair[0]}: {words}\n"), said
    assert "Traceback" not in said
    [path] = tmp_path.iterdir()
    with open_capture(path) as capture:
        assert len(list(capture.frames())) == capture.frame_count
    assert path.name == "out.pcapng"


def test_a_device_that_is_down_is_told(net: Net, pair: tuple[str, str]) -> None:
    run("ip", "-n", net.client.name, "link", "set", pair[0], "down")
    code, said = send(net.client, pair[0], goodbye())
    assert code == 1
    assert said == f"cannot open {pair[0]}: it is down; ip link set {pair[0]} up\n"


def test_what_comes_while_it_is_told_to_end_is_not_lost(net: Net, pair: tuple[str, str]) -> None:
    packets = [assigned(f"{number}.example") for number in range(100)]
    with watching(net.client, pair[1]) as far:
        send(net.client, pair[0], *packets)
        code, err = far.end()
        assert code == 0
        assert "100 control messages in 100 packets: 100 AssignedIps; 0 dropped by the kernel" in err
        domains = [each["fields"]["domain"] for each in far.rest()]
    assert domains == [f"{number}.example" for number in range(100)]
