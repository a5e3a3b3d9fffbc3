"""What the dissector is held to in every version of Wireshark.

Each check yields for every case what is wrong, in words, or an empty text.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from fzctl.analysis.exchanges import follow_whole
from fzctl.cli.inputs import Inputs
from fzctl.columns import PREFIX
from fzctl.pcap.capture import open_capture
from fzctl.pcap.links import ETHERNET
from fzctl.protocol.kinds import AUTO
from fzctl.protocol.packet import CONTROL_PROTOCOL, IPV6_HEADER
from fzctl.records import Record, read_records
from fzctl.wireshark.compare import differences, our_values, their_values
from tests.wireshark import mutations, traffic
from tests.wireshark.mutations import SAMPLES, Broken
from tests.wireshark.tsharks import Reader, complaints

# Transport keys are ours alone, and link type 147 means IP only where somebody says so.
_NOT_FOR_WIRESHARK: Final = ("late", "user0")


# They name other frames, or need to know what comes later.
_PLACES: Final = frozenset(
    PREFIX + name for name in ("response_in", "response_to", "response_time", "retransmission_of", "exchange")
)


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
            wrong = _differ(reader, path, records(path, keys), *options, keys=keys if keys.exists() else None)
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
        wrong = [
            each
            for each in differences(
                [(frame + 2, their_values(shown)) for frame, shown in outside],
                [(frame, their_values(shown)) for frame, shown in inside],
            )
            if each.field not in _PLACES
        ]
        yield f"{case.title}: {[*found, *wrong][:3]}" if found or wrong else ""


def others(reader: Reader, folder: Path) -> Iterator[str]:
    """What is not ours is shown as it is without the dissector, whatever it has in common with ours."""
    path = mutations.write_packets(folder / "others.pcap", traffic.others())
    for options in ((), ("-2",)):
        plain, ours = (
            read(path, "-T", "pdml", *options) for read in (reader.read_without_dissector, reader.read)
        )
        found = complaints(ours)
        yield f"{options}: {'; '.join(found[:3])}" if found else ""
        if found:
            continue
        for number, (wanted, shown) in enumerate(
            zip(_packets(plain.stdout), _packets(ours.stdout), strict=True), start=1
        ):
            missing, more = wanted - shown, shown - wanted
            words = f"{options}, packet {number}: not shown {sorted(missing)[:3]}, but {sorted(more)[:3]}"
            yield words if missing or more else ""


def statistics(reader: Reader) -> Iterator[str]:
    """``-z`` knows the fields, and the dissector's own numbers are those of the capture."""
    for path in sorted(SAMPLES.glob("*.pcapng")):
        with open_capture(path) as capture:
            wanted = f": {len(list(read_records(capture.candidates())))}, repeated".encode()
        done = reader.read(path, "-q", "-o", "fzp2p.numbers:TRUE")
        found = complaints(done)
        yield f"{path.name}: {found or done.stdout!r}" if found or wanted not in done.stdout else ""
        done = reader.read(path, "-q", "-z", "io,stat,0,COUNT(fzp2p.kind)fzp2p.kind", "-z", "expert")
        found = complaints(done)
        yield f"{path.name}: {found or done.stdout!r}" if found or b"fzp2p.kind" not in done.stdout else ""


def broken_payloads(
    reader: Reader, folder: Path, seeds: Iterable[int], rates: Iterable[float] = mutations.RATES
) -> Iterator[str]:
    """Where the IP header is whole, both readers say the same of any rest."""
    # Extension headers belong to the packet's header: Wireshark does not go beyond broken options.
    packets = (each for each in mutations.corpus() if each[6:7] == bytes((CONTROL_PROTOCOL,)))
    corpus = mutations.write_packets(folder / "payloads.pcap", packets)
    seeds = list(seeds)
    for rate in rates:
        for seed in seeds:
            path = mutations.mutate(
                corpus, folder / f"payloads-{rate}-{seed}.pcapng", rate, seed, IPV6_HEADER
            )
            wrong = _all_differ(reader, path)
            yield f"rate {rate}, seed {seed}: {wrong}" if wrong else ""


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
    """Large, deep and endless packets, in each of the ways; each capture within the reader's time."""
    for name, packets in (("hostile", traffic.hostile()), ("buried", traffic.buried())):
        path = mutations.write_packets(folder / f"{name}.pcap", packets)
        broken = mutations.mutate(path, folder / f"{name}-broken.pcapng", 0.01, 1)
        for case in (Broken(name, path), Broken(f"{name}, broken", broken)):
            yield _complaint(reader, case)
            yield _complaint(reader, case, "-2")
            for relayed in (False, True):
                yield _complaint(reader, mutations.sealed(case, folder, relayed=relayed))
    large = mutations.write_packets(folder / "huge.pcapng", traffic.huge(), ETHERNET)
    yield _complaint(reader, Broken("huge", large))
    yield _complaint(reader, Broken("huge", large), "-2")


