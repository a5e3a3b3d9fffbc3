"""What is done to the exchanges of a client and a gateway, each scenario declared once.

What the protocol cannot bear by its own rules is named as weak: it has no timer, no sequence
numbers and no acknowledgements (``tunnel-proto/src/client/dns_resource_nat.rs``), and leaves it to
WireGuard to keep messages whole.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fzctl.errors import UsageError
from fzctl.live.impair import Impairments
from fzctl.protocol.fields import Status

SET_UP: Final = "set_up"
AGREES: Final = "agreement"
FRESH: Final = "no_stale_state"
ORDER: Final = "packets_in_order"
ENDED: Final = "nothing_after_goodbye"
ANSWERS: Final = "answers"

PROPERTIES: Final = {
    SET_UP: "in the end every domain is confirmed",
    AGREES: "in the end both ends think the same of every domain",
    FRESH: "no state was decided by an answer that is old, or that the gateway never gave",
    ORDER: "packets that waited were released or dropped, each once and in their order",
    ENDED: "nothing that came after a Goodbye was acted upon",
    ANSWERS: "the gateway answered what it was asked, once for each question, within 10 s and the way",
}
"""What is looked at in every run; a scenario tells which of it the protocol does not promise."""

START: Final = "start"
ASKED: Final = "asked"
CONFIRMED: Final = "confirmed"

SAY_ACTIVE: Final = "active"
SAY_INACTIVE: Final = "inactive"
SAY_GOODBYE: Final = "goodbye"
SAY_UNKNOWN: Final = "unknown"
SAY_BROKEN: Final = "broken"

TO_CLIENT: Final = "to client"
TO_GATEWAY: Final = "to gateway"


class Fate(NamedTuple):
    """What becomes of one message: lost, or ``held`` back for seconds.

    ``status``: this is what the gateway says in place of its answer.
    """

    lost: bool = False
    held: float = 0.0
    status: str | None = None


class Strike(NamedTuple):
    """A message that nobody's state machine sends, once for each domain (a Goodbye once in all).

    It arrives ``after`` seconds after the run's start, after the domain was asked for the ``nth``
    time, or after it was confirmed.
    """

    say: str
    when: str
    after: float = 0.0
    way: str = TO_CLIENT
    nth: int = 1


class Scenario(NamedTuple):
    """One row of the matrix.

    ``done`` says what is done, ``rule`` what comes of it by the protocol's own rules; ``weak`` are
    the properties that need not hold because of them, all others must. ``questions`` and
    ``answers`` are the fates of the first ones of each domain. ``refresh_after``: somebody asks for
    the domain's address that many seconds after it is confirmed. ``silent``: the application sends
    its first packet and then nothing. ``simulated``: too harsh for a gateway that is real.
    """

    name: str
    done: str
    rule: str
    weak: tuple[str, ...] = ()
    impairments: Impairments = Impairments()
    questions: tuple[Fate, ...] = ()
    answers: tuple[Fate, ...] = ()
    strikes: tuple[Strike, ...] = ()
    refresh_after: float | None = None
    silent: bool = False
    simulated: bool = False

    @property
    def must(self) -> tuple[str, ...]:
        """The properties that must hold."""
        return tuple(name for name in PROPERTIES if name not in self.weak)


_AS_IT_IS: Final = Fate()
_LOST: Final = Fate(lost=True)
_RESENT: Final = "the next packet of the application 2 s after the last question repeats it"


def _loss(percent: int) -> Scenario:
    return Scenario(
        f"loss-{percent}",
        f"{percent} % of the messages are lost, either way",
        f"{_RESENT}, until an answer comes",
        impairments=Impairments(loss=percent / 100),
    )


def _between(say: str, name: str, done: str, rule: str) -> Scenario:
    moments = ((START, 0.0), (ASKED, 0.01), (CONFIRMED, 0.2))
    return Scenario(
        name,
        done,
        rule,
        strikes=tuple(
            Strike(say, when, after, way) for way in (TO_CLIENT, TO_GATEWAY) for when, after in moments
        ),
    )


SCENARIOS: Final = (
    Scenario("calm", "nothing is done", "one question and one answer"),
    *(_loss(percent) for percent in (5, 10, 20, 30, 50)),
    Scenario(
        "reorder",
        "half of the messages are overtaken by up to three others, either way",
        "the order of different domains means nothing, and one domain's answers are all the same",
        impairments=Impairments(reorder=0.5),
    ),
    Scenario(
        "duplicate",
        "half of the messages come twice, either way",
        "the gateway answers each copy, the second answer changes nothing",
        impairments=Impairments(duplicate=0.5),
    ),
    Scenario(
        "corrupt",
        "bits flip in 20 % of the messages, either way, behind WireGuard's back",
        "what is no JSON is dropped; nothing but WireGuard tells a changed word from a true one",
        weak=(SET_UP, AGREES, FRESH, ANSWERS),
        impairments=Impairments(corrupt=0.2),
        simulated=True,
    ),
    Scenario(
        "delay",
        "each message takes up to 3 s, so that questions are repeated before the answer",
        "every answer of the same exchange counts, the first one confirms",
        impairments=Impairments(delay=1.5, jitter=1.5),
    ),
    Scenario("question-lost", "the first question is lost", _RESENT, questions=(_LOST,)),
    Scenario(
        "answer-lost", "the first answer is lost", f"{_RESENT}; the gateway answers again", answers=(_LOST,)
    ),
    Scenario(
        "no-traffic",
        "the first question is lost and the application sends nothing more",
        "there is no timer: without traffic nothing is repeated, the domain stays pending",
        weak=(SET_UP,),
        questions=(_LOST,),
        silent=True,
    ),
    Scenario(
        "answer-first",
        "an Active comes before the client has asked",
        "a client that waits for no answer ignores it",
        strikes=(Strike(SAY_ACTIVE, START),),
    ),
    Scenario(
        "stale-answer",
        "a repeated Active of the first exchange comes when the refresh's question is lost",
        "an answer does not tell to which question it belongs: it is taken for the refresh's",
        weak=(FRESH,),
        questions=(_AS_IT_IS, _LOST),
        strikes=(Strike(SAY_ACTIVE, ASKED, 0.2, nth=2),),
        refresh_after=3.0,
    ),
    Scenario(
        "late-inactive",
        "an Inactive comes 1 s after the domain was confirmed",
        "it undoes the confirmation: packets go into the void until the next DNS query",
        weak=(FRESH,),
        strikes=(Strike(SAY_INACTIVE, CONFIRMED, 1.0),),
    ),
    Scenario(
        "late-active",
        "the gateway says Active and later Inactive, and the two answers change places",
        "the last to come wins: the client thinks that the domain works, the gateway does not",
        weak=(FRESH, AGREES),
        answers=(Fate(held=3.0), Fate(status=Status.INACTIVE)),
    ),
    Scenario(
        "goodbye",
        "the gateway's Goodbye comes between question and answer",
        "the client forgets everything and ignores the answer; the next packet asks the portal again",
        answers=(Fate(held=0.4),),
        strikes=(Strike(SAY_GOODBYE, ASKED, 0.2),),
    ),
    Scenario(
        "goodbye-sent",
        "the client says Goodbye between question and answer, and then goes on",
        "the gateway forgets the client and its lookups; the next packet asks the portal again",
        answers=(Fate(held=0.4),),
        strikes=(Strike(SAY_GOODBYE, ASKED, 0.1, TO_GATEWAY),),
        simulated=True,
    ),
    _between(
        SAY_UNKNOWN,
        "unknown-kind",
        "messages of a kind that nobody knows come in between, either way",
        "both ends ignore them",
    ),
    _between(
        SAY_BROKEN,
        "malformed",
        "messages whose JSON ends too early come in between, either way",
        "both ends ignore them, and nobody answers them",
    ),
)


def choose_scenarios(names: list[str]) -> tuple[Scenario, ...]:
    """Those of these names, in the order of declaration; all without a name. Raises UsageError.

    A name may be the beginning of several: ``loss``.
    """
    if not names:
        return SCENARIOS
    wanted: set[str] = set()
    for name in names:
        whole = [each.name for each in SCENARIOS if each.name == name]
        found = whole or [each.name for each in SCENARIOS if each.name.startswith(f"{name}-")]
        if not found:
            raise UsageError(f"there is no scenario {name!a} (--list names them)")
        wanted.update(found)
    return tuple(each for each in SCENARIOS if each.name in wanted)
