"""Print a completion script for a shell.

bash:  fzctl completion bash > ~/.local/share/bash-completion/completions/fzctl
zsh:   fzctl completion zsh > a folder of your $fpath, named _fzctl
fish:  fzctl completion fish > ~/.config/fish/completions/fzctl.fish
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from fzctl.errors import EXIT_DONE

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.add_argument("shell", choices=SHELLS)


def run(args: Namespace) -> int:
    """Print the script; returns the exit code."""
    sys.stdout.write(completion_script(args.shell))
    return EXIT_DONE


def completion_script(shell: str) -> str:
    """The script for ``shell``, made from the parsers of all verbs."""
    import shtab

    return str(shtab.complete(_whole_parser(), shell))


def _whole_parser() -> ArgumentParser:
    from importlib import import_module

    from fzctl.cli.main import VERBS
    from fzctl.cli.parser import Parser, add_common_arguments

    parser = Parser(prog="fzctl")
    add_common_arguments(parser)
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(dest="verb")
    for verb, what in VERBS.items():
        each = verbs.add_parser(verb, help=what, description=what)
        add_common_arguments(each)
        import_module(f"fzctl.cli.{verb}").add_arguments(each)
    return parser
