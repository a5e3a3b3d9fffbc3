"""What each verb loads: modules are counted, because milliseconds depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fzctl.cli.main import VERBS
from fzctl.cli.parser import build_parser
from tests.cli.conftest import ENVIRONMENT, ROOT
from tests.cli.test_main import HEAVY
from tests.hostile import options_of

CAPTURE = str(ROOT / "captures" / "setup.pcapng")
LOG = str(ROOT / "tests" / "logs" / "data" / "client.log")
MOST_FOR_HELP = 90
MOST_FOR_A_RUN = 150

HELP = [(verb, "--help") for verb in VERBS]
BELOW = sorted(
    {(verb, *before, "--help") for verb in VERBS for before, _ in options_of(build_parser(verb)) if before}
)
RUNS = [
    ("decode", "-T", "jsonl", CAPTURE),
    ("decode", "-T", "tree", "-Y", "fzp2p.kind == 1", CAPTURE),
    ("analyze", CAPTURE),
    ("analyze", "-T", "json", CAPTURE),
    ("check", CAPTURE),
    ("check", "--list-rules"),
    ("stats", CAPTURE),
    ("logs", LOG),
    ("logs", "-T", "jsonl", LOG),
    ("craft", "goodbye"),
    ("replay", "--dry-run", "-i", "lo", CAPTURE),
    ("resilience", "--list"),
    ("wireshark", "install", "--help"),
]

# Each run has a process of its own, a fork of one that has loaded nothing but the entry point.
SCRIPT = """
import json, os, sys
from fzctl.cli.main import main
for words in json.load(sys.stdin):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    out, sys.stdout = sys.stdout, open(os.devnull, "w")
    code = main(words)
    print(json.dumps([words, code, sorted(sys.modules)]), file=out, flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def loaded() -> dict[tuple[str, ...], set[str]]:
    """The modules beyond those of a Python that does nothing."""
    environment = {**ENVIRONMENT, "PYTHONWARNINGS": "ignore"}

    def run(*command: str, given: str = "") -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", *command], input=given, capture_output=True, text=True, env=environment,
            timeout=60, check=True,
        )  # fmt: skip
        assert done.stderr.count("Traceback") == 0
        return done.stdout.splitlines()

    [line] = run("import json, sys; kept = sorted(sys.modules); print(json.dumps(kept))")
    nothing = {name for name in json.loads(line) if name.partition(".")[0] != "json"}
    found = {}
    for line in run(SCRIPT, given=json.dumps([*HELP, *BELOW, *RUNS])):
        words, code, modules = json.loads(line)
        assert code == 0, words
        found[tuple(words)] = {*modules} - nothing - {"json", "json.decoder", "json.encoder", "json.scanner"}
    return found


@pytest.mark.parametrize("words", [*HELP, *BELOW, *RUNS], ids=" ".join)
def test_nothing_heavy_is_loaded_that_is_not_used(
    words: tuple[str, ...], loaded: dict[tuple[str, ...], set[str]]
) -> None:
    modules = loaded[words]
    assert not {name for name in modules if name.partition(".")[0] in HEAVY}
    assert len(modules) <= (MOST_FOR_HELP if "--help" in words else MOST_FOR_A_RUN)


def test_what_is_heavy_would_be_seen() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps([["completion", "bash"]]), capture_output=True,
        text=True, env={**ENVIRONMENT, "PYTHONWARNINGS": "ignore"}, timeout=60, check=True,
    )  # fmt: skip
    [_, code, modules] = json.loads(done.stdout)
    assert code == 0
    assert {"shtab", "pathlib"} <= {*modules}
