"""Devices by name, and what is wrong with them in words."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from fzctl.carriers import devices
from fzctl.carriers.devices import (
    ANY,
    allowed_ips_problem,
    explain,
    find_device,
    firezone_warning,
    list_allowed_ips,
)
from fzctl.errors import CarrierError


def test_loopback_is_an_ethernet_device_that_is_up() -> None:
    device = find_device("lo", "watch")
    assert device.number == socket.if_nametoindex("lo")
    assert device.is_ethernet
    assert device.is_up


def test_any_is_all_of_them() -> None:
    assert find_device(ANY, "watch").number == 0
    assert not find_device(ANY, "watch").is_ethernet


@pytest.mark.parametrize("name", ["log", "lO", "", "x" * 300, "a\x1b[31m", "é", "\ud800"])
def test_of_a_device_that_is_none_the_others_are_told(name: str) -> None:
    with pytest.raises(CarrierError, match=r"there is no such device.*there are: .*lo") as caught:
        find_device(name, "watch")
    assert caught.value.exit_code == 4


def test_the_nearest_name_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "wg-office")])
    with pytest.raises(CarrierError, match=r"cannot watch wg-offce: .*did you mean wg-office\?"):
        find_device("wg-offce", "watch")


def test_a_device_that_is_down_says_how_it_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_ask", lambda *_: bytes(24))
    with pytest.raises(CarrierError, match="cannot watch lo: it is down; ip link set lo up"):
        find_device("lo", "watch")


@pytest.mark.parametrize(
    ("number", "name", "words"),
    [
        (errno.EPERM, "lo", "run as root, or once as root: setcap cap_net_raw+ep /"),
        (errno.EACCES, "lo", "not permitted"),
        (errno.ENETDOWN, "lo", "it went down"),
        (errno.ENETDOWN, "gone0", "it is gone"),
        (errno.ENODEV, "gone0", "it is gone"),
        (errno.ENOKEY, "wg0", "add ::/128 to the AllowedIPs"),
        (errno.EDESTADDRREQ, "wg0", "endpoint is not known yet"),
        (errno.EMSGSIZE, "wg0", "a packet of 1500 bytes is larger than its MTU"),
        (errno.ENOBUFS, "wg0", "send more slowly"),
        (errno.EIO, "wg0", os.strerror(errno.EIO)),
    ],
)
def test_errors_say_what_to_do(number: int, name: str, words: str) -> None:
    assert words in explain(OSError(number, os.strerror(number)), name, 1500)


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        ("KEY=\t::/128\n", None),
        ("KEY=\t10.0.0.0/8 ::/0\n", None),
        ("KEY=\t10.0.0.0/8\nKEZ=\tfd00::/8 ::/128\n", None),
        (
            "KEY=\t10.0.0.0/8 fd00::/8\n",
            "would drop the message without a word: add ::/128 to the AllowedIPs",
        ),
        ("KEY=\t(none)\n", "add ::/128 to the AllowedIPs"),
        ("", "wg0 has no WireGuard peer yet"),
    ],
)
def test_what_wireguard_would_drop_is_told_beforehand(listing: str, problem: str | None) -> None:
    found = allowed_ips_problem("wg0", listing)
    assert found is None if problem is None else problem in (found or "")


def test_of_what_is_no_wireguard_nothing_is_listed() -> None:
    assert list_allowed_ips("lo") is None


def test_firezones_own_device_is_known_by_its_name() -> None:
    assert "a warning in its log" in (firezone_warning("tun-firezone") or "")
    assert firezone_warning("lo") is None
    assert firezone_warning(ANY) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [((100, 64, 0, 1), True), ((100, 95, 255, 255), True), ((100, 96, 0, 1), False), ((10, 0, 0, 1), False)],
)
def test_and_by_its_ipv4_address(
    address: tuple[int, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_ask", lambda *_: bytes(4) + bytes(address) + bytes(16))
    assert (firezone_warning("lo") is not None) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("fd00:2021:1111::7", True),
        ("fd00:2021:1111:0:0:0:1f:ffff", True),
        ("fd00:2021:1111:0:0:0:20:0", False),
        ("fd00:2021:1111:8000::1", False),
    ],
)
def test_and_by_its_ipv6_address(address: str, expected: bool) -> None:
    assert devices._is_tunnel_6(socket.inet_pton(socket.AF_INET6, address)) == expected


def test_a_wireguard_device_of_ones_own_is_not_firezones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: str(path).endswith("/wireguard/lab.sock"))
    monkeypatch.setattr(devices, "_has_tunnel_address", lambda _: True)
    assert firezone_warning("lab") is None
    assert firezone_warning("other") is not None
