"""Sessions: where they were seen, and their direction."""

from __future__ import annotations

import pytest

from fzctl.wireguard.messages import Initiation, Response
from fzctl.wireguard.sessions import TO_INITIATOR, TO_RESPONDER, Seen, Session

BEGIN = Seen(Initiation(1, b"", b"", b""), b"", 4, "a", "b")
ANSWER = Seen(Response(2, 1, b"", b""), b"", 5, "b", "a")


@pytest.mark.parametrize(
    ("session", "frame"),
    [(Session(BEGIN), 4), (Session(None, ANSWER), 5), (Session(BEGIN, ANSWER), 4)],
)
def test_the_initiators_end_comes_first_whichever_message_was_seen(session: Session, frame: int) -> None:
    assert session.frame == frame
    assert session.ends == ("a", "b")


def test_of_a_new_session_nothing_is_known() -> None:
    session = Session()
    assert (session.frame, session.ends, session.number) == (0, ("", ""), None)
    assert (session.initiator, session.responder, session.keyed, session.missing) == (None, None, False, None)


def test_a_session_without_number_has_no_direction() -> None:
    assert Session(BEGIN).direction(TO_RESPONDER) is None


def test_the_way_back_is_the_other_direction() -> None:
    session = Session(BEGIN)
    session.number = 1
    assert (session.direction(TO_RESPONDER), session.direction(TO_INITIATOR)) == ("a>b", "b>a")
    session.swapped = True
    assert (session.direction(TO_RESPONDER), session.direction(TO_INITIATOR)) == ("b>a", "a>b")
