"""What a field may hold, and the words for it.

The table of fields itself is not here: whoever compiles a filter hands it in.
"""

from __future__ import annotations

from enum import Enum


class FieldType(Enum):
    """The type of a field, and the Python values that a packet gives for it.

    ======== =====================================================================
    UINT     ``int`` from 0 to 2**64 - 1
    FRAMENUM ``int``, the number of a frame
    BYTES    ``bytes``
    STRING   ``str``
    GUID     ``str``, lower-case and hyphenated
    IPV4     ``str`` in dotted decimals
    IPV6     ``str``, any form that ``inet_pton`` takes
    BOOLEAN  ``bool``
    TIME     seconds as ``float``, ``int`` or ``Decimal``; compared to the nanosecond
    ======== =====================================================================

    A member's value is what a message says that the field holds.
    """

    UINT = "a whole number"
    BYTES = "bytes"
    GUID = "a UUID"
    STRING = "text"
    IPV4 = "an IPv4 address"
    IPV6 = "an IPv6 address"
    BOOLEAN = "true or false"
    TIME = "a time in seconds"
    FRAMENUM = "a frame number"


NUMBERS = frozenset({FieldType.UINT, FieldType.FRAMENUM})
SEARCHABLE = frozenset({FieldType.STRING, FieldType.BYTES})
ADDRESSES = frozenset({FieldType.IPV4, FieldType.IPV6})
