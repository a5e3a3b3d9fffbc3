"""A bad network on purpose: ``--loss 5%`` and its like, the same in every verb that sends."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Final

from fzctl.errors import UsageError

if TYPE_CHECKING:
    from fzctl.live.impair import Impairments

CHANCES: Final = {
    "loss": "lose so many of the messages",
    "duplicate": "send so many twice",
    "reorder": "let so many be overtaken by up to three others",
    "corrupt": "flip up to three bits in so many",
}
_LARGEST_SEED: Final = 2**32


def add_impairment_arguments(parser: ArgumentParser) -> None:
    """Declare them."""
    group = parser.add_argument_group("a bad network (a chance is 5% or 0.05)")
    for name, text in CHANCES.items():
        group.add_argument(f"--{name}", metavar="CHANCE", type=chance, default=0.0, help=text)
    group.add_argument(
        "--seed",
        metavar="N",
        type=_seed,
        help="the same seed spoils the same messages (default: a random one)",
    )


def impairments_of(args: Namespace) -> Impairments | None:
    """What the options ask for, with a seed in any case; ``None`` where nothing is to be spoiled.

    Raises UsageError where a seed has nothing to do.
    """
    if not any(getattr(args, name) for name in CHANCES):
        if args.seed is not None:
            raise UsageError("--seed goes with --loss, --duplicate, --reorder or --corrupt")
        return None
    from secrets import randbelow

    from fzctl.live.impair import Impairments

    seed = randbelow(_LARGEST_SEED) if args.seed is None else args.seed
    return Impairments(**{name: getattr(args, name) for name in CHANCES}, seed=seed)


def chance(text: str) -> float:
    """``5%`` or ``0.05``, as an option's type; a bare 5 could mean either."""
    number, percent, rest = text.partition("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if rest or not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!a} is no chance: write 5% or 0.05")
    return value


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ArgumentTypeError(f"{text!a} is no whole number of at most 20 digits")
    return int(text)
