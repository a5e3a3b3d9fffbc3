#!/usr/bin/env python3
"""The one door to everything that is done with this tree, for a machine that has nothing but Python.

usage: python3 dev.py COMMAND [ARGUMENT ...]

  demo             make .venv, install fzctl into it, decode the sample captures, play on loopback
  test [ARG ...]   the whole test suite; arguments go to pytest
  check            ruff, mypy, import-linter
  bench [--short]  the measurements of README's table
  samples [--lab]  make the sample captures anew; with --lab the encrypted ones, as root
  picture          make README's picture anew
  kernel           build the optional compiled loops, into dist/ and .venv; needs a C compiler
  build            source distribution and wheel, into dist/

Needs the standard library only, and no root. Proxy settings and PIP_* variables are honoured.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# This file must parse on any Python 3.7, so that an old one is told so in a sentence.
OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "fzctl-stamp.json"

# External programs that tests talk to, and the Debian package of each. tests/conftest.py reads it too.
PEERS = {
    "tshark": "tshark",
    "tcpdump": "tcpdump",
    "ip": "iproute2",
    "tc": "iproute2",
    "wireguard-go": "wireguard-go",
    "wg": "wireguard-tools",
    "turnserver": "coturn",
    "chromium": "chromium",
    "cc": "gcc",
}

# Services among them: tests run them by hand, in a network of their own; they do not start with the machine.
SERVICES = {"coturn": "coturn.service"}
POLICY = Path("/usr/sbin/policy-rc.d")

# What a package would ask on installation, answered.
DEBCONF = "wireshark-common wireshark-common/install-setuid boolean false\n"


class Stop(Exception):
    """The command cannot go on: a sentence for the user and the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str]) -> int:
    if sys.version_info < OLDEST:
        return too_old()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__.strip() if __doc__ else "")
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in COMMANDS:
        say(f"there is no command {name!r}; there are: {', '.join(COMMANDS)}")
        return 2
    if rest and name not in WITH_ARGUMENTS:
        say(f"{name} takes no arguments, not {' '.join(rest)!r}")
        return 2
    try:
        return COMMANDS[name](*rest)
    except Stop as stop:
        say(str(stop))
        return stop.code
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        say(f"cannot go on: {error}")
        return 1


# --- the commands ---------------------------------------------------------------------------------


def demo() -> int:
    prepare(())
    fzctl = VENV / "bin" / "fzctl"
    captures = [shown(path) for path in sorted((ROOT / "captures").glob("*.pcap*"))]
    if not captures:
        raise Stop("captures/ holds no samples; make them with: python3 dev.py samples")
    codes = []
    for capture in captures:
        headline(f"fzctl decode {capture}")
        codes.append(run([fzctl, "decode", capture]))
    for path in sorted((ROOT / "captures" / "encrypted").glob("*.pcap*")):
        keys = path.with_suffix(".keys")
        options = ["-k", shown(keys)] if keys.exists() else []
        headline(" ".join(["fzctl decode", *options, shown(path)]))
        # Quiet, because the keys of samples are everybody's.
        codes.append(run([fzctl, "decode", "--quiet", *options, shown(path)]))
    headline("fzctl demo")
    codes.append(run([fzctl, "demo"]))
    headline("to look closer")
    print(f"""\
captures/README.md tells the story of each of them.
{shown(fzctl)} decode -T tree {captures[0]}
{shown(fzctl)} decode -T jsonl {captures[0]}
{shown(fzctl)} decode -Y 'fzp2p.accepted == 0' captures/*.pcap*
{shown(fzctl)} --help""")
    return next(filter(None, codes), 0)


def test(*arguments: str) -> int:
    missing = missing_peers()
    if missing and not (install_debian([PEERS[name] for name in missing]) and not missing_peers()):
        say(words_for_missing(missing_peers(), ci=in_ci()))
    prepare(("test",))
    return run([VENV_PYTHON, "-m", "pytest", *arguments])


def check() -> int:
    prepare(("dev",))
    tools = VENV / "bin"
    typed = ["fzctl", "dev.py", *(name for name in ("tests", "benchmarks", "captures") if holds_python(name))]
    steps: dict[str, list[str | Path]] = {
        "ruff check": [tools / "ruff", "check"],
        "ruff format": [tools / "ruff", "format", "--check"],
        "mypy": [VENV_PYTHON, "-m", "mypy", *typed],
        "import-linter": [tools / "lint-imports", "--no-logo"],
    }
    codes = {}
    for name, command in steps.items():
        headline(name)
        codes[name] = run(command)
    failed = [name for name, code in codes.items() if code]
    say(f"check failed: {', '.join(failed)}" if failed else "check: all is well")
    return codes[failed[0]] if failed else 0


