"""Network namespaces for one run: under names of their own, and removed whatever happens.

    client 192.0.2.1 ---- 192.0.2.2 relay 198.51.100.1 ---- 198.51.100.2 gateway

The relay also forwards, so that the two can talk past it. Nothing else is reachable from there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import socket as sockets
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import dev

CLIENT: Final = {4: "192.0.2.1", 6: "2001:db8:a::1"}
RELAY: Final = {4: "192.0.2.2", 6: "2001:db8:a::2"}
RELAY_FAR: Final = {4: "198.51.100.1", 6: "2001:db8:b::1"}
GATEWAY: Final = {4: "198.51.100.2", 6: "2001:db8:b::2"}

PATIENCE: Final = 5.0
Socket = sockets.socket
_CLONE_NEWNET: Final = 0x40000000


class LabError(Exception):
    """The lab did not do what it should: a step failed or took too long."""


class CannotMakeNamespaces(LabError):
    """This machine does not let us: no failure of what is tested."""


class Namespace:
    """A network namespace that exists, and the programs that run in it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name: Final = name
        self.folder: Final = folder

    def run(self, *words: str) -> str:
        return run("ip", "netns", "exec", self.name, *words)

    def set(self, name: str, value: int) -> None:
        """A setting of this namespace's network; not every machine has ``sysctl``."""
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{name}")

    @contextlib.contextmanager
    def running(self, *words: str) -> Iterator[Path]:
        """Run a program; the value is the file with what it says. It is ended on leaving."""
        command = ["ip", "netns", "exec", self.name, *words]
        log = self.folder / f"{words[0]}-{secrets.token_hex(2)}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                _found(command), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        try:
            yield log
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(PATIENCE)

    def socket(self, family: int, kind: int) -> Socket:
        """A socket in this namespace: it stays there, whoever uses it."""

        def make() -> Socket:
            # Only this thread moves, and it ends.
            handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(handle, _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")
            finally:
                os.close(handle)
            return Socket(family, kind)

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(make).result(PATIENCE)

    def udp(self, local: str, port: int, remote: str, remote_port: int) -> Socket:
        """A UDP socket that talks to one place."""
        family = sockets.AF_INET6 if ":" in local else sockets.AF_INET
        opened = self.socket(family, sockets.SOCK_DGRAM)
        opened.bind((local, port))
        opened.connect((remote, remote_port))
        return opened


class Net(NamedTuple):
    """The three namespaces and the names of their interfaces."""

    tag: str
    client: Namespace
    relay: Namespace
    gateway: Namespace
    interface: str


@contextlib.contextmanager
def network(folder: Path) -> Iterator[Net]:
    """Three namespaces in a row. Raises CannotMakeNamespaces where the machine forbids it."""
    with contextlib.ExitStack() as cleanup:
        try:
            net = _build(folder, cleanup)
        except LabError as error:
            raise CannotMakeNamespaces(f"no network namespaces here: {error}") from None
        yield net


def _build(folder: Path, cleanup: contextlib.ExitStack) -> Net:
    tag = f"fz{secrets.token_hex(3)}"
    made = []
    for place in ("client", "relay", "gateway"):
        name = f"{tag}-{place}"
        run("ip", "netns", "add", name)
        cleanup.callback(run, "ip", "netns", "delete", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        made.append(Namespace(name, folder))
        # Of the devices to come: no solicitations of their own.
        for setting in ("router_solicitations", "accept_dad"):
            made[-1].set(f"ipv6/conf/default/{setting}", 0)
    client, relay, gateway = made
    for end, names in ((client, ("wire", "near")), (gateway, ("wire", "far"))):
        run("ip", "-n", end.name, "link", "add", names[0], "type", "veth",
            "peer", "name", names[1], "netns", relay.name)  # fmt: skip
    _address(client, "wire", CLIENT, RELAY)
    _address(relay, "near", RELAY)
    _address(relay, "far", RELAY_FAR)
    _address(gateway, "wire", GATEWAY, RELAY_FAR)
    relay.set("ipv4/ip_forward", 1)
    relay.set("ipv6/conf/all/forwarding", 1)
    # A fresh link says that it is up, and the kernel believes it a second later.
    for namespace in made:
        wait_until(partial(_all_up, namespace), f"the links of {namespace.name} are up")
    return Net(tag, client, relay, gateway, "wire")


def run(*words: str) -> str:
    """Run a program to its end and return what it printed."""
    try:
        done = subprocess.run(
            _found(list(words)), capture_output=True, text=True, check=False, timeout=4 * PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{words[0]}: {error}") from None
    if done.returncode:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait_until(test: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition; LabError where it does not come."""
    end = time.monotonic() + patience
    while not test():
        if time.monotonic() > end:
            raise LabError(f"waited {patience:g} s in vain: {what}")
        time.sleep(0.02)


def _address(
    place: Namespace, interface: str, own: dict[int, str], router: dict[int, str] | None = None
) -> None:
    device = ("dev", interface)
    run("ip", "-n", place.name, "address", "add", f"{own[4]}/24", *device)
    run("ip", "-n", place.name, "address", "add", f"{own[6]}/64", *device, "nodad")
    run("ip", "-n", place.name, "link", "set", interface, "up")
    for address in (router or {}).values():
        run("ip", "-n", place.name, "route", "add", "default", "via", address, *device)


def _all_up(place: Namespace) -> bool:
    links = run("ip", "-n", place.name, "-o", "link", "show", "type", "veth").splitlines()
    return all(" state UP " in line for line in links)


def _found(words: list[str]) -> list[str]:
    return [dev.find_program(words[0]) or words[0], *words[1:]]
