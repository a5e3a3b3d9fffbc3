"""A bad network: it repeats, it keeps count, and one impairment leaves the others alone."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import UsageError
from fzctl.live.impair import (
    CORRUPTED,
    DELAYED,
    DUPLICATE,
    FARTHEST,
    LOST,
    MOST_BITS,
    REORDERED,
    Impairer,
    Impairments,
    corrupt,
    impair,
)
from fzctl.live.schedule import Timed
from fzctl.protocol.packet import IPV6_HEADER, declared_length
from tests.records import assigned, goodbye, raw, status

PACKETS = [assigned(), status(), goodbye(), raw(9, b"x")]
chances = st.sampled_from((0.0, 0.1, 0.5, 0.9, 1.0))
seconds = st.sampled_from((0.0, 0.001, 0.05, 2.0))
impairments = st.builds(
    Impairments, chances, chances, chances, chances, seconds, seconds, st.integers(-(2**70), 2**70)
)

each_impairment = pytest.mark.parametrize(
    ("name", "word"),
    [("loss", LOST), ("duplicate", DUPLICATE), ("corrupt", CORRUPTED), ("reorder", REORDERED)],
)


def only(name: str, value: float, how: Impairments) -> Impairments:
    """The same with one thing changed, by its name."""
    changed: dict[str, Any] = {name: value}
    return how._replace(**changed)


def sequence(count: int, gap: float = 0.01) -> list[Timed]:
    return [Timed(n * gap, PACKETS[n % len(PACKETS)], n + 1) for n in range(count)]


def struck(count: int, how: Impairments, what: str) -> set[int]:
    return {each.number for each in impair(sequence(count), how) if what in each.done}


@given(impairments, st.integers(0, 40), st.sampled_from((0.0, 0.01)))
def test_what_comes_out_is_what_went_in_less_the_lost_plus_the_duplicates(
    how: Impairments, count: int, gap: float
) -> None:
    given_in = sequence(count, gap)
    out = list(impair(given_in, how))
    lost = [each.number for each in out if LOST in each.done]
    sent = [each.number for each in out if LOST not in each.done]
    twice = [each.number for each in out if DUPLICATE in each.done]
    assert len(sent) == count - len(lost) + len(twice)
    assert sorted(sent) == sorted([*({each.number for each in given_in} - set(lost)), *twice])
    assert not set(lost) & set(twice)
    whole = {each.number: each.packet for each in given_in}
    for each in out:
        assert (each.packet != whole[each.number]) == (CORRUPTED in each.done)


@given(impairments, st.integers(0, 40), st.sampled_from((0.0, 0.01)))
def test_nothing_leaves_before_its_time_nor_out_of_the_order_of_time(
    how: Impairments, count: int, gap: float
) -> None:
    given_in = sequence(count, gap)
    out = list(impair(given_in, how))
    assert all(before.time <= after.time for before, after in pairwise(out))
    assert all(each.time >= given_in[each.number - 1].time for each in out)


@given(impairments, st.integers(0, 40))
def test_the_same_seed_does_the_same(how: Impairments, count: int) -> None:
    assert list(impair(sequence(count), how)) == list(impair(sequence(count), how))


def test_a_seed_is_the_same_on_every_machine() -> None:
    how = Impairments(loss=0.2, duplicate=0.2, reorder=0.2, corrupt=0.2, seed=1)
    assert [(each.number, each.done) for each in impair(sequence(12), how)] == [
        (1, ()),
        (1, ("duplicate",)),
        (2, ("corrupted",)),
        (3, ()),
        (3, ("duplicate",)),
        (4, ("lost",)),
        (5, ()),
        (6, ("corrupted",)),
        (8, ("corrupted",)),
        (8, ("corrupted", "duplicate")),
        (9, ()),
        (7, ("reordered",)),
        (10, ()),
        (11, ("lost",)),
        (12, ("lost",)),
    ]


def test_another_seed_does_something_else() -> None:
    found = {frozenset(struck(200, Impairments(loss=0.5, seed=seed), LOST)) for seed in range(10)}
    assert len(found) == 10


@pytest.mark.parametrize(
    ("name", "word"),
    [("loss", LOST), ("duplicate", DUPLICATE), ("corrupt", CORRUPTED), ("reorder", REORDERED)],
)
def test_switching_others_on_does_not_change_whom_one_strikes(name: str, word: str) -> None:
    alone = struck(400, only(name, 0.3, Impairments(seed=5)), word)
    every = only(name, 0.3, Impairments(0.2, 0.2, 0.2, 0.2, 0.1, 0.05, seed=5))
    lost = struck(400, every, LOST)
    together = struck(400, every, word)
    assert alone
    # A lost packet cannot be struck by anything else, and one may wait in vain to be overtaken.
    assert together <= alone
    assert alone - together <= (set() if name == "loss" else lost) | set(range(390, 401))


def test_more_loss_loses_the_same_and_more() -> None:
    assert struck(500, Impairments(loss=0.1), LOST) < struck(500, Impairments(loss=0.3), LOST)


@pytest.mark.parametrize(
    ("name", "word"),
    [("loss", LOST), ("duplicate", DUPLICATE), ("corrupt", CORRUPTED), ("reorder", REORDERED)],
)
@pytest.mark.parametrize("chance", [0.05, 0.3, 0.9])
def test_a_chance_is_kept_over_many_packets(name: str, word: str, chance: float) -> None:
    count = 10000
    found = len(struck(count, only(name, chance, Impairments(seed=3)), word))
    # Five standard deviations; the seed is fixed, so this is the same each time.
    assert abs(found - count * chance) < 5 * math.sqrt(count * chance * (1 - chance))


def test_nothing_is_done_without_impairments_and_all_is_lost_at_1() -> None:
    assert list(impair(sequence(50), Impairments())) == sequence(50)
    assert len(struck(50, Impairments(loss=1.0, duplicate=1.0), LOST)) == 50


def test_one_that_is_reordered_is_overtaken_by_up_to_three() -> None:
    out = list(impair(sequence(500, 0.0), Impairments(reorder=0.2)))
    assert sorted(each.number for each in out) == list(range(1, 501))
    places = {each.number: place for place, each in enumerate(out)}
    distances = set()
    for each in out:
        overtakers = sum(places[other] < places[each.number] for other in range(each.number + 1, 501))
        if REORDERED in each.done:
            distances.add(overtakers)
            assert overtakers >= 1
        else:
            assert overtakers == 0 or each.number > 490
    assert set(range(1, FARTHEST + 1)) <= distances


def test_the_last_one_is_not_called_reordered_where_nothing_overtakes_it() -> None:
    assert list(impair(sequence(1), Impairments(reorder=1.0))) == sequence(1)


@pytest.mark.parametrize("seed", range(8))
def test_its_own_copy_does_not_overtake_it(seed: int) -> None:
    out = list(impair(sequence(1), Impairments(duplicate=1.0, reorder=1.0, seed=seed)))
    assert sorted(each.done for each in out) == [(), (DUPLICATE,)]


def test_delays_lie_around_their_mean_and_may_change_the_order() -> None:
    out = list(impair(sequence(2000), Impairments(delay=0.1, jitter=0.05)))
    delays = [each.time - (each.number - 1) * 0.01 for each in out]
    assert 0.05 <= min(delays) < 0.06
    assert 0.14 < max(delays) <= 0.1500001
    assert abs(sum(delays) / len(delays) - 0.1) < 0.005
    assert all(each.done == (DELAYED,) for each in out)
    assert [each.number for each in out] != sorted(each.number for each in out)


def test_packets_that_come_one_by_one_leave_when_they_are_overtaken_or_at_the_end() -> None:
    impairer = Impairer(Impairments(reorder=1.0))
    first, second = sequence(2)
    assert impairer.feed(first) == []
    assert impairer.feed(second) == []
    assert impairer.rest() == [first._replace(time=second.time), second]
    assert impairer.rest() == []


# --- corruption -----------------------------------------------------------------------------------


@given(st.sampled_from(PACKETS), st.integers(0, 15), st.integers(0, 2**32 - 1))
def test_bits_are_flipped_in_header_or_payload_and_never_in_the_padding(
    packet: bytes, padding: int, choice: int
) -> None:
    broken = corrupt(packet + bytes(padding), choice)
    end = declared_length(packet)
    assert broken[:IPV6_HEADER] == packet[:IPV6_HEADER]
    assert broken[end:] == bytes(padding)
    changed = int.from_bytes(broken, "big") ^ int.from_bytes(packet + bytes(padding), "big")
    assert 1 <= changed.bit_count() <= MOST_BITS


@given(st.binary(min_size=1, max_size=60), st.integers(0, 2**32 - 1))
def test_any_packet_is_changed_and_keeps_its_length(packet: bytes, choice: int) -> None:
    broken = corrupt(packet, choice)
    assert broken != packet
    assert len(broken) == len(packet)


def test_an_empty_packet_stays_so() -> None:
    assert corrupt(b"", 1) == b""


# --- what is out of range -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss", "duplicate", "reorder", "corrupt"])
@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_a_chance_lies_between_0_and_1(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"chance of {name}"):
        impair([], only(name, value, Impairments()))


@pytest.mark.parametrize("name", ["delay", "jitter"])
@pytest.mark.parametrize("value", [-1.0, math.inf, math.nan])
def test_a_time_is_no_less_than_0(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"the {name} is a number"):
        impair([], only(name, value, Impairments()))
