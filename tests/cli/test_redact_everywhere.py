"""``--redact`` in every verb and form that has it: nothing that named anybody is left, in no notation."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fzctl.carriers.live import LiveCapture
from fzctl.cli import watch
from fzctl.cli.main import VERBS
from fzctl.cli.parser import build_parser
from fzctl.columns import all_columns
from fzctl.pcap.capture import open_capture
from fzctl.pcap.links import RAW
from fzctl.pcap.writer import open_writer
from tests.carriers.rings import Canned, Frame, block
from tests.cli.conftest import Run
from tests.cli.story import RESOURCE
from tests.records import assigned, goodbye, packet, raw, status

SAMPLES = Path(__file__).parents[2] / "captures" / "encrypted"
START = 1_787_360_000_000_000_000

NAMES = ("gitlabq", "acmeq", "intranetq", "umlautq", "wronglabelq", "extraq", "keyq", "statusq", "userq")
UUIDS = ("6b7188f5-00ac-41dc-9ddd-57e2384f31ef", RESOURCE, "dc1b77ae-0bf3-4dad-a4f0-eeb9026e6076")
ADDRESSES = ("100.96.77.21", "100.96.77.22", "10.77.66.55", "203.0.113.77", "2001:db8:77:66::55:44")
SECRETS = (*NAMES, *UUIDS, *ADDRESSES)


def story() -> list[bytes]:
    """Messages of every kind, sound and not, that all name somebody; some break rules of ``check``."""
    first, second, private, other, six = ADDRESSES
    return [
        assigned("gitlabq.acmeq.example", *[f"100.96.77.{number}" for number in (21, 22, 23, 24)]),
        status("GitLabQ.AcmeQ.example", "Inactive"),
        assigned("intranetq", first, second, first, six),  # taken from another domain, too
        status("intranetq", "Active"),
        status("intranetq", "Inactive"),
        packet("assigned_ips", resource=RESOURCE.upper(), domain="a\\.umlautq.acmeq", proxy_ips=[six] * 4),
        raw(0, {"resource": UUIDS[2].replace("-", ""), "domain": "intranetq", "proxy_ips": [private]}),
        raw(0, {"resource": "urn:uuid:" + UUIDS[2], "domain": "acmeq..wronglabelq", "proxy_ips": [second]}),
        raw(0, {"resource": "userq", "domain": "acmeq", "proxy_ips": []}),
        raw(0, {"resource": RESOURCE, "domain": "acmeq\"userq'..wronglabelq", "proxy_ips": [other]}),
        raw(0, {"resource": RESOURCE, "domain": "acmeq", "proxy_ips": [other + ".userq"]}),
        raw(
            1, {"resource": RESOURCE, "domain": "intranetq", "status": "statusq", "keyq": {"extraq": private}}
        ),
        raw(1, f'{{"resource":"{RESOURCE}","domain":"\\u0067itlabq.acmeq.example","status":"Active"}}'),
        raw(1, f'["{RESOURCE}","gitlabq.acmeq.example"'),
        raw(1, f"{RESOURCE} acmeq {other}"),
        raw(3, {"dst": private, "protocol": {"tcp": {"dst_port": 443}}}),
        raw(3, {"dst": six, "protocol": "userq"}),
        raw(9, f"gitlabq {RESOURCE} {other}"),
        goodbye(),
        raw(2, "acmeq"),
        raw(1, {"resource": RESOURCE, "domain": "gitlabq.acmeq.example", "status": "Active"}),
    ]


_SET_UP = f"tunnel_proto::client: Setting up DNS resource NAT gid={UUIDS[2]}"
_INACTIVE = "tunnel_proto::client::dns_resource_nat: DNS resource NAT is not active"
LOG = f"""\
{{time}} DEBUG {_SET_UP} domain=gitlabq.acmeq.example rid={UUIDS[0]}
{{time}} DEBUG {_INACTIVE} gid={UUIDS[2]} domain=gitlabq.acmeq.example
{{time}}  INFO phoenix_channel: Connected to portal host=portal.acmeq.example user userq@acmeq.example
{{time}} DEBUG a::b: looked up intranetq and found {ADDRESSES[3]} and {ADDRESSES[4]}
{{time}} DEBUG {_SET_UP} domain=intranetq rid={UUIDS[0]}
{{{{"time":"{{time}}","severity":"INFO","message":"for GITLABQ.acmeq.example","domain":"intranetq"
"""


def notations(secret: str) -> Iterator[bytes]:
    """How a text may be written: as it is, in hex, in base64 wherever it begins; an address also packed."""
    texts = {secret, secret.replace("-", "")} if re.fullmatch("[0-9a-f-]{36}", secret) else {secret}
    packed: list[bytes] = []
    if secret in ADDRESSES:
        packed.append(ipaddress.ip_address(secret).packed)
        if ":" in secret:
            texts.add(ipaddress.ip_address(secret).exploded)
    if secret in UUIDS:
        packed.append(bytes.fromhex(secret.replace("-", "")))
    for data in (*(text.encode() for text in texts), *packed):
        yield data
        for between in ("", " ", ":", "\\x"):
            yield data.hex(*(between[:1] if len(between) == 1 else ())).encode()
        for before in range(3):
            coded = base64.b64encode(b"\0" * before + data)
            # What stands at the edges depends on the neighbours.
            if len(coded) > 12:
                yield coded[4:-4]


def leaks(data: bytes) -> set[str]:
    """The secrets that stand in ``data`` in some notation, whatever their case."""
    lowered = re.sub(rb"\x1b\[[0-9]+m", b"", data).lower()
    # A hex dump parts its bytes by blanks, and its lines by more.
    packed = re.sub(rb"\s+", b"", lowered)
    return {
        secret
        for secret in SECRETS
        for each in notations(secret)
        if each.lower() in lowered or (len(each) >= 8 and each.lower() in packed)
    }


def test_the_test_finds_what_it_looks_for() -> None:
    for secret in SECRETS:
        data = secret.encode()
        for written in (data, data.upper(), data.hex(" ").encode(), data.hex("\n").upper().encode()):
            assert secret in leaks(written), written
    for secret in (*UUIDS, *ADDRESSES):
        assert secret in leaks(base64.b64encode(b"ab" + secret.encode() + b"c"))
    assert "10.77.66.55" in leaks(bytes((10, 77, 66, 55)))
    assert not leaks(b"fzctl acme gitlab example 100.96.0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose own name gives somebody away, with all inputs in it."""
    folder = tmp_path / "acmeq.example"
    folder.mkdir()
    packets = story()
    for name in ("gitlabq.pcapng", "gitlabq-2.pcap"):
        with open_writer(str(folder / name), link_type=RAW) as writer:
            for number, each in enumerate(packets):
                writer.write(each, START + number * 1_000_000_000)
    (folder / "cut-userq.pcap").write_bytes((folder / "gitlabq-2.pcap").read_bytes()[:-30])
    udp6 = bytes.fromhex("6000000000091140") + ipaddress.ip_address(ADDRESSES[4]).packed * 2
    foreign = udp6 + bytes.fromhex("003500350009ffff") + b"\7"
    lines = [each.hex() for each in (*packets, foreign, b"", b"\x45gitlabq")]
    (folder / "userq.hex").write_text("".join(f"{line}\n" for line in (*lines, "no hex: acmeq")))
    times = "".join(
        line.replace("{time}", f"2026-08-22T00:53:2{number}.158Z").replace("{{", "{") + "\n"
        for number, line in enumerate(LOG.splitlines())
    )
    (folder / "gitlabq.log").write_text(times)
    return folder


def texts_of(columns: dict[str, object]) -> list[str]:
    return [word for name in columns for word in ("-e", name)]


WRITTEN = ("out.pcapng", "out.pcap", "out.pcapng.gz", "acmeq.pcapng")
FILES = {
    *("gitlabq.pcapng", "gitlabq-2.pcap", "cut-userq.pcap", "userq.hex", "gitlabq.log"),
    *("nosuch-userq.pcap", "nosuch-userq.log", *WRITTEN),
}
BOTH = ("gitlabq.pcapng", "gitlabq-2.pcap")
BROKEN = ("gitlabq.pcapng", "cut-userq.pcap", "nosuch-userq.pcap")
HEX = ("--hex", "userq.hex")
LOGS = ("gitlabq.log", "nosuch-userq.log")
WITH = ("--with", "gitlabq.pcapng")
CASES: dict[str, tuple[str, ...]] = {
    **{f"decode {form}": ("decode", "-T", form, *BOTH) for form in ("text", "tree", "json", "jsonl", "hex")},
    **{f"decode {form} hex": ("decode", "-T", form, *HEX) for form in ("text", "tree", "jsonl", "hex")},
    "decode fields": ("decode", "-T", "fields", *texts_of(dict(all_columns())), *BOTH),
    "decode dump": ("decode", "-T", "text", "-x", *BOTH),
    "decode tree dump": ("decode", "-T", "tree", "-x", "--color", "always", *HEX),
    "decode broken": ("decode", "-v", *BROKEN),
    "decode seed": ("decode", "--dialect", "seed", "-T", "tree", *BOTH),
    **{f"decode {name}": ("decode", "-w", name, "gitlabq.pcapng") for name in ("out.pcapng", "out.pcap")},
    "decode out.pcapng.gz": ("decode", "-w", "out.pcapng.gz", "gitlabq.pcapng"),
    "decode acmeq.pcapng": ("decode", "-w", "acmeq.pcapng", "gitlabq.pcapng"),
    **{f"check {form}": ("check", "-T", form, *BOTH) for form in ("text", "json", "jsonl")},
    "check hex": ("check", *HEX),
    "check merged": ("check", "--merge", *BOTH),
    "check pattern": ("check", "--pattern", "*.userq.example", "-T", "jsonl", *BOTH),
    "check broken": ("check", "-v", *BROKEN),
    **{f"stats {form}": ("stats", "-T", form, *BOTH) for form in ("text", "json")},
    "stats hex": ("stats", *HEX),
    "stats broken": ("stats", "-v", *BROKEN),
    **{f"logs {form}": ("logs", "-T", form, *LOGS) for form in ("text", "json", "jsonl")},
    "logs whole": ("logs", "--all-fields", "--color", "always", *LOGS),
    **{f"timeline {form}": ("logs", *WITH, "-T", form, *LOGS) for form in ("text", "json", "jsonl")},
    "timeline whole": ("logs", *WITH, "--with", "gitlabq-2.pcap", "--all-fields", *LOGS),
    "timeline offset": ("logs", *WITH, "--offset", "1", "-T", "jsonl", *LOGS),
    "timeline broken": ("logs", "--with", "cut-userq.pcap", "--with", "nosuch-userq.pcap", *LOGS),
}


@pytest.mark.parametrize("case", CASES)
def test_no_name_survives(case: str, fzctl: Run, folder: Path) -> None:
    arguments = [f"{folder}/{word}" if word in FILES else word for word in CASES[case]]
    before = fzctl(*arguments)
    after = fzctl(arguments[0], "--redact", *arguments[1:])
    made = [folder / word for word in WRITTEN if (folder / word).exists()]
    written = [path.read_bytes() for path in made]
    written = [gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data for data in written]
    assert after.code == before.code
    if "-w" not in arguments:
        assert leaks(before.out.encode()) >= {"gitlabq"}, "the input names nobody in this form"
        assert before.out.count("\n") == after.out.count("\n") or "text" in case or case.startswith("check")
    assert not leaks(after.out.encode())
    assert not leaks(after.err.encode())
    for data in written:
        assert len(data) > 1000
        assert not leaks(data)


@pytest.mark.parametrize("form", ["text", "tree", "json", "jsonl", "hex"])
def test_no_name_survives_live(
    form: str, fzctl: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ring = Canned([block([Frame(each) for each in story()])], None)
    monkeypatch.setattr(watch, "_open_source", lambda args: LiveCapture(args.interface, ring, RAW))
    target = tmp_path / "out.pcapng"
    found = fzctl("watch", "-i", "wg0", "-a", "duration:0.05", "--redact", "-T", form, "-w", str(target))
    assert found.code == 0
    assert len(found.out) > 1000
    assert not leaks(found.out.encode() + target.read_bytes())


@pytest.mark.parametrize("verb", ["decode", "check", "stats"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_ends_of_a_tunnel_do_not_survive(verb: str, form: str, fzctl: Run) -> None:
    options = ("-k", str(SAMPLES / "direct.keys"), str(SAMPLES / "direct.pcap"))
    before, after = (fzctl(verb, "-T", form, *more, *options) for more in ((), ("--redact",)))
    secrets = ("192.0.2.1", "198.51.100.2", "gitlab", "wiki", "direct.pcap")
    assert any(secret in before.out for secret in secrets[:4]) or verb == "check"
    for secret in secrets:
        assert secret not in after.out, secret


def test_one_key_gives_one_mapping_in_every_verb(fzctl: Run, folder: Path) -> None:
    key, capture = str(folder / "key"), str(folder / "gitlabq.pcapng")
    log = str(folder / "gitlabq.log")

    def domains(*arguments: str) -> set[str]:
        found = fzctl("-q", *arguments, "--redact-key", key)
        return set(re.findall(r'"domain": ?"(\w{7}\.\w{5}\.\w{7})"', found.out))

    [expected] = {each.lower() for each in domains("decode", "-T", "jsonl", capture)}
    for arguments in (
        ("check", "-T", "jsonl", capture),
        ("stats", "-T", "json", capture),
        ("logs", "-T", "jsonl", log),
        ("logs", "--with", capture, "-T", "jsonl", log),
    ):
        assert {each.lower() for each in domains(*arguments)} == {expected}, arguments


def test_every_verb_that_redacts_is_looked_at() -> None:
    redacting = {verb for verb in VERBS if "--redact" in build_parser(verb).format_help()}
    looked_at = {case.partition(" ")[0] for case in CASES} - {"timeline"}
    # watch is looked at above, analyze among its own tests.
    assert redacting == looked_at | {"watch", "analyze"}


def test_a_redacted_capture_has_the_sizes_of_the_original(fzctl: Run, folder: Path) -> None:
    capture, target = str(folder / "gitlabq.pcapng"), str(folder / "out.pcapng")
    fzctl("-q", "decode", "--redact", "-w", target, capture)
    with open_capture(capture) as one, open_capture(target) as other:
        sizes = [[len(frame.data) for frame in each.frames()] for each in (one, other)]
    assert sizes[0] == sizes[1]
