"""What ``fzctl wireshark install`` is held to in every version of Wireshark, as a user meets it.

Each check yields for every case what is wrong, in words, or an empty text. ``ORDER`` is the
order in which they are taken: the last takes back what the first installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final, NamedTuple

from fzctl.columns import PREFIX, all_columns
from fzctl.pcap.capture import open_capture
from fzctl.records import read_records
from fzctl.wireshark.extcap import INTERFACE, PROGRAM, TITLE
from fzctl.wireshark.folders import NO_LUA_FOR_ROOT, PROFILE, parse_folders
from fzctl.wireshark.profile import BUTTONS, COLUMNS, RULES, profile_files
from tests.wireshark.checks import records
from tests.wireshark.mutations import SAMPLES
from tests.wireshark.tsharks import Tshark

THEIRS: Final = '"theirs" udp\n'
BEFORE: Final = {".config": None, ".config/wireshark": None, ".config/wireshark/cfilters": THEIRS.encode()}
PREFERENCES: Final = ("dialect", "experts", "names", "turn", "udp_ports")
_PLAIN: Final = SAMPLES / "setup.pcapng"
_SEALED: Final = SAMPLES / "encrypted" / "direct.pcap"
_KEYS: Final = _SEALED.with_suffix(".keys")
_SECONDS: Final = 30
# What every tshark tells of itself, and what it counts while it captures.
_SMALL_TALK: Final = re.compile(
    rb'Running as user "root".*|Capturing on .*|\d+ packets? captured| *\** \(tshark:\d+\).*|tshark: |\s*\d*'
)


class Machine(NamedTuple):
    """A user's home where tshark is, and how fzctl is called there."""

    tshark: Tshark
    fzctl: str
    home: Path
    inside: str

    def call(self, *command: str, seconds: float = 60) -> CompletedProcess[bytes]:
        """Run a program in that home, with the user's own settings. Raises TimeoutExpired."""
        return self.tshark.call("env", f"HOME={self.inside}", *command, seconds=seconds)

    def here(self, inside: str) -> Path:
        """What is called ``inside`` over there."""
        return self.home / Path(inside).relative_to(self.inside)

    def files(self) -> dict[str, bytes | None]:
        """All that is in the home: folders have no content."""
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else None
            for path in self.home.rglob("*")
        }


@contextlib.contextmanager
def machine(tshark: Tshark, fzctl: str) -> Iterator[Machine]:
    """A home of that user where tshark is, for a while; Wireshark was used there before."""
    owner = int(tshark.call("id", "-u").stdout)
    home = tshark.folder / f"home-{owner}"
    for path in (home, home / ".config", home / ".config" / "wireshark"):
        path.mkdir()
    (home / ".config" / "wireshark" / "cfilters").write_text(THEIRS)
    for path in (home, *home.rglob("*")):
        os.chown(path, owner, owner)
    try:
        yield Machine(tshark, fzctl, home, f"{tshark.inside}/{home.name}")
    finally:
        shutil.rmtree(home)


def installed(machine: Machine) -> Iterator[str]:
    """Everything is put where that version looks, and a second time changes nothing."""
    done = machine.call(machine.fzctl, "wireshark", "install")
    yield _wrong("install", done, allowed=b"fzctl: ") or _verbs(done, {b"write"})
    again = machine.call(machine.fzctl, "wireshark", "install")
    yield _wrong("install again", again, allowed=b"fzctl: ") or _verbs(again, {b"keep"})
    folders = parse_folders(machine.call("tshark", "-G", "folders").stdout.decode())
    yield _missing(machine, "the dissector", folders.dissector)
    for name in profile_files():
        yield _missing(machine, "the profile", f"{folders.profile}/{name}")
    yield _missing(machine, "the interface", f"{folders.extcap}/{PROGRAM}")


def fields(machine: Machine) -> Iterator[str]:
    """tshark finds the dissector by itself: its fields, its preferences, and messages."""
    known = machine.call("tshark", "-G", "fields").stdout.decode("utf-8", "replace")
    names = {line.split("\t")[2] for line in known.splitlines() if line.startswith("F\t")}
    for name in all_columns():
        if name.startswith(PREFIX):
            yield "" if name in names else f"there is no field {name}"
    held = machine.call("tshark", "-G", "currentprefs").stdout.decode("utf-8", "replace")
    for name in PREFERENCES:
        yield "" if re.search(rf"^#?{PREFIX}{name}: ", held, re.MULTILINE) else f"no preference {name}"
    with machine.tshark.placed(_PLAIN) as capture:
        for options in (
            (),
            ("-2",),
            ("-o", f"{PREFIX}experts:FALSE"),
            ("-o", f"{PREFIX}udp_ports:3479,5000-5010"),
        ):
            done = machine.call("tshark", "-n", "-r", capture, "-Y", "fzp2p", *options)
            yield _wrong("reading", done) or ("" if done.stdout else f"{options}: no message is found")


