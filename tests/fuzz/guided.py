"""One target under atheris: ``python -m tests.fuzz.guided TARGET SECONDS SEED OUT``."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import atheris

from tests.fuzz.findings import Tally, failure_of
from tests.fuzz.target import Target, inputs_of, load


def main(name: str, seconds: float, seed: int, out: Path) -> None:
    """Run libFuzzer until the time is up, and write a report; does not return."""
    target = load_instrumented(name)
    tally = Tally(target, out)
    report = out / f"{name}.json"
    began = time.monotonic()

    def once(data: bytes) -> None:
        tally.run(data)
        passed = time.monotonic() - began
        if passed > seconds:
            told = {"executions": tally.executions, "seconds": passed, "findings": tally.findings}
            report.write_text(json.dumps(told))
            os._exit(0)

    options: dict[str, object] = {
        "max_len": target.longest,
        "seed": seed or 1,
        "rss_limit_mb": 0,
        "verbosity": 0,
    }
    if target.tokens:
        options["dict"] = tokens = out / f"{name}.dict"
        tokens.write_text("".join(f'"{escaped(each)}"\n' for each in target.tokens))
    arguments = [f"-{key}={value}" for key, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, str(out / "corpus" / name)], once)
    atheris.Fuzz()


def escaped(token: bytes) -> str:
    """A token as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in token)


def load_instrumented(name: str) -> Target:
    """The target, with all that its seeds import under observation."""
    with atheris.instrument_imports(include=["fzctl"]):
        target = load(name)
        for data in inputs_of(target):
            failure_of(target, data)
    return target


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
