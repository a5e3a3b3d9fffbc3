"""Open scapy's console with the control protocol's layers loaded."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from fzctl.errors import EXIT_DONE, ToolError

_BANNER = """\
fzctl: the layers {names} are loaded.

  rdpcap("capture.pcap")                     control messages decode by themselves
  IPv6()/FzP2p()/Goodbye()                   build one
  packet.show(), packet.summary()            look at one
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""


def run(_: Namespace) -> int:
    """Run the console until the user leaves it; returns the exit code."""
    try:
        from scapy.main import interact
    except ImportError:
        raise ToolError("the shell needs scapy: pip install scapy") from None
    from fzctl import layers
    from fzctl.cli.ending import unheed

    unheed()
    names = {name: getattr(layers, name) for name in layers.__all__}
    os.environ.setdefault("SCAPY_HISTFILE", "")
    interact(mydict=names, argv=["fzctl"], mybanner=_BANNER.format(names=", ".join(names)))
    return EXIT_DONE
