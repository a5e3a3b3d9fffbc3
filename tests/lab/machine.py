"""The lab under Debian's own kernel, in a virtual machine, for what the kernel here may lack:

    python3 -m tests.lab.machine python3 -m tests.lab.soak --netem
    python3 -m tests.lab.machine --kernel-wireguard .venv/bin/python -m pytest tests/lab/test_direct.py

The command runs as root, in this folder, on this machine's files; what it writes is gone afterwards, except
beneath ``--keep FOLDER``. Needs qemu-system-x86, busybox-static, cpio and kmod from Debian's packages, and
their mirror for the kernel, which stays in build/machine/. Without KVM it is some ten times slower than here.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import dev

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / "build" / "machine"
PACKAGE: Final = "linux-image-amd64"
PROGRAMS: Final = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "depmod": "kmod",
}
# The files of this machine come over 9p, what is written lies above them in memory.
_FIRST_MODULES: Final = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
_EXIT_PORT: Final = 0x501

_INIT: Final = """\
#!/busybox sh
/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
for module in /modules/*; do insmod $module; done
share() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,$3 $1 "$2"; }
share root /lower ro,cache=loose
mount -t tmpfs none /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work none /root
for folder in proc sys dev; do mount --move /$folder /root/$folder; done
for folder in /tmp /run; do mount -t tmpfs none /root$folder; done
mkdir -p /root/dev/pts /root/dev/shm /root/lib/modules/@KERNEL@
mount -t devpts none /root/dev/pts
mount -t tmpfs none /root/dev/shm
mount --bind /root@MODULES@ /root/lib/modules/@KERNEL@
keep=@KEEP@
[ -z "$keep" ] || { mkdir -p "/root$keep"; share keep "/root$keep" rw; }
cp /begin /root/run/begin
exec switch_root /root /bin/sh /run/begin
"""

_BEGIN: Final = """\
mkdir /run/instead
cat > /run/instead/wireguard-go <<'END'
#!/bin/sh
# wireguard-go -f DEVICE, which is ready when its socket is there
ip link add "$2" type wireguard || exit
mkdir -p /run/wireguard
: > "/run/wireguard/$2.sock"
trap 'ip link del "$2"; exit' TERM INT
sleep 1000000 & wait
END
chmod +x /run/instead/wireguard-go
export PATH=@FIRST@/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
for module in sch_netem wireguard tun veth; do modprobe $module; done
ip link set lo up
cd @FOLDER@
@COMMAND@ < /dev/null
code=$?
sync
printf "\\\\$(printf %o $code)" | dd of=/dev/port bs=1 seek=@PORT@ status=none
"""
_MARK: Final = re.compile("@([A-Z]+)@")


class MachineError(Exception):
    """There is no machine: a sentence for people."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="what is written beneath it stays")
    parser.add_argument(
        "--kernel-wireguard", action="store_true", help="the kernel's in wireguard-go's place"
    )
    parser.add_argument("--kvm", action="store_true", help="where the processor lends itself")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if not args.command:
        parser.error("which command is to run in it?")
    try:
        return run_in_machine(args)
    except MachineError as error:
        print(f"machine: {error}", file=sys.stderr)
        return 1


def run_in_machine(args: argparse.Namespace) -> int:
    """Boot, run, switch off; the command's exit code. Raises MachineError where that cannot be."""
    missing = [package for program, package in PROGRAMS.items() if not dev.find_program(program)]
    if missing:
        raise MachineError(f"some programs are missing: apt install {' '.join(missing)}")
    kernel = fetch_kernel()
    version = kernel.name.removeprefix("vmlinuz-")
    keep = args.keep and args.keep.resolve()
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="machine-") as folder:
        ramdisk = Path(folder) / "initrd"
        script = begin(args.command, kernel_wireguard=args.kernel_wireguard)
        build_ramdisk(Path(folder) / "root", ramdisk, version, keep, script)
        command = machine(kernel, ramdisk, keep, memory=args.memory, kvm=args.kvm)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    return exit_code(done.returncode)


def machine(kernel: Path, ramdisk: Path, keep: Path | None, *, memory: int, kvm: bool) -> list[str]:
    """How qemu is started."""
    shares = ["path=/,mount_tag=root,readonly=on,multidevs=remap"]
    shares += [f"path={keep},mount_tag=keep"] if keep else []
    return [
        _program("qemu-system-x86_64"),
        *(("-accel", "kvm", "-cpu", "host") if kvm else ("-accel", "tcg,thread=multi", "-cpu", "max")),
        *("-smp", "2", "-m", str(memory), "-no-reboot", "-display", "none", "-serial", "stdio"),
        *("-kernel", str(kernel), "-initrd", str(ramdisk), "-append", "console=ttyS0 panic=-1 quiet"),
        *("-net", "none", "-device", f"isa-debug-exit,iobase={_EXIT_PORT:#x},iosize=4"),
        *(word for share in shares for word in ("-virtfs", f"local,security_model=none,{share}")),
    ]


def exit_code(code: int) -> int:
    """What the command in the machine ended with. Raises MachineError where the machine ended otherwise."""
    if code < 0 or not code & 1:  # qemu ends with twice the value that the guest wrote, and one
        raise MachineError("it ended before its command did; see what its kernel said above")
    return code >> 1


def begin(command: Sequence[str], *, kernel_wireguard: bool) -> str:
    """The script that runs the command and tells its exit code."""
    first = "/run/instead:" if kernel_wireguard else ""
    words = {"FIRST": first, "FOLDER": shlex.quote(str(ROOT)), "COMMAND": shlex.join(command)}
    return _fill(_BEGIN, words | {"PORT": str(_EXIT_PORT)})


def fetch_kernel() -> Path:
    """Debian's kernel with its modules, unpacked. Raises MachineError without a mirror."""
    found = sorted(CACHE.glob("boot/vmlinuz-*"))
    if found:
        return found[-1]
    CACHE.mkdir(parents=True, exist_ok=True)
    depends = subprocess.run(
        ["apt-cache", "depends", PACKAGE], capture_output=True, text=True, check=False
    ).stdout
    names = [line.split()[1] for line in depends.splitlines() if "Depends: linux-image-" in line]
    if not names or subprocess.run(["apt-get", "download", names[0]], cwd=CACHE, check=False).returncode:
        raise MachineError(f"apt-get cannot download the kernel that {PACKAGE} stands for")
    for package in CACHE.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(CACHE)], check=True)
        package.unlink()
    kernel = next(CACHE.glob("boot/vmlinuz-*"))
    subprocess.run([_program("depmod"), "-b", str(CACHE), kernel.name.removeprefix("vmlinuz-")], check=True)
    return kernel


def build_ramdisk(root: Path, ramdisk: Path, version: str, keep: Path | None, script: str) -> None:
    """What the kernel runs first: busybox, the modules that reach this machine's files, the two scripts."""
    for folder in ("bin", "proc", "sys", "dev", "lower", "memory", "root", "modules"):
        (root / folder).mkdir(parents=True)
    shutil.copy(_program("busybox"), root / "busybox")
    for number, path in enumerate(_modules_for(version)):
        shutil.copy(path, root / "modules" / f"{number:02}-{path.name}")
    modules = shlex.quote(str(CACHE / "lib" / "modules" / version))
    words = {"KERNEL": version, "MODULES": modules, "KEEP": shlex.quote(str(keep or ""))}
    (root / "init").write_text(_fill(_INIT, words))
    (root / "init").chmod(0o755)
    (root / "begin").write_text(script)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with ramdisk.open("wb") as file:
        pack = [_program("cpio"), "--quiet", "-o", "-H", "newc"]
        subprocess.run(pack, cwd=root, input=names.encode(), stdout=file, check=True)


def _modules_for(version: str) -> list[Path]:
    found: dict[str, None] = {}
    for name in _FIRST_MODULES:
        command = [_program("modprobe"), "-d", str(CACHE), "-S", version, "--show-depends", name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found |= {line.split()[1]: None for line in said.splitlines() if line.startswith("insmod ")}
    return [Path(path) for path in found]


def _fill(text: str, words: dict[str, str]) -> str:
    return _MARK.sub(lambda found: words[found[1]], text)


def _program(name: str) -> str:
    return dev.find_program(name) or name


if __name__ == "__main__":
    sys.exit(main())
