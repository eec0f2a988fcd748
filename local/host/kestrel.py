"""What Kestrel, the server of the real host, takes in a request and h11 does not.

Vertical tab and form feed pass in a header's value. The real host then invokes the function, and
it is the worker's server that refuses the request: nothing here may be a guard in front of that.
"""

from __future__ import annotations

import re

from h11 import _abnf, _headers, _readers

__all__ = ["take_what_kestrel_takes"]

_VALUE_CHARACTER = r"[^\x00\t\n\r ]"


def take_what_kestrel_takes() -> None:
    """Widen h11's rules in this process, which the worker does not share."""
    _readers.header_field_re = _widened(_abnf.header_field)
    _headers._field_value_re = _widened(_abnf.field_value)


def _widened(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.replace(_abnf.field_vchar, _VALUE_CHARACTER).encode("ascii"))
