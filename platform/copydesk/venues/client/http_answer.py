"""An HTTP/1.1 success that came whole and in the usual form, read without a parser's call for each header. Pure.

Nearly every order is answered so; whatever has any other form is left to the parser (`http_wire`).
"""

from __future__ import annotations

_OK = b"HTTP/1.1 200 "
_LENGTH = b"\r\ncontent-length:"
_CONNECTION = b"\r\nconnection"
_KEPT = b"\r\nconnection: keep-alive\r\n"


def whole_success(data: bytes) -> tuple[bytes, bytes] | None:
    """Return head and body of data that is exactly one answer 200 of a told length on a connection that stays.

    None for anything else.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or not head.startswith(_OK):
        return None
    lowered = head.lower()
    _, told, after = lowered.partition(_LENGTH)
    if not told or after.partition(b"\r\n")[0].strip() != b"%d" % len(body):
        return None
    if _LENGTH in after or b"\r\ntransfer-encoding" in lowered:
        return None
    if _CONNECTION in lowered and lowered.count(_CONNECTION) != (lowered + b"\r\n").count(_KEPT):
        return None
    return head, body
