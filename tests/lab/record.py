"""Make captures/encrypted/ anew: ``python3 dev.py samples --lab``, as root on Linux.

Each sample is a real tunnel in network namespaces, with keys made for it and thrown away. Unlike
the other samples these are other bytes each time: what is random in WireGuard stays so.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import dev
from fzctl.cli.main import main as fzctl
from fzctl.wireguard.keys import Secret
from tests.lab.netns import LabError, Net, network, run
from tests.lab.reading import decrypt
from tests.lab.stories import (
    FROM_CLIENT,
    FROM_GATEWAY,
    Conversation,
    Taken,
    direct,
    recorded,
    relayed,
    relayed_story,
    whole_story,
)

SAMPLES: Final = Path(__file__).parents[2] / "captures" / "encrypted"
NEEDED: Final = ("ip", "wireguard-go", "wg", "turnserver", "tcpdump", "editcap")


def record_direct(net: Net, folder: Path) -> Taken:
    with direct(net) as talk, recorded(net, talk, folder, a=FROM_CLIENT) as taken:
        talk.client_begins()
        _set_up(talk)
        talk.peer.send(b"")
        talk.unknown_kind()
        talk.goodbye()
    return taken


def record_relayed(net: Net, folder: Path) -> Taken:
    with (
        relayed(net) as (talk, turn, past_it),
        recorded(net, talk, folder, at_relay=True, a=FROM_CLIENT) as taken,
    ):
        relayed_story(talk, turn, past_it)
    return taken


def record_rekeyed(net: Net, folder: Path) -> Taken:
    with (
        direct(net, 6, Secret(os.urandom(32))) as talk,
        recorded(net, talk, folder, a=FROM_CLIENT) as taken,
    ):
        whole_story(talk, FROM_CLIENT)
    return taken


def record_embedded(net: Net, folder: Path) -> Taken:
    """The keys go into the file, as editcap puts them there."""
    with direct(net) as talk, recorded(net, talk, folder, a=FROM_GATEWAY) as taken:
        talk.gateway_begins()
        _set_up(talk)
        talk.goodbye()
    whole = folder / "whole.pcapng"
    run("editcap", "-F", "pcapng", "--inject-secrets", f"wg,{taken.keys}", str(taken.wire), str(whole))
    taken.keys.unlink()
    return taken._replace(wire=whole)


def record_late(net: Net, folder: Path) -> Taken:
    """Without its handshake: it opens with transport keys only."""
    taken = record_direct(net, folder)
    _, found = decrypt(taken.wire, taken.keys)
    begins = next(one.frame for one in found if one.is_control)
    whole = folder / "late.pcap"
    run("editcap", "-F", "pcap", "-r", str(taken.wire), str(whole), f"{begins}-{found[-1].frame}")
    return taken._replace(wire=whole, keys=taken.transport_keys)


RECORDERS: Final[dict[str, Callable[[Net, Path], Taken]]] = {
    "direct.pcap": record_direct,
    "relayed.pcap": record_relayed,
    "rekeyed.pcap": record_rekeyed,
    "late.pcap": record_late,
    "embedded.pcapng": record_embedded,
}


def record(folder: Path) -> None:
    """Write all samples into ``folder``, with their keys and what fzctl prints of them."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name, recorder in RECORDERS.items():
            place = Path(scratch) / name
            place.mkdir()
            with network(place) as net:
                taken = recorder(net, place)
            sample = folder / name
            shutil.copyfile(taken.wire, sample)
            options = []
            if taken.keys.exists():
                shutil.copyfile(taken.keys, sample.with_suffix(".keys"))
                options = ["-k", str(sample.with_suffix(".keys"))]
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = fzctl(["-q", "decode", "-T", "jsonl", *options, str(sample)])
            text = printed.getvalue()
            count = len(text.splitlines())
            if code or count < len(taken.said):
                raise LabError(f"{name}: {count} messages printed, {len(taken.said)} were said")
            sample.with_suffix(".jsonl").write_text(text, encoding="utf-8")
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as analysed:
                keys = [] if not options else ["-k", sample.with_suffix(".keys").name]
                fzctl(["-q", "analyze", *keys, sample.name])
            sample.with_suffix(".analysis.txt").write_text(analysed.getvalue(), encoding="utf-8")
            print(f"{name}: {sample.stat().st_size} bytes, {count} messages")


def _set_up(talk: Conversation) -> None:
    """A domain is set up and used; what was late for another domain comes again."""
    talk.ping()
    talk.client_assigns("gitlab.example.com")
    talk.gateway_answers("gitlab.example.com")
    talk.ping(1)
    talk.client_assigns("wiki.example.com", 1)
    talk.datagram(600)
    talk.gateway_answers("wiki.example.com", "Inactive")
    talk.client_assigns("wiki.example.com", 1)
    talk.gateway_answers("wiki.example.com")


def main() -> int:
    missing = [name for name in NEEDED if not dev.find_program(name)]
    if missing or os.geteuid():
        print(f"the lab needs root and these programs: {', '.join(NEEDED)}", file=sys.stderr)
        return 1
    try:
        record(SAMPLES)
    except LabError as error:
        print(f"the lab cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
