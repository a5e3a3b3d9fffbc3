"""Make README's picture from a real run in a real terminal: ``python3 dev.py picture``."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
ROWS, COLUMNS = 24, 132
SAMPLE = "captures/inactive.pcapng"

# Rich's own page asks a server for its font; a picture in a repository should ask nobody.
PAGE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" \
height="{terminal_height}" /></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def run_in_terminal(command: list[str]) -> str:
    """What ``command`` writes to a terminal of our size."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(ROWS))
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    output = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    os.waitpid(child, 0)
    return output.decode()


def main() -> None:
    """Write the picture beside the sample that it shows."""
    os.chdir(HERE.parent)
    text = run_in_terminal([sys.executable, "-m", "fzctl", "decode", SAMPLE])
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(f"$ fzctl decode {SAMPLE}\n" + text.replace("\r\n", "\n").rstrip("\n")))
    svg = console.export_svg(title="fzctl", code_format=PAGE, unique_id="fzctl")
    (HERE / Path(SAMPLE).stem).with_suffix(".svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
