"""MESSAGE on the command line: one sub-command a declared kind, and ``raw`` for everything else."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from fzctl.errors import EncodeError, UsageError
from fzctl.protocol.codec import encode
from fzctl.protocol.fields import Option
from fzctl.protocol.kinds import KINDS, Kind
from fzctl.protocol.packet import build_packet

if TYPE_CHECKING:
    from scapy.packet import Packet

RAW = "raw"


def add_message_arguments(parser: ArgumentParser, shared: ArgumentParser) -> None:
    """One sub-command for each kind that is declared, with the options of its fields and of ``shared``."""
    messages = parser.add_subparsers(dest="message", metavar="MESSAGE", required=True)
    for kind in KINDS:
        command = messages.add_parser(
            kind.command, parents=[shared], help=f"{kind.title}: {kind.sentence}", description=kind.sentence
        )
        for field in kind.fields:
            for option in field.options():
                _add_option(command, option)
    what = "Any kind with any payload, also what no sender would send."
    _add_raw_arguments(messages.add_parser(RAW, parents=[shared], help=what, description=what))


def build_message(args: Namespace) -> bytes:
    """The packet that the options describe. Raises EncodeError, UsageError."""
    if args.message == RAW:
        return build_packet(args.kind, _payload(args), reserved=args.reserved, force=True)
    kind = next(kind for kind in KINDS if kind.command == args.message)
    values = _values(kind, args)
    try:
        return encode(kind, values, force=args.force)
    except EncodeError as error:
        if args.force:
            raise
        raise EncodeError(f"{error}; --force makes it nevertheless") from None


def build_layers(args: Namespace) -> Packet:
    """The same as scapy's layers, which refuse nothing: for what is sent."""
    from fzctl.layers import FzP2p, control_packet, layer_for

    if args.message == RAW:
        return control_packet(FzP2p(kind=args.kind, reserved=args.reserved) / _payload(args))
    kind = next(kind for kind in KINDS if kind.command == args.message)
    values: dict[str, Any] = _values(kind, args)
    return control_packet(layer_for(kind)(**values))


def _values(kind: Kind, args: Namespace) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in kind.fields:
        value = field.type.from_options(field.name, vars(args))
        values.update(field.type.to_json(field.name, value))
    return values


def _add_option(parser: ArgumentParser, option: Option) -> None:
    flag = "--" + option.flag.replace("_", "-")
    if option.metavar is None:
        parser.add_argument(flag, dest=option.flag, action="store_true", help=option.help)
    elif option.many:
        parser.add_argument(
            flag, dest=option.flag, nargs="+", action="extend", metavar=option.metavar, help=option.help
        )
    else:
        parser.add_argument(
            flag, dest=option.flag, metavar=option.metavar, required=option.required, help=option.help
        )


def _add_raw_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--kind", type=_byte, required=True, metavar="N", help="the header's first byte, 0 to 255"
    )
    parser.add_argument(
        "--reserved", type=_hex, default=bytes(7), metavar="HEX", help="the header's other seven bytes"
    )
    payload = parser.add_mutually_exclusive_group()
    payload.add_argument("--json", metavar="TEXT", help="the payload as text, sent as it is")
    payload.add_argument("--payload", type=_hex, metavar="HEX", help="the payload in hex")


def _payload(args: Namespace) -> bytes:
    if len(args.reserved) != 7:
        raise UsageError(f"--reserved takes 7 bytes in hex, not {len(args.reserved)}")
    if args.json is not None:
        return bytes(args.json.encode("utf-8", "surrogateescape"))
    return args.payload or b""


def _byte(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= 255:
        raise ArgumentTypeError(f"{text!a} is no number from 0 to 255")
    return number


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        raise ArgumentTypeError(f"{text!a} is not hexadecimal") from None
