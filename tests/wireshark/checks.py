"""What the dissector is held to in every version of Wireshark.

Each check yields for every case what is wrong, in words, or an empty text.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from fzctl.cli.inputs import Inputs
from fzctl.pcap.capture import open_capture
from fzctl.protocol.kinds import AUTO
from fzctl.protocol.packet import IPV6_HEADER
from fzctl.records import Record, read_records
from fzctl.wireshark.compare import differences, our_values, their_values
from tests.wireshark import mutations
from tests.wireshark.mutations import SAMPLES, Broken
from tests.wireshark.tsharks import Reader, complaints

# Transport keys are ours alone, and link type 147 means IP only where somebody says so.
_NOT_FOR_WIRESHARK: Final = ("late", "user0")


def load(reader: Reader) -> Iterator[str]:
    """A script that is missing, broken or left out leaves tshark without the field, and with exit code 0."""
    done = reader.read(SAMPLES / "setup.pcapng", "-Y", "fzp2p.kind", "-T", "fields", "-e", "frame.number")
    found = complaints(done)
    yield "; ".join(found) if found else "" if done.stdout.split() else "no message was found"


def vectors(reader: Reader, folder: Path) -> Iterator[str]:
    """Every packet by itself, so that one wrong reading is one failure."""
    path = mutations.write_packets(folder / "vectors.pcap", mutations.vectors())
    with open_capture(path) as capture:
        records = list(read_records(capture.candidates()))
    wrong = _differ(reader, path, records)
    frames = {record.frame for record in records}
    for frame in sorted(frames | wrong.keys()):
        yield wrong.get(frame, "")


def samples(reader: Reader, *options: str) -> Iterator[str]:
    """The samples, plain and encrypted, field by field as we read them."""
    for path in sorted(SAMPLES.rglob("*.pcap*")):
        if path.stem not in _NOT_FOR_WIRESHARK:
            keys = path.with_suffix(".keys")
            wrong = _differ(
                reader, path, _records(path, keys), *options, keys=keys if keys.exists() else None
            )
            yield f"{path.relative_to(SAMPLES)}: {'; '.join(wrong.values())}" if wrong else ""


def tunnels(reader: Reader, folder: Path) -> Iterator[str]:
    """The packets inside WireGuard, and inside WireGuard inside TURN, are shown as they are outside."""
    corpus = mutations.write_corpus(folder / "corpus.pcap")
    outside, found = reader.messages(corpus)
    yield f"outside: {found[:3]}" if found else ""
    for relayed in (False, True):
        case = mutations.sealed(Broken("whole", corpus), folder, relayed=relayed)
        inside, found = reader.messages(case.capture, keys=case.keys)
        # Two handshake messages come first.
        wrong = differences(
            [(frame + 2, their_values(shown)) for frame, shown in outside],
            [(frame, their_values(shown)) for frame, shown in inside],
        )
        yield f"{case.title}: {[*found, *wrong][:3]}" if found or wrong else ""


def broken_payloads(
    reader: Reader, folder: Path, seeds: Iterable[int], rates: Iterable[float] = mutations.RATES
) -> Iterator[str]:
    """Where the IP header is whole, both readers say the same of any rest."""
    corpus = mutations.write_corpus(folder / "payloads.pcap")
    seeds = list(seeds)
    for rate in rates:
        for seed in seeds:
            path = mutations.mutate(
                corpus, folder / f"payloads-{rate}-{seed}.pcapng", rate, seed, IPV6_HEADER
            )
            with open_capture(path) as capture:
                wrong = _differ(reader, path, list(read_records(capture.candidates())))
            yield f"rate {rate}, seed {seed}: {'; '.join(list(wrong.values())[:3])}" if wrong else ""


def broken(reader: Reader, folder: Path, seeds: Iterable[int], *options: str) -> Iterator[str]:
    """Packets broken anywhere are read without a complaint."""
    corpus = mutations.write_corpus(folder / "corpus.pcap")
    yield _complaint(reader, Broken("whole", corpus), *options)
    for each in mutations.plain(corpus, folder, seeds):
        yield _complaint(reader, each, *options)


def broken_inside(reader: Reader, folder: Path, seeds: Iterable[int]) -> Iterator[str]:
    """The same inside WireGuard, and inside WireGuard inside TURN."""
    corpus = mutations.write_corpus(folder / "corpus.pcap")
    for each in mutations.plain(corpus, folder, seeds):
        for relayed in (False, True):
            yield _complaint(reader, mutations.sealed(each, folder, relayed=relayed))


def hostile(reader: Reader, folder: Path) -> Iterator[str]:
    """Large, deep and cut messages, in each of the ways."""
    path = mutations.write_packets(folder / "hostile.pcap", mutations.hostile())
    for case in (
        Broken("hostile", path),
        Broken("hostile", mutations.mutate(path, folder / "h.pcapng", 0.01, 1)),
    ):
        yield _complaint(reader, case)
        yield _complaint(reader, case, "-2")
        for relayed in (False, True):
            yield _complaint(reader, mutations.sealed(case, folder, relayed=relayed))


def broken_samples(reader: Reader, folder: Path, seeds: Iterable[int]) -> Iterator[str]:
    """The samples broken with all that is around them."""
    for each in mutations.broken_samples(folder, seeds):
        yield _complaint(reader, each)


def _complaint(reader: Reader, case: Broken, *options: str) -> str:
    found = reader.complaints(case.capture, *options, keys=case.keys)
    return f"{case.title}: {'; '.join(found[:3])}" if found else ""


def _records(path: Path, keys: Path) -> list[Record]:
    args = Namespace(
        keys=[str(keys)] if keys.exists() else [], quiet=True, hex=False, dialect=AUTO, user0_is_ip=False,
        embed_keys=False,
    )  # fmt: skip
    return list(Inputs(args, [str(path)]).records())


def _differ(
    reader: Reader, path: Path, records: list[Record], *options: str, keys: Path | None = None
) -> dict[int, str]:
    """What the two read differently, in words, by frame."""
    shown, found = reader.messages(path, *options, keys=keys)
    ours = [(record.frame, our_values(record)) for record in records]
    theirs = [(frame, their_values(values)) for frame, values in shown]
    # Frame 0: complaints, which belong to no frame.
    words = {0: "; ".join(found[:3])} if found else {}
    for frame, field, mine, other in differences(ours, theirs):
        before = f"{words[frame]}, " if frame in words else f"frame {frame}: "
        words[frame] = f"{before}{field} is {mine} in fzctl, {other} in tshark"
    return words
