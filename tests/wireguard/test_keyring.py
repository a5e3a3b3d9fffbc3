"""The keyring: keys are found by what a handshake shows, and what fits nothing is told."""

from __future__ import annotations

import pytest

from fzctl.wireguard.keylog import (
    LOCAL_EPHEMERAL,
    LOCAL_STATIC,
    PRESHARED,
    REMOTE_STATIC,
    TRANSPORT_KEY,
    Entry,
)
from fzctl.wireguard.keyring import (
    MOST_OF_INDEX,
    MOST_PSKS,
    PSK_TRIES,
    TRIES_OF_MESSAGE,
    Keyring,
    TriesSpentError,
)
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.messages import Initiation, parse
from fzctl.wireguard.noise import NO_PSK
from tests.wireguard.lab import PSK, A, B, C, log, shake_hands

OTHER = Secret(b"o" * 32)


def test_private_keys_of_either_kind_are_found_by_their_public_key() -> None:
    ring = Keyring()
    ring.add(
        log(
            Entry(LOCAL_STATIC, A),
            Entry(LOCAL_EPHEMERAL, Secret(B.raw)),
            Entry(REMOTE_STATIC, Secret(C.public)),
        )
    )
    assert ring.private(A.public) == A
    assert ring.private(B.public) == B
    assert ring.private(C.public) is None


def test_the_responder_is_found_by_mac1_with_its_private_or_its_public_key() -> None:
    lab = shake_hands(A, B)
    message = parse(lab.initiation)
    assert isinstance(message, Initiation)
    for fits, entry in (
        (True, Entry(LOCAL_STATIC, B)),
        (True, Entry(REMOTE_STATIC, Secret(B.public))),
        (False, Entry(LOCAL_STATIC, A)),
        (False, Entry(LOCAL_EPHEMERAL, B)),
    ):
        ring = Keyring()
        ring.add(log(Entry(REMOTE_STATIC, Secret(C.public)), entry))
        assert ring.responder_of(message, lab.initiation) == (B.public if fits else None)


def test_preshared_keys_come_their_own_first_then_none_then_all_others() -> None:
    ring = Keyring()
    ring.add(log(Entry(PRESHARED, OTHER), Entry(LOCAL_EPHEMERAL, A), Entry(PRESHARED, PSK)))
    assert list(ring.psks(A.public)) == [PSK, NO_PSK, OTHER]
    assert list(ring.psks(B.public)) == [NO_PSK, OTHER, PSK]
    assert ring.psk_count == 2


def test_transport_keys_of_one_index_are_kept_the_last_first() -> None:
    ring = Keyring()
    ring.add(log(*(Entry(TRANSPORT_KEY, key, 7) for key in (PSK, OTHER, PSK)), Entry(TRANSPORT_KEY, PSK, 0)))
    assert ring.transport == {7: [OTHER, PSK], 0: [PSK]}


def test_lines_that_fit_nothing_are_told_once_for_equal_keys() -> None:
    ring = Keyring()
    ring.add(
        log(
            Entry(LOCAL_STATIC, A),
            Entry(LOCAL_STATIC, A),
            Entry(PRESHARED, PSK),
            Entry(TRANSPORT_KEY, PSK, 7),
        )
    )
    assert [entry.line for entry in ring.unused()] == [1, 3, 4]
    assert [entry.line for entry in ring.use(A.public, B.public, (7, PSK))] == [1, 4]
    assert [entry.line for entry in ring.unused()] == [3]


def test_several_logs_make_one_ring() -> None:
    ring = Keyring()
    ring.add(log(Entry(LOCAL_STATIC, A)))
    ring.add(log(Entry(LOCAL_EPHEMERAL, B), Entry(PRESHARED, PSK))._replace(name="more.txt"))
    assert ring.private(A.public) == A
    assert list(ring.psks(B.public)) == [PSK, NO_PSK]


def test_a_preshared_key_of_zeros_need_not_fit() -> None:
    ring = Keyring()
    ring.add(log(Entry(PRESHARED, NO_PSK)))
    assert ring.unused() == []
    assert ring.psk_count == 0


def test_of_one_index_and_of_preshared_keys_a_bounded_number_is_tried() -> None:
    ring = Keyring()
    keys = [Secret(number.to_bytes(32, "big")) for number in range(1, MOST_PSKS + 10)]
    ring.add(log(*[Entry(TRANSPORT_KEY, key, 7) for key in keys]))
    ring.add(log(Entry(LOCAL_EPHEMERAL, A), *[Entry(PRESHARED, key) for key in (PSK, *keys, OTHER)]))
    assert ring.transport == {7: keys[: -MOST_OF_INDEX - 1 : -1]}
    assert list(ring.psks(A.public))[:3] == [PSK, NO_PSK, keys[0]]
    assert len(list(ring.psks(A.public))) == MOST_PSKS + 1
    assert ring.psk_count == MOST_PSKS


def test_static_keys_are_tried_as_long_as_a_capture_accounts_for() -> None:
    lab = shake_hands(A, B)
    message = parse(lab.initiation)
    assert isinstance(message, Initiation)
    ring = Keyring(tries=3)
    ring.add(log(Entry(REMOTE_STATIC, Secret(C.public)), Entry(LOCAL_STATIC, B)))
    assert ring.responder_of(message, lab.initiation) == B.public
    with pytest.raises(TriesSpentError):
        ring.responder_of(message, lab.initiation)
    ring.grant()
    for _ in range(TRIES_OF_MESSAGE // 2):
        assert ring.responder_of(message, lab.initiation) == B.public
    with pytest.raises(TriesSpentError):
        ring.responder_of(message, lab.initiation)


def test_preshared_keys_that_nothing_points_to_are_not_tried_for_ever_but_their_own_are() -> None:
    ring = Keyring(tries=PSK_TRIES)
    ring.add(log(Entry(PRESHARED, OTHER), Entry(LOCAL_EPHEMERAL, A), Entry(PRESHARED, PSK)))
    assert list(ring.psks(A.public)) == [PSK, NO_PSK, OTHER]
    again = ring.psks(A.public)
    assert [next(again), next(again)] == [PSK, NO_PSK]
    with pytest.raises(TriesSpentError):
        next(again)
