"""The likeliest cause wins, and each has a remedy."""

from __future__ import annotations

import errno

from fzctl.carriers.troubles import Evidence, explain
from fzctl.errors import CarrierError
from fzctl.wireguard.config import Config
from fzctl.wireguard.refusals import OLD_TIMESTAMP
from fzctl.wireguard.results import AUTHENTICATION_FAILED, NOT_WIREGUARD, OK
from tests.wireguard.lab import A, B, shake_hands
from tests.wireguard.wire import AT_B, remote

TARGET = remote(B, AT_B)
CONFIG = Config("wg.conf", A, 0, (), (TARGET,))
LAB = shake_hands()


def told(evidence: Evidence) -> str:
    return explain(evidence, 5, TARGET, CONFIG)


def test_an_answer_that_fails_counts_more_than_noise_and_errors() -> None:
    evidence = Evidence()
    assert told(evidence).startswith("nothing came back in 5 s")
    evidence.note(b"noise", NOT_WIREGUARD)
    assert told(evidence).startswith("what came back is not WireGuard")
    evidence.note_error(errno.EHOSTUNREACH)
    assert told(evidence).startswith("the host cannot be reached")
    evidence.note(LAB.initiation, OLD_TIMESTAMP)
    assert "set the clock of the other end" in told(evidence)
    evidence.note(LAB.response, AUTHENTICATION_FAILED)
    assert told(evidence).startswith("its answer does not authenticate")
    evidence.unsent = errno.ENETUNREACH
    assert told(evidence).startswith("there is no route to it")


def test_a_handshake_that_does_not_authenticate_is_about_keys() -> None:
    evidence = Evidence()
    evidence.note(LAB.initiation, OK)
    assert told(evidence).startswith("nothing came back")
    evidence.note(LAB.initiation, AUTHENTICATION_FAILED)
    assert "compare the keys of both configs" in told(evidence)


def test_a_relay_that_failed_is_remembered_over_attempts() -> None:
    evidence = Evidence()
    evidence.relay = CarrierError("allocate on", "the relay x", "full")
    evidence.note_error(errno.ECONNREFUSED)
    fresh = evidence.fresh()
    assert fresh.error == 0
    assert not fresh.is_refused
    assert told(fresh) == "the relay failed: cannot allocate on the relay x: full"


def test_no_use_in_waiting_where_the_port_is_closed_or_nothing_leaves() -> None:
    far, closed, forbidden = Evidence(), Evidence(), Evidence()
    far.note_error(errno.EHOSTUNREACH)
    closed.note_error(errno.ECONNREFUSED)
    forbidden.unsent = errno.EPERM
    assert [one.is_refused for one in (far, closed, forbidden)] == [False, True, True]
