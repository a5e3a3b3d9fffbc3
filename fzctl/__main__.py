"""``python -m fzctl``."""

import sys

from fzctl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
