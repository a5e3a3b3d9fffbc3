"""Into which tunnel: ``-i IFACE`` or ``--peer WG.conf``, the same in every verb that sends."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from fzctl.cli.saving import is_one_file, spare_inputs
from fzctl.cli.signals import finish_in_peace
from fzctl.cli.streams import say
from fzctl.errors import UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.carriers.base import Carrier
    from fzctl.carriers.peer import PeerCarrier

PASSWORD_VARIABLE: Final = "FZCTL_TURN_PASSWORD"

_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}", re.ASCII)


def add_target_arguments(parser: ArgumentParser, *, listens: bool, default: str | None = None) -> None:
    """Declare where messages go; ``listens`` is for verbs in which the other end may begin.

    ``default`` is argparse's SUPPRESS where a parser below must not overrule the one above.
    """
    target = parser.add_argument_group("target (one of -i and --peer)")

    def add(*flags: str, dest: str, metavar: str, text: str) -> None:
        target.add_argument(*flags, dest=dest, metavar=metavar, default=default, help=text)

    add("-i", dest="interface", metavar="IFACE", text="an interface of this machine, mostly WireGuard's")
    add_peer_arguments(add, listens=listens)
    add(
        "-w", dest="write", metavar="FILE",
        text="write the traffic: with --peer encrypted with its keys inside (pcapng), with -i the packets",
    )  # fmt: skip
    target.add_argument(
        "--dst-mac", dest="dst_mac", metavar="MAC", type=_mac, default=default,
        help="with -i on Ethernet: where the frames go (default: all IPv6 nodes)",
    )  # fmt: skip
    target.add_argument(
        "--dry-run", dest="dry_run", action="store_true", default=default or False,
        help="show all of it, and open and send nothing",
    )  # fmt: skip


def add_peer_arguments(add: Callable[..., object], *, listens: bool) -> None:
    """Declare the tunnel that fzctl is an end of; ``add`` is as in ``add_target_arguments``."""
    waits = "; without Endpoint the other end begins" if listens else ""
    add(
        "--peer", dest="peer_config", metavar="WG.conf",
        text=f"a WireGuard endpoint as wg and wg-quick read it: fzctl is the peer, without root{waits}",
    )  # fmt: skip
    add(
        "--peer-key", dest="peer_key", metavar="PUBKEY",
        text="with --peer: whom to talk to, where the file has several peers",
    )  # fmt: skip
    add(
        "--turn", dest="turn", metavar="turn:USER@HOST:PORT",
        text=f"with --peer: through this relay; its password stands in ${PASSWORD_VARIABLE} or a file",
    )  # fmt: skip
    add("--turn-password-file", dest="turn_password_file", metavar="FILE", text="the relay's password")
    add(
        "--keylog", dest="keylog", metavar="FILE",
        text="with --peer: write the keys as a WireGuard key log (mode 0600)",
    )  # fmt: skip


def check_target(args: Namespace) -> None:
    """Raises UsageError where the target's options do not fit together."""
    if (args.interface is None) == (args.peer_config is None):
        raise UsageError("name one target: -i IFACE or --peer WG.conf")
    if args.interface is not None:
        for option, value in (
            ("--peer-key", args.peer_key), ("--turn", args.turn), ("--keylog", args.keylog),
        ):  # fmt: skip
            if value is not None:
                raise UsageError(f"{option} goes with --peer, not with -i")
    elif args.dst_mac is not None:
        raise UsageError("--dst-mac goes with -i, not with --peer")
    if args.turn_password_file is not None and args.turn is None:
        raise UsageError("--turn-password-file goes with --turn")
    if args.turn is not None:
        from fzctl.wireguard.turnuri import parse_turn_uri

        parse_turn_uri(args.turn)
        if args.turn_password_file is None and not os.environ.get(PASSWORD_VARIABLE):
            raise UsageError(f"--turn needs a password: --turn-password-file FILE, or ${PASSWORD_VARIABLE}")
    read = [path for path in (args.peer_config, args.turn_password_file) if path is not None]
    spare_inputs(args.write, read)
    spare_inputs(args.keylog, read, "--keylog")
    if None not in (args.write, args.keylog) and is_one_file(args.write, args.keylog):
        raise UsageError("-w and --keylog are two files: give them two names")
    if args.write == "-":
        if getattr(args, "form", None) is not None:
            raise UsageError("-w - takes stdout for the capture; leave -T away")
        if sys.stdout.isatty():
            raise UsageError(
                "a capture is binary and does not go to a terminal; give -w a file, or a pipe to stdout"
            )


