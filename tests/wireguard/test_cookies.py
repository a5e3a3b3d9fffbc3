"""MACs and cookies: published vectors of XChaCha20-Poly1305, and every way to fail."""

from __future__ import annotations

from fzctl.wireguard.cookies import (
    cookie_for,
    hchacha20,
    is_for,
    is_signed_with,
    read_cookie_reply,
    sign,
    write_cookie_reply,
    xchacha_open,
    xchacha_seal,
)
from fzctl.wireguard.messages import CookieReply, Initiation, parse
from tests.wireguard.lab import A, B, shake_hands

COOKIE = cookie_for(b"secret of two minutes, 32 bytes!", bytes.fromhex("c0000201 ca6c"))
NONCE = bytes(range(24))


def test_hchacha20_is_that_of_the_draft() -> None:
    """draft-irtf-cfrg-xchacha-03 section 2.2.1."""
    key = hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927"))
    assert key.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


def test_xchacha20_poly1305_is_that_of_the_draft() -> None:
    """draft-irtf-cfrg-xchacha-03 appendix A.3.1."""
    plain = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    key, nonce = bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58))
    bound = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    sealed = bytes.fromhex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    )
    assert xchacha_seal(key, nonce, plain, bound) == sealed
    assert xchacha_open(key, nonce, sealed, bound) == plain


def test_mac1_names_the_one_that_a_message_is_for() -> None:
    lab = shake_hands(A, B)
    assert is_for(B.public, lab.initiation)
    assert not is_for(A.public, lab.initiation)
    assert is_for(A.public, lab.response)
    assert not is_for(B.public, lab.response)


def test_mac2_is_zero_without_a_cookie_and_proves_one() -> None:
    lab = shake_hands(A, B)
    assert lab.initiation[-16:] == bytes(16)
    signed = sign(B.public, lab.initiation, COOKIE)
    assert signed[:-16] == lab.initiation[:-16]
    assert is_signed_with(COOKIE, signed)
    assert not is_signed_with(COOKIE, lab.initiation)
    assert not is_signed_with(cookie_for(b"s" * 32, b"another address"), signed)


def test_a_cookie_reply_gives_the_cookie_to_whom_it_answers() -> None:
    message = parse(shake_hands(A, B).initiation)
    assert isinstance(message, Initiation)
    reply = parse(write_cookie_reply(B.public, message.sender, message.mac1, COOKIE, NONCE))
    assert isinstance(reply, CookieReply)
    assert reply.receiver == message.sender
    assert read_cookie_reply(B.public, reply, message.mac1) == COOKIE
    assert read_cookie_reply(A.public, reply, message.mac1) is None
    assert read_cookie_reply(B.public, reply, bytes(16)) is None
    damaged = reply._replace(cookie=reply.cookie[:-1] + bytes((reply.cookie[-1] ^ 1,)))
    assert read_cookie_reply(B.public, damaged, message.mac1) is None
