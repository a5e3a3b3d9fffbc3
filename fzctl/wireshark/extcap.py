"""What Wireshark asks an external capture program, and our answers: the extcap protocol's text.

Wireshark Developer's Guide, chapter "Extcap"; ``extcap(4)``. Nothing is captured here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fzctl import __version__
from fzctl.errors import UsageError

INTERFACE: Final = "fzctl"
TITLE: Final = "Firezone control messages"
PROGRAM: Final = "fzctl"
"""What the program is called in Wireshark's extcap folder."""

_DLT_RAW: Final = 101  # a packet's first byte is that of its IP header
_QUESTIONS: Final = {"extcap-interfaces": "interfaces", "extcap-dlts": "dlts", "extcap-config": "config"}
_FLAGS: Final = (*_QUESTIONS, "capture", "all")
_VALUES: Final = (
    "extcap-interface", "extcap-version", "extcap-capture-filter", "fifo", "file", "interface", "keys",
    "filter",
)  # fmt: skip
_FALSE: Final = ("", "0", "false", "no")


class Request(NamedTuple):
    """What Wireshark wants: ``action`` is ``interfaces``, ``dlts``, ``config``, ``capture`` or ``verify``.

    ``filter`` is the option, ``capture_filter`` what stands beside the interface's name.
    """

    action: str
    fifo: str = ""
    file: str = ""
    interface: str = ""
    keys: str = ""
    filter: str = ""
    capture_filter: str = ""
    everything: bool = False


def parse_request(arguments: Sequence[str]) -> Request:
    """Read a command line of Wireshark's. Raises UsageError."""
    given = _options(arguments)
    asked = given.get("extcap-interface", INTERFACE)
    if asked != INTERFACE:
        raise UsageError(f"there is no interface {asked}; this program has {INTERFACE}")
    for flag, action in _QUESTIONS.items():
        if flag in given:
            return Request(action)
    if "capture" not in given:
        if "extcap-capture-filter" in given:
            return Request("verify", capture_filter=given["extcap-capture-filter"])
        raise UsageError("Wireshark starts this program; fzctl wireshark install tells it where it is")
    if not given.get("fifo"):
        raise UsageError("--capture goes with --fifo FIFO")
    return Request(
        "capture",
        given["fifo"],
        given.get("file", ""),
        given.get("interface", ""),
        given.get("keys", ""),
        given.get("filter", ""),
        given.get("extcap-capture-filter", ""),
        given.get("all", "false").lower() not in _FALSE,
    )


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """Options by name; Wireshark writes both ``--name value`` and ``--name=value``."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in (*_FLAGS, *_VALUES):
            raise UsageError(f"unknown option {word}; Wireshark starts this program")
        if not equals:
            if name in _FLAGS:
                value = rest.pop(0) if name == "all" and rest and not rest[0].startswith("--") else "true"
            elif rest:
                value = rest.pop(0)
            elif name != "extcap-version":  # a question of its own, without a value
                raise UsageError(f"--{name} needs a value")
        found[name] = value
    return found


def interfaces_answer() -> str:
    """The answer to ``--extcap-interfaces``."""
    return (
        f"extcap {{version={__version__}}}{{display=fzctl}}\n"
        f"interface {{value={INTERFACE}}}{{display={TITLE}}}\n"
    )


def dlts_answer() -> str:
    """The answer to ``--extcap-dlts``: the packets out of the tunnel begin with their IP header."""
    return f"dlt {{number={_DLT_RAW}}}{{name=RAW}}{{display=Raw IP}}\n"


def config_answer(interfaces: Iterable[str]) -> str:
    """The answer to ``--extcap-config``: the options, with the machine's interfaces to choose from."""
    lines = [
        _argument(0, "file", "Capture file to follow", "fileselect", "Source", "mustexist=true",
                  tooltip="A pcap or pcapng file, also one that still grows"),
        _argument(1, "interface", "Or a live interface", "selector", "Source",
                  tooltip="Captured by dumpcap or tcpdump; begin before the tunnel's handshake"),
        _value(1, "", "none"),
        *(_value(1, name, name) for name in ("any", *interfaces)),
        _argument(2, "keys", "WireGuard key log", "fileselect", "Tunnel", "mustexist=true",
                  tooltip="Keys that are added to it while capturing are used"),
        _argument(3, "all", "All packets out of the tunnel", "boolflag", "Tunnel", "default=false",
                  tooltip="Not the control messages alone"),
        _argument(4, "filter", "Only messages that fit", "string", "Tunnel",
                  tooltip='For example: fzp2p.domain contains "gitlab"'),
    ]  # fmt: skip
    return "".join(lines)


def _argument(number: int, call: str, display: str, form: str, group: str, *more: str, tooltip: str) -> str:
    parts = (
        f"number={number}", f"call=--{call}", f"display={display}", f"type={form}", *more, "required=false",
        f"tooltip={tooltip}", f"group={group}",
    )  # fmt: skip
    return "arg " + "".join(f"{{{part}}}" for part in parts) + "\n"


def _value(number: int, value: str, display: str) -> str:
    default = "false" if value else "true"
    return f"value {{arg={number}}}{{value={value}}}{{display={display}}}{{default={default}}}\n"


def launcher(python: str) -> bytes:
    """The program that goes into Wireshark's folder: it starts the Python that has fzctl."""
    return (
        "#!/bin/sh\n"
        "# Made by fzctl wireshark install; fzctl wireshark uninstall takes it away.\n"
        f'exec {shlex.quote(python)} -P -m fzctl.cli.extcap "$@"\n'
    ).encode()