def describe_target(args: Namespace, warn: Callable[[str], None] | None = None) -> str:
    """The target for people, looked up in the config and nowhere else; not escaped.

    ``warn`` is told what the config is to be warned of. Raises UsageError, CarrierError.
    """
    check_target(args)
    if args.interface is not None:
        return f"interface {args.interface}"
    from fzctl.carriers.opening import load_config
    from fzctl.wireguard.config import choose_peer, lacks_unspecified
    from fzctl.wireguard.endpoints import format_endpoint

    warn = warn or _ignore
    config = load_config(args.peer_config, warn)
    peer = choose_peer(config, args.peer_key)
    warning = lacks_unspecified(config, peer)
    if warning is not None:
        warn(warning)
    where = peer.key if peer.endpoint is None else format_endpoint(peer.endpoint)
    via = ""
    if args.turn is not None:
        from fzctl.wireguard.turnuri import parse_turn_uri

        via = f" through the relay {parse_turn_uri(args.turn).place}"
    return f"peer {where}{via} (WireGuard, {args.peer_config})"


@contextmanager
def open_target(args: Namespace, warn: Callable[[str], None], *, connect: bool = False) -> Iterator[Carrier]:
    """The carrier that the options name, closed and its files whole in the end.

    Names are resolved, an address on the relay is there, and with ``connect`` a session with the
    peer. Raises UsageError, CarrierError, CaptureError.
    """
    check_target(args)
    opened = _open_interface(args, warn) if args.peer_config is None else _open_peer(args, warn, connect)
    try:
        yield opened
    finally:
        finish_in_peace()
        opened.close()


def open_listening_peer(args: Namespace, warn: Callable[[str], None]) -> PeerCarrier:
    """The peer of ``--peer`` for a verb that only listens: it begins where it knows whom to begin with.

    Raises UsageError, CarrierError, CaptureError.
    """
    from fzctl.carriers.opening import load_config
    from fzctl.wireguard.config import choose_peer

    peer = choose_peer(load_config(args.peer_config, _ignore), args.peer_key)
    # What a listening verb writes are messages, not the tunnel's datagrams.
    alone = Namespace(**{**vars(args), "write": None, "dst_mac": None})
    check_target(alone)
    return _open_peer(alone, warn, connect=peer.endpoint is not None)


def warn_on_stderr(args: Namespace) -> Callable[[str], None]:
    """What takes sentences of carriers: they go to stderr, with ``-q`` nowhere."""
    return _ignore if args.quiet else lambda sentence: say(f"fzctl: WARNING: {escape(sentence)}")


def _open_interface(args: Namespace, warn: Callable[[str], None]) -> Carrier:
    from fzctl.carriers.interface import ALL_NODES, Interface

    carrier = Interface(args.interface, hardware_address=args.dst_mac or ALL_NODES)
    for warning in carrier.warnings:
        warn(warning)
    if args.write is None:
        return carrier
    from fzctl.carriers.recorded import RecordedCarrier

    try:
        return RecordedCarrier(carrier, args.write)
    except BaseException:
        carrier.close()
        raise


def _open_peer(args: Namespace, warn: Callable[[str], None], connect: bool) -> PeerCarrier:
    from fzctl.carriers.opening import load_password, open_peer
    from fzctl.wireguard.endpoints import format_endpoint

    turn, password = None, ""
    if args.turn is not None:
        from fzctl.wireguard.turnuri import parse_turn_uri

        turn = parse_turn_uri(args.turn)
        if args.turn_password_file is not None:
            password = load_password(args.turn_password_file, warn)
        else:
            password = os.environ[PASSWORD_VARIABLE]
    carrier = open_peer(
        args.peer_config, key=args.peer_key, keylog=args.keylog, capture=args.write,
        turn=turn, password=password, warn=warn,
    )  # fmt: skip
    try:
        relayed = carrier.reach_relay()
        if relayed is not None and turn is not None and not args.quiet:
            say(f"fzctl: our address on the relay {turn.place} is {format_endpoint(relayed)}")
        if connect:
            carrier.connect()
    except BaseException:
        finish_in_peace()
        carrier.close()
        raise
    return carrier


def _ignore(sentence: str) -> None:
    pass


def _mac(text: str) -> bytes:
    if not _MAC.fullmatch(text):
        raise ArgumentTypeError(f"{text!a} is no Ethernet address, such as 02:00:5e:10:00:01")
    return bytes.fromhex(text.replace("-", ":").replace(":", ""))
