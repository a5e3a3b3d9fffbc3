"""From a file to a peer: what is wrong with the file, its mode, its names, its port."""

from __future__ import annotations

from pathlib import Path

import pytest

from fzctl.carriers.opening import load_config, open_peer
from fzctl.errors import CarrierError
from fzctl.wireguard.keys import encode_key
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
