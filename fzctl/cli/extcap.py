"""The program that Wireshark starts for the interface "Firezone control messages".

Not a verb: ``fzctl wireshark install`` puts a launcher of it into Wireshark's extcap folder.
"""

from __future__ import annotations

import os
import sys

from fzctl.errors import EXIT_BUG, EXIT_DONE, FzctlError
from fzctl.wireshark.extcap import Request, config_answer, dlts_answer, interfaces_answer, parse_request


def main(arguments: list[str]) -> int:
    """Answer Wireshark; returns the exit code. What goes wrong is told on stderr, and shown by Wireshark."""
    try:
        return _answer(parse_request(arguments))
    except BrokenPipeError:  # Wireshark has stopped
        return EXIT_DONE
    except FzctlError as error:
        return _fail(_first_line(error), error.exit_code)
    except Exception as error:
        if os.environ.get("FZCTL_TRACEBACK"):
            from fzctl.cli.streams import say_traceback

            say_traceback()
        from fzctl.render.escape import escape

        return _fail(f"this is a bug in fzctl ({escape(f'{type(error).__name__}: {error}')})", EXIT_BUG)


def _answer(request: Request) -> int:
    if request.action == "interfaces":
        sys.stdout.write(interfaces_answer())
    elif request.action == "dlts":
        sys.stdout.write(dlts_answer())
    elif request.action == "config":
        sys.stdout.write(config_answer(_interfaces()))
    elif request.action == "verify":
        sys.stdout.write(_complaint(request.capture_filter))
    else:
        from fzctl.cli.streaming import stream

        stream(request)
    sys.stdout.flush()
    return EXIT_DONE


def _interfaces() -> list[str]:
    """The machine's interfaces. Wireshark asks at each start, so nothing slow is used.

    A name that Wireshark could take for something else is left out; nobody has one by accident.
    """
    from _socket import if_nameindex

    try:
        names = [name for _, name in if_nameindex()]
    except OSError:
        return []
    return [name for name in names if name.isprintable() and not {*name} & {*"{}"}]


def _complaint(expression: str) -> str:
    """What Wireshark shows where the filter is wrong; nothing where it is right."""
    from fzctl.cli.streaming import make_filter

    try:
        if expression.strip():
            make_filter(expression)
    except FzctlError as error:
        return f"{_first_line(error)}\n"
    return ""


def _first_line(error: FzctlError) -> str:
    """An error about a filter goes on and points at the place, which Wireshark's window cannot show."""
    from fzctl.render.escape import escape

    return escape(str(error).partition("\n")[0] if error.has_lines else str(error))


def _fail(text: str, code: int) -> int:
    from fzctl.cli.streams import say

    say(f"fzctl: {text}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
