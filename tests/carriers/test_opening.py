"""From a file to a peer: what is wrong with the file, its mode, its names, its port."""

from __future__ import annotations

from pathlib import Path

import pytest

from fzctl.carriers.opening import load_config, load_password, open_peer
from fzctl.errors import CarrierError
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import encode_key
from fzctl.wireguard.stun import ALLOCATE, FAMILIES, REQUESTED_ADDRESS_FAMILY, decode_message
from fzctl.wireguard.turnuri import TurnServer
from tests.wireguard.lab import A, B, C

HEAD = f"[Interface]\nPrivateKey = {encode_key(A.raw)}\n"


def peer(public: bytes, *lines: str) -> str:
    return "\n".join(("[Peer]", f"PublicKey = {encode_key(public)}", *lines)) + "\n"


def write(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "wg.conf"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_peer_comes_out_of_a_file_with_its_endpoint_resolved(tmp_path: Path) -> None:
    warnings: list[str] = []
    path = write(tmp_path, HEAD + peer(B.public, "AllowedIPs = ::/128", "Endpoint = localhost:7"))
    with open_peer(path, warn=warnings.append) as carrier:
        assert carrier.name in ("peer 127.0.0.1:7", "peer [::1]:7")
    assert warnings == []


def test_one_of_several_by_its_key(tmp_path: Path) -> None:
    text = HEAD + peer(B.public, "Endpoint = 127.0.0.1:1") + peer(C.public, "Endpoint = 127.0.0.1:2")
    path = write(tmp_path, text)
    with pytest.raises(CarrierError, match="name a peer by its public key"):
        open_peer(path)
    with open_peer(path, key=encode_key(C.public)) as carrier:
        assert carrier.name == "peer 127.0.0.1:2"


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_config_that_others_can_read_is_warned_of(tmp_path: Path, mode: int) -> None:
    warnings: list[str] = []
    path = write(tmp_path, HEAD, mode)
    load_config(path, warnings.append)
    assert warnings == [f"{path}: others can read the keys in it (chmod 600 takes that away)"]


def test_a_file_that_is_missing_a_folder_or_endless_is_said(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "no.conf", "No such file"),
        (tmp_path, "directory"),
        (Path("/dev/zero"), "it is no WireGuard config"),
    ):
        with pytest.raises(CarrierError, match=f"cannot read {path}: .*{said}"):
            load_config(str(path), lambda sentence: None)


def test_what_was_opened_before_a_failure_is_closed(tmp_path: Path) -> None:
    """A port that is taken: warnings are errors here, and an open file would warn."""
    path = write(tmp_path, HEAD + peer(B.public))
    files = {"keylog": str(tmp_path / "keys"), "capture": str(tmp_path / "x.pcapng")}

    def taken(port: int) -> object:
        raise CarrierError("listen on", f"UDP port {port}", "another program has it")

    with pytest.raises(CarrierError, match="cannot listen on UDP port 0"):
        open_peer(path, sockets=taken, **files)  # type: ignore[arg-type]


def test_a_name_that_does_not_resolve_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + peer(B.public, "Endpoint = nobody.invalid:7"))
    with pytest.raises(CarrierError, match=r"cannot find nobody\.invalid:7"):
        open_peer(path)


@pytest.mark.parametrize(
    ("text", "password"), [("secret", "secret"), (" a b \r\nmore\n", " a b "), ("é", "é")]
)
def test_a_password_is_the_first_line_of_its_file(tmp_path: Path, text: str, password: str) -> None:
    warnings: list[str] = []
    assert load_password(write(tmp_path, text), warnings.append) == password
    assert warnings == []
    load_password(write(tmp_path, text, 0o644), warnings.append)
    assert [each.partition(": ")[2] for each in warnings] == [
        "others can read the password in it (chmod 600 takes that away)"
    ]


@pytest.mark.parametrize("text", ["", "\n", "\r\nsecret"])
def test_an_empty_password_is_refused_without_showing_the_rest(tmp_path: Path, text: str) -> None:
    with pytest.raises(CarrierError, match="its first line is empty") as caught:
        load_password(write(tmp_path, text), lambda sentence: None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "family"), [("Endpoint = 127.0.0.1:7", 4), ("Endpoint = [::1]:7", 6), ("", 4)]
)
def test_a_relay_is_asked_for_an_address_of_the_peers_version_at_a_numeric_server(
    tmp_path: Path, endpoint: str, family: int
) -> None:
    sent: list[tuple[bytes, Endpoint]] = []

    class Sockets:
        def send(self, datagram: bytes, endpoint: Endpoint) -> None:
            sent.append((datagram, endpoint))

        def receive(self, timeout: float) -> None:
            return None

        def local(self, endpoint: Endpoint) -> Endpoint:
            return endpoint

        def close(self) -> None:
            pass

    path = write(tmp_path, HEAD + peer(B.public, "AllowedIPs = ::/0", endpoint))
    turn = TurnServer("someone", "localhost", 3478)
    with open_peer(path, turn=turn, password="secret", sockets=lambda port: Sockets()) as carrier:
        carrier.receive(0)
    (asked, server), *_ = sent
    assert server in (("127.0.0.1", 3478), ("::1", 3478))
    message = decode_message(asked)
    assert message is not None
    assert message.kind == ALLOCATE
    version = message.attributes.get(REQUESTED_ADDRESS_FAMILY)
    assert version == (None if family == 4 else bytes((FAMILIES[6], 0, 0, 0)))
    assert all(b"secret" not in datagram for datagram, _ in sent)


def test_a_relay_whose_name_does_not_resolve_is_said_with_its_option(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + peer(B.public, "AllowedIPs = ::/0", "Endpoint = 127.0.0.1:7"))
    with pytest.raises(CarrierError, match=r"cannot find nobody\.invalid:3478: .*check the host of --turn"):
        open_peer(path, turn=TurnServer("someone", "nobody.invalid", 3478), password="x")
