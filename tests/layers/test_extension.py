"""Scapy's extension loader: ``conf.exts.load("fzctl")`` in a process that has not seen fzctl before."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from scapy.config import conf
assert "fzctl" not in sys.modules
conf.exts.load("fzctl")
assert [(ext.name, sorted(ext.specs)) for ext in conf.exts.exts] == [("fzctl", ["scapy.layers.fzp2p"])]
from scapy.layers.inet6 import IPv6
goodbye = bytes.fromhex("6000000000 08 ff 00" + "00" * 32 + "02" + "00" * 7)
print(IPv6(goodbye).summary())
import scapy.layers.fzp2p as through_scapy
import fzctl.layers as ours
assert all(getattr(through_scapy, name) is getattr(ours, name) for name in ours.__all__)
from scapy.main import load_layer
names = {}
load_layer("fzp2p", globals_dict=names)
assert names["Goodbye"] is ours.Goodbye
assert [upper for _, upper in IPv6.payload_guess].count(ours.FzP2p) == 1
"""


def test_scapy_loads_fzctl_as_an_extension() -> None:
    try:
        distribution = importlib.metadata.distribution("fzctl")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("fzctl is not installed: pip install -e .")
    if distribution.read_text("top_level.txt") is None:
        pytest.skip("fzctl is not installed with its metadata: pip install -e .")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr, done.returncode) == ("IPv6 / FzP2p / Goodbye\n", "", 0)
