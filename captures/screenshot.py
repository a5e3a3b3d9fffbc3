"""Makes ``wireshark.png``, README's picture of Wireshark: ``.venv/bin/python captures/screenshot.py``.

Needs wireshark, Xvfb, xdotool and ImageMagick's import. Wireshark runs on a virtual screen, with
the configuration that ``fzctl wireshark open`` gives it where nothing is installed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
CAPTURE, PICTURE = HERE / "setup.pcapng", HERE / "wireshark.png"
DISPLAY, WIDTH, HEIGHT = ":77", 1280, 640
UPPER_PANE = 190
# Where the tree shows our protocol, the last of its lines.
PROTOCOL_LINE = 200, 365
SECONDS = 40

# How wide the columns are and how high the panes: what Wireshark remembers of the last window.
RECENT = f"""\
gui.geometry_main_x: 0
gui.geometry_main_y: 0
gui.geometry_main_width: {WIDTH}
gui.geometry_main_height: {HEIGHT}
gui.geometry_main_upper_pane: {UPPER_PANE}
column.width: %m, 40, %t, 95, %s, 130, %d, 130, %p, 70, %L, 55, %Cus:fzp2p.kind, 95, \
"%Cus:fzp2p.domain || fzp2p.nat.domain", 150, %Cus:fzp2p.status, 60, %Cus:fzp2p.accepted, 75, %i, 420
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "HOME": home,
            "XDG_CACHE_HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_RUNTIME_DIR": home,
            "DISPLAY": DISPLAY,
        }
        line = output(
            environment, sys.executable, "-m", "fzctl", "wireshark", "open", "--print", str(CAPTURE)
        )
        words = shlex.split(line)
        name, _, configuration = words[0].partition("=")
        (Path(configuration) / "profiles/Firezone/recent").write_text(RECENT)
        command = [*words[1:], "-g", "2"]
        with (
            subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]) as screen,
            subprocess.Popen(command, env={**environment, name: configuration}) as wireshark,
        ):
            try:
                window = find_window(environment)
                output(environment, "xdotool", "windowsize", window, str(WIDTH), str(HEIGHT))
                time.sleep(3)
                output(environment, "xdotool", "mousemove", *map(str, PROTOCOL_LINE), "click", "1")
                output(environment, "xdotool", "key", "Right", "mousemove", str(WIDTH), "0")
                time.sleep(1)
                output(
                    environment, "import", "-window", "root", "+dither", "-colors", "64", f"PNG8:{PICTURE}"
                )
            finally:
                wireshark.kill()
                screen.kill()
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes")
    return 0


def find_window(environment: dict[str, str]) -> str:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(0.5)
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", CAPTURE.name],
            env=environment, capture_output=True, text=True, check=False,
        ).stdout.split()  # fmt: skip
        if found:
            time.sleep(2)
            return found[-1]
    raise SystemExit("Wireshark opened no window")


def output(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
