"""fzctl: dissector and traffic tool for Firezone's peer-to-peer control protocol."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def scapy_ext(ext: Any) -> None:
    """Called by scapy's ``conf.exts.load("fzctl")`` with a ``scapy.config.ScapyExt``.

    The layers are bound at once, and stand under ``scapy.layers.fzp2p`` from then on.
    """
    from importlib.util import find_spec

    import fzctl.layers  # noqa: F401  (binds)

    module = find_spec("fzctl.layers.extension")
    assert module is not None
    ext.config("fzctl", __version__)
    ext.register(name="fzp2p", mode=ext.MODE.LAYERS, path=module.origin)
