"""A bad network on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from fzctl.cli.impairment import CHANCES, add_impairment_arguments, chance, impairments_of
from fzctl.cli.parser import Parser
from fzctl.errors import UsageError
from fzctl.live.impair import Impairments


def read(*words: str) -> Impairments | None:
    parser = Parser(prog="x")
    add_impairment_arguments(parser)
    return impairments_of(parser.parse(list(words)))


@pytest.mark.parametrize(
    ("text", "value"),
    [("5%", 0.05), ("0.05", 0.05), ("100%", 1), ("1", 1), ("0", 0), ("0.5%", 0.005), ("1e-3", 0.001)],
)
def test_a_chance_is_a_percentage_or_a_fraction(text: str, value: float) -> None:
    assert chance(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["5", "101%", "-1%", "", "%", "x", "5%%", "5 % x", "nan", "inf%", "\x1b"])
def test_what_could_mean_either_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"write 5% or 0\.05"):
        chance(text)


def test_options_become_impairments_with_the_seed_given() -> None:
    words = ("--loss", "10%", "--duplicate", "0.2", "--reorder", "30%", "--corrupt", "0.4", "--seed", "7")
    assert read(*words) == Impairments(0.1, 0.2, 0.3, 0.4, seed=7)


@pytest.mark.parametrize("name", CHANCES)
def test_each_alone_gets_a_seed_that_is_another_one_each_time(name: str) -> None:
    found = [read(f"--{name}", "10%") for _ in range(4)]
    assert all(each is not None and getattr(each, name) == 0.1 for each in found)
    assert len({each.seed for each in found if each is not None}) > 1


def test_without_a_chance_nothing_is_spoiled_and_a_seed_is_a_mistake() -> None:
    assert read() is None
    assert read("--loss", "0") is None
    with pytest.raises(UsageError, match="--seed goes with"):
        read("--seed", "1")


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "1" * 21])
def test_a_seed_is_a_whole_number(text: str) -> None:
    with pytest.raises(UsageError, match="seed"):
        read("--loss", "1%", f"--seed={text}")
