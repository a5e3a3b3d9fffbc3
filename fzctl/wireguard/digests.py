"""BLAKE2s and the comparison in constant time, without a second OpenSSL.

``hashlib`` and ``hmac`` load the interpreter's own OpenSSL, 3.5 MB that nothing here needs, beside
the one in ``cryptography``. What they hand on under these names stands in two small modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import blake2s
    from hmac import compare_digest
else:
    try:
        from _blake2 import blake2s
        from _operator import _compare_digest as compare_digest
    except ImportError:  # another Python than CPython
        from hashlib import blake2s
        from hmac import compare_digest

__all__ = ["blake2s", "compare_digest"]
