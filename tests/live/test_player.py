"""What players share: the diary, the agenda, words for a message."""

from __future__ import annotations

from fzctl.live.player import NOTE, STATE, Agenda, Diary, Exchange, Happening, milliseconds, sentence_of
from fzctl.protocol.codec import decode
from tests.records import assigned, goodbye, raw, status


def test_a_diary_hands_out_each_page_once_and_keeps_counts() -> None:
    diary = Diary()
    pages = [Happening(NOTE, 1.0, "a"), Happening(STATE, 2.0, "b"), Happening(NOTE, 3.0, "c")]
    for page in pages:
        diary.tell(page)
    assert diary.take() == pages
    assert diary.take() == []
    assert diary.counts == {NOTE: 2, STATE: 1}


def test_an_agenda_keeps_the_order_of_time_and_then_of_asking() -> None:
    agenda = Agenda()
    done: list[tuple[str, float]] = []
    for when, name in ((2.0, "late"), (1.0, "first"), (1.0, "second")):
        agenda.put(when, lambda now, name=name: done.append((name, now)))  # type: ignore[misc]
    assert agenda.next() == 1.0
    agenda.run(0.5)
    assert done == []
    agenda.run(1.5)
    assert done == [("first", 1.5), ("second", 1.5)]
    assert agenda.next() == 2.0
    agenda.clear()
    assert agenda.next() is None


def test_what_is_put_off_to_this_moment_waits_for_the_next_run() -> None:
    agenda = Agenda()
    seen: list[float] = []

    def again(now: float) -> None:
        seen.append(now)
        agenda.put(now, again)

    agenda.put(1.0, again)
    agenda.run(1.0)
    assert seen == [1.0]


def test_seconds_become_whole_milliseconds() -> None:
    assert [milliseconds(each) for each in (0.0, 1.9996, 2.0, 1e6 + 0.0005)] == [0, 2000, 2000, 1_000_000_000]


def test_an_exchange_knows_how_long_it_took() -> None:
    exchange = Exchange("a.example", "r", (), "confirmed", 1, 10.0, 1, 10.5)
    assert exchange.seconds == 0.5
    assert exchange._replace(answered_at=None).seconds is None


def test_messages_in_a_few_words() -> None:
    assert sentence_of(decode(goodbye())) == "Goodbye"
    assert sentence_of(decode(status())).endswith("example.com Active")
    assert "100.96.0.1, 100.96.0.2" in sentence_of(decode(assigned()))
    assert sentence_of(decode(raw(9))) == "kind 9"
    assert sentence_of(decode(raw(9)[:42])) == "no header"