def hostile_verdicts(reader: Reader, folder: Path) -> Iterator[str]:
    """The two say the same of them, too."""
    path = mutations.write_packets(folder / "hostile.pcap", traffic.hostile())
    large = mutations.write_packets(folder / "huge.pcapng", traffic.huge(), ETHERNET)
    yield from (_all_differ(reader, each) for each in (path, large))


def cut(reader: Reader, folder: Path) -> Iterator[str]:
    """Messages cut by the snap length anywhere: nothing is complained about, and both say the same."""
    path = mutations.write_packets(folder / "cut.pcap", traffic.cut())
    yield _complaint(reader, Broken("cut", path))
    yield _complaint(reader, Broken("cut", path), "-2")
    yield _all_differ(reader, path)


def cut_samples(reader: Reader, folder: Path) -> Iterator[str]:
    """Frames with WireGuard in them, cut anywhere."""
    for case in mutations.cut_samples(folder):
        yield _complaint(reader, case)


def broken_samples(reader: Reader, folder: Path, seeds: Iterable[int], *options: str) -> Iterator[str]:
    """The samples broken with all that is around them."""
    for each in mutations.broken_samples(folder, seeds):
        yield _complaint(reader, each, *options)


def records(path: Path, keys: Path) -> list[Record]:
    """Our reading of a capture with its key log, where there is one."""
    args = Namespace(
        keys=[str(keys)] if keys.exists() else [], quiet=True, hex=False, dialect=AUTO, user0_is_ip=False,
        embed_keys=False,
    )  # fmt: skip
    return list(Inputs(args, [str(path)]).records())


def _complaint(reader: Reader, case: Broken, *options: str) -> str:
    found = reader.complaints(case.capture, *options, keys=case.keys)
    return f"{case.title}: {'; '.join(found[:3])}" if found else ""


def _all_differ(reader: Reader, path: Path) -> str:
    with open_capture(path) as capture:
        wrong = _differ(reader, path, list(read_records(capture.candidates())))
    return "; ".join(list(wrong.values())[:3])


def _differ(
    reader: Reader, path: Path, records: list[Record], *options: str, keys: Path | None = None
) -> dict[int, str]:
    """What the two read differently, in words, by frame."""
    shown, found = reader.messages(path, *options, keys=keys)
    ours = [(record.frame, our_values(record)) for record in follow_whole(records)]
    theirs = [(frame, their_values(values)) for frame, values in shown]
    # Frame 0: complaints, which belong to no frame.
    words = {0: "; ".join(found[:3])} if found else {}
    for frame, field, mine, other in differences(ours, theirs):
        if field == f"{PREFIX}response_in" and "-2" not in options:
            continue  # one pass knows no answer when it shows the question
        before = f"{words[frame]}, " if frame in words else f"frame {frame}: "
        words[frame] = f"{before}{field} is {mine} in fzctl, {other} in tshark"
    return words


def _packets(pdml: bytes) -> Iterator[set[tuple[str, str]]]:
    """What is shown of each packet, but for the names of the dissectors that passed it on."""
    for packet in ET.fromstring(pdml).iter("packet"):
        yield {
            (name, each.get("showname", ""))
            for each in packet.iter()
            if (name := each.get("name", "")) not in ("frame.protocols", "_ws.lua.fake", "fake-field-wrapper")
        }
