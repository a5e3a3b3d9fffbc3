"""What scapy's extension loader calls; the whole way through scapy is in layers/test_extension.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scapy.config import ScapyExt

import fzctl


def test_scapy_ext_registers_the_layers_under_the_version() -> None:
    ext: Any = ScapyExt()  # type: ignore[no-untyped-call]
    fzctl.scapy_ext(ext)
    assert (ext.name, ext.version) == ("fzctl", fzctl.__version__)
    (spec,) = ext.specs.values()
    assert spec.fullname == "scapy.layers.fzp2p"
    assert Path(spec.spec.origin).is_file()
