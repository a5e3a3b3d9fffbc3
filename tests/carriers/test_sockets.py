"""Real sockets, on loopback."""

from __future__ import annotations

import errno
import socket
import sys

import pytest

from fzctl.carriers.sockets import UdpSockets, resolve
from fzctl.errors import CarrierError
from tests.lab.weighing import weigh

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as opened:
            opened.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
each_version = pytest.mark.parametrize("version", [4, pytest.param(6, marks=needs_ipv6)])


@each_version
def test_datagrams_go_both_ways_and_tell_where_they_come_from(version: int) -> None:
    first, second = UdpSockets(), UdpSockets()
    try:
        far = (LOOPBACK[version], second.local((LOOPBACK[version], 9))[1])
        first.send(b"there", far)
        came = second.receive(5)
        assert came is not None
        assert came.datagram == b"there"
        assert came.endpoint == first.local(far)
        assert came.endpoint[0] == LOOPBACK[version]
        second.send(b"back", came.endpoint)
        back = first.receive(5)
        assert back is not None
        assert (back.datagram, back.endpoint, back.error) == (b"back", far, 0)
        assert first.receive(0) is None
    finally:
        first.close()
        second.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell an unconnected socket")
@each_version
def test_an_icmp_error_is_a_value_with_whom_it_is_about_and_hides_nothing(version: int) -> None:
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind((LOOPBACK[version], 0))
        nobody = closed.getsockname()[:2]
    first, second = UdpSockets(), UdpSockets()
    try:
        far = (LOOPBACK[version], second.local((LOOPBACK[version], 9))[1])
        first.send(b"lost", nobody)
        first.send(b"not lost", far)
        refused = first.receive(5)
        assert refused is not None
        assert (refused.datagram, refused.endpoint, refused.error) == (b"", nobody, errno.ECONNREFUSED)
        assert first.receive(0) is None
        came = second.receive(5)
        assert came is not None
        assert came.datagram == b"not lost"
    finally:
        first.close()
        second.close()


def test_a_port_that_is_taken_is_said() -> None:
    first = UdpSockets()
    port = first.local(("127.0.0.1", 9))[1]
    try:
        with pytest.raises(CarrierError, match=f"cannot listen on UDP port {port}: another program has it"):
            UdpSockets(port)
    finally:
        first.close()


def test_a_kernel_without_ipv6_still_has_ipv4() -> None:
    def make(family: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no")
        return socket.socket(family, socket.SOCK_DGRAM)

    opened = UdpSockets(make=make)
    try:
        with pytest.raises(OSError, match="no IPv6"):
            opened.send(b"", ("::1", 9))
        opened.send(b"", ("127.0.0.1", 9))
    finally:
        opened.close()


def test_a_listening_port_is_that_of_both_families() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    opened = UdpSockets(port)
    try:
        assert opened.local(("127.0.0.1", 9)) == ("127.0.0.1", port)
    finally:
        opened.close()


def test_whoever_sends_takes_bounded_memory() -> None:
    opened = UdpSockets()
    try:
        here = {opened.local(("127.0.0.1", port)) for port in range(1, 3000)}
        assert here == {opened.local(("127.0.0.1", 1))}
        assert weigh([opened._local]).objects < 5000
    finally:
        opened.close()


def test_addresses_and_names_are_resolved() -> None:
    assert resolve(("192.0.2.1", 7), "the Endpoint in wg.conf") == ("192.0.2.1", 7)
    assert resolve(("2001:db8::1", 7), "the Endpoint in wg.conf") == ("2001:db8::1", 7)
    assert resolve(("localhost", 7), "the Endpoint in wg.conf") in (("127.0.0.1", 7), ("::1", 7))


@pytest.mark.parametrize("name", ["nobody.invalid", "a..b", "x" * 70])
def test_a_name_that_does_not_resolve_is_said_with_the_remedy(name: str) -> None:
    with pytest.raises(CarrierError, match=rf"cannot find {name}:7: .*; check the Endpoint in wg\.conf"):
        resolve((name, 7), "the Endpoint in wg.conf")