def profile(machine: Machine) -> Iterator[str]:
    """The profile's columns, colours and buttons are taken without a complaint."""
    held = machine.call("tshark", "-G", "currentprefs", "-C", PROFILE)
    text = held.stdout.decode("utf-8", "replace")
    columns = re.search(r"^gui\.column\.format: ?\n((?:\t.*\n)+)", text, re.MULTILINE)
    found = re.findall(r'"(.*?)", "(.*?)"', columns[1]) if columns else []
    yield _wrong("the profile", held) or ("" if found == list(COLUMNS) else f"the columns are {found}")
    with machine.tshark.placed(_PLAIN) as capture:
        read = ("tshark", "-C", PROFILE, "-r", capture)
        done = machine.call(*read, "--color", "-Y", "fzp2p", "-T", "fields", "-e", "frame.coloring_rule.name")
        rules = {rule.name.encode() for rule in RULES}
        shown = done.stdout.splitlines()
        yield _wrong("--color", done) or ("" if shown and rules >= set(shown) else f"coloured by {shown}")
        for button in BUTTONS:
            yield _wrong(button.filter, machine.call(*read, "-Y", button.filter))


def interface(machine: Machine) -> Iterator[str]:
    """The interface stands in the list; a capture to follow comes out of it decrypted, and it ends."""
    listed = machine.call("tshark", "-D")
    yield "" if f"{INTERFACE} ({TITLE})".encode() in listed.stdout else f"-D lists {listed.stdout!r}"
    types = machine.call("tshark", "-i", INTERFACE, "-L")
    yield "" if b"RAW" in (types.stdout + types.stderr).upper() else f"-L lists {types.stdout!r}"
    wanted = [record.message.reason for record in records(_SEALED, _KEYS)]
    out = f"{machine.inside}/out.pcapng"
    with machine.tshark.placed(_SEALED) as capture, machine.tshark.placed(_KEYS) as keys:
        source = ("-o", f"extcap.{INTERFACE}.file:{capture}", "-o", f"extcap.{INTERFACE}.keys:{keys}")
        read = ("tshark", "-i", INTERFACE, *source, "-c", str(len(wanted)), "-a", f"duration:{_SECONDS}")
        done = machine.call(*read, "-w", out)
        yield _wrong("capturing", done) or _reasons(machine.here(out), wanted)
        done = machine.call(*read, "-n", "-T", "fields", "-e", "fzp2p.reason")
        shown = done.stdout.decode().split()
        yield _wrong("showing live", done) or ("" if shown == wanted else f"shown live: {shown}")
    machine.here(out).unlink(missing_ok=True)


def taken_back(machine: Machine) -> Iterator[str]:
    """Uninstalling leaves the home as it was, and no trace in tshark."""
    done = machine.call(machine.fzctl, "wireshark", "uninstall")
    yield _wrong("uninstall", done) or _verbs(done, {b"remove"})
    left = machine.files()
    yield "" if left == BEFORE else f"it was {sorted(BEFORE)}, now it is {sorted(left)}"
    known = machine.call("tshark", "-G", "protocols")
    yield "tshark still has the dissector" if b"\tfzp2p\n" in known.stdout else ""


ORDER: Final = {
    "installed where it looks": installed,
    "fields and preferences": fields,
    "the profile": profile,
    "the interface": interface,
    "uninstalled without a trace": taken_back,
}


def warned(machine: Machine, version: tuple[int, ...]) -> Iterator[str]:
    """Root is warned; what the warning says of that version is true."""
    done = machine.call(machine.fzctl, "wireshark", "install")
    is_new = version >= NO_LUA_FOR_ROOT
    words = b"run both as yourself" if is_new else b"(this one still does)"
    yield "" if words in done.stderr else f"root is told {done.stderr!r}"
    known = b"\tfzp2p\n" in machine.call("tshark", "-G", "protocols").stdout
    yield (
        ""
        if known != is_new
        else f"with the warning {words!r} the dissector is {'' if known else 'not '}there"
    )
    machine.call(machine.fzctl, "wireshark", "uninstall")


def _wrong(what: str, done: CompletedProcess[bytes], *, allowed: bytes | None = None) -> str:
    """What a run has to answer for: its exit code, and every word on stderr."""
    said = [
        line.decode("utf-8", "replace")
        for line in done.stderr.splitlines()
        if not _SMALL_TALK.fullmatch(line) and not (allowed and line.startswith(allowed))
    ]
    if done.returncode:
        said.insert(0, f"exit code {done.returncode}")
    return f"{what}: {'; '.join(said[:3])}" if said else ""


def _verbs(done: CompletedProcess[bytes], wanted: set[bytes]) -> str:
    found = {line.split()[0] for line in done.stdout.splitlines()}
    return "" if found == wanted else f"it says {done.stdout!r}"


def _missing(machine: Machine, title: str, path: str) -> str:
    return "" if machine.here(path).is_file() else f"{title} is not in {path}"


def _reasons(path: Path, wanted: list[str]) -> str:
    with open_capture(path) as capture:
        found = [record.message.reason for record in read_records(capture.candidates())]
    return "" if found == wanted else f"captured are {found}"