def bench(*arguments: str) -> int:
    prepare(())
    return run([VENV_PYTHON, script("benchmarks/run.py"), *arguments])


def samples(*arguments: str) -> int:
    if arguments not in ((), ("--lab",)):
        raise Stop(f"samples takes --lab or nothing, not {' '.join(arguments)!r}", 2)
    prepare(())
    if arguments:
        return run([VENV_PYTHON, "-m", "tests.lab.record"])
    return run([VENV_PYTHON, script("captures/make.py")])


def picture() -> int:
    prepare(())
    return run([VENV_PYTHON, script("captures/picture.py")])


def build() -> int:
    prepare(("dev",))
    # Without isolation: the builder's own environment would need ensurepip.
    code = run([VENV_PYTHON, "-m", "build", "--no-isolation", "--outdir", "dist"])
    if not code:
        say(f"built: {', '.join(shown(path) for path in sorted((ROOT / 'dist').iterdir()))}")
    return code


def kernel() -> int:
    prepare(("dev",))
    code = run([*pip(), "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", "./kernel"])
    wheels = sorted((ROOT / "dist").glob("fzctl_kernel-*.whl"))
    if code or not wheels:
        raise Stop("the kernel could not be built: is there a C compiler, and Python's headers?", code or 1)
    code = run([*pip(), "install", "--quiet", "--force-reinstall", wheels[-1]])
    if not code:
        say(f"built {shown(wheels[-1])}, installed it into .venv")
    return code


COMMANDS: Mapping[str, Callable[..., int]] = {
    command.__name__: command for command in (demo, test, check, bench, samples, picture, kernel, build)
}
WITH_ARGUMENTS = ("test", "bench", "samples")


# --- the virtual environment ----------------------------------------------------------------------


def prepare(groups: Sequence[str]) -> None:
    """Have .venv hold fzctl (editable) and the dependency groups; quick where it does already."""
    with one_at_a_time():
        install(groups)
        # Where Python is told to write no bytecode, each start of fzctl would compile all of it.
        run([VENV_PYTHON, "-m", "compileall", "-q", "fzctl"])


def install(groups: Sequence[str]) -> None:
    reason = why_rebuild()
    if reason:
        if os.path.lexists(VENV):
            say(f".venv {reason}: making it anew")
            remove(VENV)
        create()
    digest = project_digest(
        (ROOT / "pyproject.toml").read_bytes(), (ROOT / "fzctl/__init__.py").read_text("utf-8")
    )
    needed = group_requirements(groups)
    stamp = read_stamp()
    installed = stamp.get("requirements") if stamp.get("digest") == digest else None
    if installed is not None and set(needed) <= set(installed):
        return
    say(f"installing fzctl{''.join(f' + {name}' for name in groups)} into .venv")
    code = run([*pip(), "install", "--quiet", "--no-input", "--editable", ".", *needed])
    if code:
        raise Stop("pip could not install what is needed (its words stand above)", code)
    write_stamp({"digest": digest, "requirements": sorted({*needed, *(installed or ())})})


