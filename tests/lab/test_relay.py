"""Our TURN client against coturn: every request of it, and what a real relay refuses."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.relay import FAILED, READY
from tests.lab.netns import CLIENT, GATEWAY, RELAY, RELAY_FAR, LabError, Net, wait_until
from tests.lab.peer import PATIENCE
from tests.lab.programs import TURN_PASSWORD, TURN_PORT, TURN_USER, coturn
from tests.lab.relaywire import RelayWire

pytestmark = [pytest.mark.root, pytest.mark.peer("ip", "turnserver")]

PEER_PORT = 40001
REFRESH, PERMISSION, CHANNEL = 540.0, 240.0, 540.0


@contextlib.contextmanager
def client(
    net: Net,
    user: str = TURN_USER,
    password: str = TURN_PASSWORD,
    peer: Endpoint | None = None,
    *,
    version: int = 4,
    family: int = 4,
) -> Iterator[RelayWire]:
    """``version`` is that of the way to the relay, ``family`` that of the way behind it."""
    with net.client.udp(CLIENT[version], 0, RELAY[version], TURN_PORT) as opened:
        yield RelayWire(opened, user, password, peer or (GATEWAY[family], PEER_PORT), family=family)


def both_ways(net: Net, wire: RelayWire, family: int = 4) -> None:
    """A datagram to the peer and one back, in an indication and on the channel."""
    assert wire.relay.relayed is not None
    with net.gateway.udp(GATEWAY[family], PEER_PORT, *wire.relay.relayed) as peer:
        peer.settimeout(PATIENCE)
        for payload in (b"first", b"second"):
            wire.send(payload)
            assert peer.recv(100) == payload
            peer.send(payload[::-1])
            assert wire.receive_from() == (payload[::-1], wire.peer)


def allocate_again(wire: RelayWire) -> None:
    """coturn gives a port a second allocation when the first has ended, and ends it in its own time."""

    def succeeds() -> bool:
        with contextlib.suppress(LabError):
            wire.allocate()
        return wire.relay.is_ready

    wait_until(succeeds, "the first allocation has ended")


@pytest.fixture
def relay(net: Net) -> Iterator[None]:
    with coturn(net):
        yield


@pytest.mark.usefixtures("relay")
@pytest.mark.parametrize(("version", "family"), [(4, 4), (6, 6), (4, 6), (6, 4)])
def test_data_goes_both_ways_until_we_stop(net: Net, version: int, family: int) -> None:
    with client(net, version=version, family=family) as wire:
        assert wire.allocate()[0] == RELAY_FAR[family]
        assert wire.relay.mapped is not None
        assert wire.relay.mapped[0] == CLIENT[version]
        both_ways(net, wire, family)
        wire.release()
        assert wire.codes == [401]
        assert wire.words == ""
        allocate_again(wire)
        wire.release()


@pytest.mark.usefixtures("relay")
def test_allocation_permission_and_channel_are_refreshed(net: Net) -> None:
    with client(net) as wire:
        wire.allocate()
        both_ways(net, wire)
        for passed in (PERMISSION, 2 * PERMISSION, REFRESH + 1, 2 * REFRESH + 2):
            wire.ahead = passed
            wire.settle()
            due = wire.relay.next_timeout()
            assert due is not None
            assert due > time.monotonic() + passed
        both_ways(net, wire)
        assert (wire.codes, wire.words) == ([401], "")
        wire.release()


@pytest.mark.usefixtures("relay")
@pytest.mark.parametrize(("user", "password"), [(TURN_USER, "wrong"), ("nobody", TURN_PASSWORD)])
def test_a_wrong_password_and_an_unknown_user_are_told(net: Net, user: str, password: str) -> None:
    with client(net, user, password) as wire:
        with pytest.raises(LabError):
            wire.allocate()
        assert wire.codes == [401, 401]
        assert wire.words.startswith("cannot get an address from the relay coturn: it refuses user name")


@pytest.mark.usefixtures("relay")
@pytest.mark.parametrize(("peer", "code"), [(("127.0.0.1", 9), 403), ((GATEWAY[6], 9), 443)])
def test_a_peer_that_the_relay_refuses_is_told_and_the_address_stays(
    net: Net, peer: Endpoint, code: int
) -> None:
    with client(net, peer=peer) as wire:
        wire.allocate()
        wire.send(b"x")
        assert wire.codes == [401, code]
        assert f"({code})" in wire.words
        assert wire.relay.state == READY
        wire.release()


def test_one_allocation_too_many_is_told(net: Net) -> None:
    with coturn(net, "--user-quota=1"), client(net) as first, client(net) as second:
        first.allocate()
        with pytest.raises(LabError):
            second.allocate()
        assert "(486)" in second.words
        first.release()


@pytest.mark.usefixtures("relay")
def test_a_second_allocation_from_the_same_port_is_told(net: Net) -> None:
    with net.client.udp(CLIENT[4], 0, RELAY[4], TURN_PORT) as opened:
        first, second = (
            RelayWire(opened, TURN_USER, TURN_PASSWORD, (GATEWAY[4], PEER_PORT)) for _ in range(2)
        )
        first.allocate()
        with pytest.raises(LabError):
            second.allocate()
        assert "(437)" in second.words
        first.release()
        allocate_again(second)
        second.release()


def test_an_expired_nonce_is_renewed_without_a_word(net: Net) -> None:
    with coturn(net, "--stale-nonce=1"), client(net) as wire:
        wire.allocate()
        time.sleep(2.1)
        both_ways(net, wire)
        assert 438 in wire.codes
        assert wire.words == ""
        wire.release()


def test_a_relay_that_was_started_anew_knows_us_no_more(net: Net) -> None:
    with client(net) as wire:
        with coturn(net):
            wire.allocate()
        with coturn(net):
            wire.ahead = REFRESH
            wire.settle()
            assert wire.relay.state == FAILED
            assert "cannot keep the address on the relay coturn" in wire.words
