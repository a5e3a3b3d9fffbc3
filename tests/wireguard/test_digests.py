"""What stands in for hashlib and hmac is theirs, and loads neither."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard import digests


def test_the_hash_is_that_of_the_standard_library() -> None:
    assert digests.blake2s is hashlib.blake2s


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_the_comparison_says_what_that_of_the_standard_library_says(one: bytes, other: bytes) -> None:
    assert digests.compare_digest(one, other) is hmac.compare_digest(one, other) is (one == other)
    assert digests.compare_digest(one, bytes(one))


def test_a_decryptor_loads_no_second_openssl() -> None:
    code = "import sys, fzctl.wireguard.decryptor; print('_hashlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