def why_rebuild() -> str:
    """What is wrong with .venv, as the end of a sentence; empty where nothing is."""
    if not os.path.lexists(VENV):
        return "is missing"
    version = output_of([VENV_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    ours = ".".join(map(str, sys.version_info[:2]))
    if not version:
        return "is broken"
    if version != ours:
        return f"is of Python {version}, this is {ours}"
    if read_stamp().get("root", str(ROOT)) != str(ROOT):
        return "was made in another folder"
    return ""


def create() -> None:
    python = outer_python()
    has_ensurepip, has_pip = has_module(python, "ensurepip"), has_module(python, "pip")
    if not (has_ensurepip or has_pip):
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        is_debians = python.startswith("/usr/bin/")
        if not (is_debians and install_debian([package]) and has_module(python, "ensurepip")):
            raise Stop(f"this Python has neither ensurepip nor pip; as root: apt install {package}")
        has_ensurepip = True
    say(f"making .venv with Python {sys.version.split()[0]}")
    try:
        code = run([python, "-m", "venv", *([] if has_ensurepip else ["--without-pip"]), VENV])
        if code:
            raise Stop(f"cannot make {VENV}", code)
        write_stamp({})
    except BaseException:
        remove(VENV)  # half an environment would be taken for a whole one next time
        raise


def pip() -> list[str | Path]:
    """The pip inside .venv, or the outer one told to work there."""
    if has_module(str(VENV_PYTHON), "pip"):
        return [VENV_PYTHON, "-m", "pip"]
    if has_module(outer_python(), "pip"):
        return [outer_python(), "-m", "pip", "--python", VENV_PYTHON]
    raise Stop("there is no pip, neither in .venv nor outside: remove .venv and try again")


def outer_python() -> str:
    """The Python that runs this, and if that is the one in .venv, the one behind it."""
    inside = Path(sys.prefix).resolve() == VENV
    return str(getattr(sys, "_base_executable", sys.executable)) if inside else sys.executable


def group_requirements(names: Sequence[str]) -> list[str]:
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    return [line for name in names for line in flatten_group(table, name)]


def flatten_group(table: Mapping[str, Sequence[str | Mapping[str, str]]], name: str) -> list[str]:
    """One dependency group with those that it includes; pip learned `--group` only in 25.1."""
    lines: list[str] = []
    for entry in table[name]:
        lines += [entry] if isinstance(entry, str) else flatten_group(table, entry["include-group"])
    return lines


def project_digest(pyproject: bytes, package: str) -> str:
    """What an installation depends on: pyproject.toml and the version in the package."""
    version = "".join(line for line in package.splitlines() if line.startswith("__version__"))
    return hashlib.sha256(pyproject + b"\0" + version.encode()).hexdigest()


def read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(content: Mapping[str, object]) -> None:
    STAMP.write_text(json.dumps({"root": str(ROOT), **content}) + "\n")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    with open(ROOT / "pyproject.toml", "rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another dev.py that prepares .venv")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# --- external programs ----------------------------------------------------------------------------


def find_program(name: str) -> str | None:
    """Like shutil.which, and also where Debian keeps what it takes for root's."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(name, path=os.pathsep.join([path, "/usr/local/sbin", "/usr/sbin", "/sbin"]))


def missing_peers() -> list[str]:
    return [name for name in PEERS if not find_program(name)]


def words_for_missing(missing: Sequence[str], ci: bool) -> str:
    packages = " ".join(PEERS[name] for name in missing)
    fate = "with CI=true the tests that need them fail" if ci else "the tests that need them are skipped"
    return f"not installed: {', '.join(missing)}; {fate}; on Debian: apt install {packages}"


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")


def install_debian(packages: Sequence[str]) -> bool:
    """Install where we may: as root on a Debian-like machine."""
    apt_get = find_program("apt-get")
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or not apt_get:
        return False
    say(f"installing {' '.join(packages)} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = [apt_get, "-qq", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"]
    install = [*apt, "install", "--no-install-recommends", *packages]
    debconf = find_program("debconf-set-selections")
    if debconf:
        subprocess.run([debconf], input=DEBCONF, text=True, capture_output=True, check=False)
    words = ""
    with no_services(packages):
        for step in (install, [*apt, "update"], install):
            done = subprocess.run(
                step, env=environment, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if done.returncode == 0 and step is install:
                return True
            words = done.stderr.strip() or words
    say(f"apt-get could not install them: {words}")
    return False


@contextlib.contextmanager
def no_services(packages: Sequence[str]) -> Iterator[None]:
    """Packages that are installed meanwhile start no service, now or at the next boot."""
    services = [SERVICES[name] for name in packages if name in SERVICES]
    ours = bool(services) and not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
        systemctl = find_program("systemctl")
        if services and systemctl:
            subprocess.run([systemctl, "--quiet", "disable", *services], capture_output=True, check=False)


# --- small helpers --------------------------------------------------------------------------------


def say(text: str) -> None:
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def headline(text: str) -> None:
    print(f"\n== {text} ".ljust(100, "="), flush=True)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run(command: Sequence[str | Path]) -> int:
    sys.stdout.flush()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return code if code >= 0 else 128 - code


def output_of(command: Sequence[str | Path]) -> str:
    """What the command prints; empty where it fails or cannot be started."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def has_module(python: str, name: str) -> bool:
    return output_of([python, "-c", f"import {name}; print('yes')"]) == "yes"


def holds_python(folder: str) -> bool:
    return any((ROOT / folder).rglob("*.py"))


def script(name: str) -> Path:
    path = ROOT / name
    if not path.exists():
        raise Stop(f"there is no {name}")
    return path


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def too_old() -> int:
    say("fzctl needs Python {}.{} or later, this is {}".format(*OLDEST, sys.version.split()[0]))
    for minor in range(20, OLDEST[1] - 1, -1):
        if shutil.which(f"python3.{minor}"):
            say(f"there is one: python3.{minor} {' '.join(sys.argv)}")
            break
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
