"""The profile "Firezone": columns, colours, filter buttons and names, in Wireshark's own files."""

from __future__ import annotations

import io
from typing import Final, NamedTuple

from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import Kind, kind_by_name
from fzctl.wireshark.folders import PROFILE

Colour = tuple[int, int, int]

_BLACK: Final[Colour] = (0x12, 0x27, 0x2E)
# Wireshark's notation for a column that shows a field: occurrence 0 is all of them, R in words.
_FIELD_COLUMN: Final = "%Cus:{}:0:R"
_OWN_COLUMNS: Final = (
    ("No.", "%m"),
    ("Time", "%t"),
    ("Source", "%s"),
    ("Destination", "%d"),
    ("Protocol", "%p"),
    ("Length", "%L"),
)
_FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold


class Rule(NamedTuple):
    """One line of the colouring rules; the first one that fits a packet colours it."""

    name: str
    filter: str
    background: Colour


class Button(NamedTuple):
    """One button beside the display filter."""

    label: str
    filter: str
    comment: str


def _kind(name: str) -> Kind:
    kind = kind_by_name(name)
    assert kind is not None
    return kind


_ASKS: Final = f"fzp2p.kind == {_kind('assigned_ips').number}"
_LEAVES: Final = f"fzp2p.kind == {_kind('goodbye').number}"
_REFUSED: Final = "fzp2p.accepted == 0"
_INACTIVE: Final = f'fzp2p.status == "{Status.INACTIVE}"'
_ACTIVE: Final = f'fzp2p.status == "{Status.ACTIVE}"'

COLUMNS: Final = (
    *_OWN_COLUMNS,
    ("Kind", _FIELD_COLUMN.format("fzp2p.kind")),
    # Of a message, and of the traffic to and from its proxy IPs.
    ("Domain", _FIELD_COLUMN.format("fzp2p.domain || fzp2p.nat.domain")),
    ("Status", _FIELD_COLUMN.format("fzp2p.status")),
    ("Accepted", _FIELD_COLUMN.format("fzp2p.accepted")),
    ("Info", "%i"),
)

RULES: Final = (
    Rule("Firezone: refused by the receiver", _REFUSED, (0xF7, 0x87, 0x87)),
    Rule("Firezone: NAT inactive", _INACTIVE, (0xFF, 0xEE, 0x8C)),
    Rule("Firezone: NAT active", _ACTIVE, (0xC3, 0xF0, 0xBE)),
    Rule("Firezone: goodbye", _LEAVES, (0xD2, 0xD2, 0xD2)),
    Rule("Firezone: control", "fzp2p", (0xC8, 0xDC, 0xFF)),
)

BUTTONS: Final = (
    Button("control", "fzp2p", "All control messages"),
    Button("refused", _REFUSED, "Control messages that a receiver refuses"),
    Button(Status.INACTIVE, _INACTIVE, "Answers that the NAT is not up"),
    Button("unanswered", f"{_ASKS} && !fzp2p.response_in", "Questions that got no answer"),
)


def profile_files() -> dict[str, bytes]:
    """The profile's files by name."""
    return {
        "preferences": _preferences().encode(),
        "colorfilters": _colour_rules().encode(),
        "dfilter_buttons": _buttons().encode(),
    }


def profile_zip() -> bytes:
    """The profile as Wireshark's "Import from ZIP file" takes it, the same bytes each time."""
    buffer = io.BytesIO()
    import zipfile

    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for name, data in profile_files().items():
            entry = zipfile.ZipInfo(f"{PROFILE}/{name}", _FIRST_DATE)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, data)
    return buffer.getvalue()


def _preferences() -> str:
    columns = ",\n".join(f'\t"{title}", "{form}"' for title, form in COLUMNS)
    return (
        "# The profile Firezone, made by fzctl.\n\n"
        f"gui.column.format: \n{columns}\n\n"
        "# Names come from the capture (AssignedIps as fzctl saves them, and DNS), none is asked for.\n"
        "nameres.network_name: TRUE\n"
        "nameres.dns_pkt_addr_resolution: TRUE\n"
        "nameres.use_external_name_resolver: FALSE\n"
    )


def _colour_rules() -> str:
    """One rule a line: ``@name@filter@[background][foreground]``, of each colour 16 bits."""
    lines = [f"@{rule.name}@{rule.filter}@{_colour(rule.background)}{_colour(_BLACK)}\n" for rule in RULES]
    return "# Colouring rules of the profile Firezone, made by fzctl.\n" + "".join(lines)


def _buttons() -> str:
    lines = [
        ",".join(_quoted(text) for text in ("TRUE", button.label, button.filter, button.comment)) + "\n"
        for button in BUTTONS
    ]
    return "# Filter buttons of the profile Firezone, made by fzctl.\n" + "".join(lines)


def _colour(colour: Colour) -> str:
    return f"[{','.join(str(part * 0x101) for part in colour)}]"


def _quoted(text: str) -> str:
    """A value in Wireshark's table files, where ``\\xHH`` stands for what would end it."""
    return '"' + "".join(rf"\x{ord(each):02x}" if each in '"\\' else each for each in text) + '"'
