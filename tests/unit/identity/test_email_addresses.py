"""How addresses are typed, and the one way in which they are kept."""

from __future__ import annotations

import pytest
from copydesk.identity.addresses import plain_email
from copydesk.kernel import InvalidInput
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("typed", "kept"),
    (
        ("ada@post.example", "ada@post.example"),
        ("  Ada.Moor+Desk@Post.Example ", "ada.moor+desk@post.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("o'neil@post.co.example", "o'neil@post.co.example"),
    ),
)
def test_an_address_is_kept_in_one_way(typed: str, kept: str) -> None:
    assert plain_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    (
        *(
            "",
            "ada",
            "@post.example",
            "ada@",
            "ada@post",
            "ada@@post.example",
            "a da@post.example",
            "ada@post..example",
        ),
        *(
            "ada@-post.example",
            "ada..m@post.example",
            ".ada@post.example",
            "ada.@post.example",
            "ada@post.example\nBcc:x",
        ),
        *("ada@post.example, b@post.example", "<ada@post.example>", "ada@127.0.0.1", "ädä@post.example"),
        *(f"{'a' * 65}@post.example", f"a@{'b' * 250}.example", "ada@post.example\0", "ada\u202e@post.example"),
    ),
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"name@example\.com"):
        plain_email(typed)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_one_plain_address_or_refused(typed: str) -> None:
    try:
        kept = plain_email(typed)
    except InvalidInput:
        return
    assert plain_email(kept) == kept
    assert kept.isascii() and kept.isprintable() and kept == kept.lower() and " " not in kept
