"""The module that scapy's extension loader runs as ``scapy.layers.fzp2p``.

It hands on the one set of classes: running the layers' own file under a second name would make
and bind all of them twice.
"""

from fzctl.layers import *  # noqa: F403
from fzctl.layers import __all__ as __all__
