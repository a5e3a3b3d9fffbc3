"""Makes ``report.png``, README's picture of the HTML report: ``.venv/bin/python captures/report.py``.

Needs Chromium, and ImageMagick's convert, which makes the picture small.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CAPTURE, PICTURE = "inactive.pcapng", HERE / "report.png"
WIDTH, HEIGHT = 1080, 1330
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        report, picture = Path(scratch) / "report.html", Path(scratch) / "report.png"
        analyze = [sys.executable, "-m", "fzctl", "-q", "analyze", "--html", str(report), CAPTURE]
        subprocess.run(analyze, cwd=HERE, check=True)
        subprocess.run(
            [
                *CHROMIUM, f"--user-data-dir={scratch}/profile", f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={picture}", report.as_uri(),
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        subprocess.run(["convert", picture, "+dither", "-colors", "64", f"PNG8:{PICTURE}"], check=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
