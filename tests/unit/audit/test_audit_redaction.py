"""What the record keeps of values, and what it blots out whatever the caller gave it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from copydesk.audit import REDACTED, SYSTEM, Act, Actor, ActorKind, redacted
from copydesk.audit.model import TEXT_MAX, canonical, chained, entry_of, fields_of, genesis

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Color(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "passwd",
        "passphrase",
        "secret",
        "apiSecret",
        "api_key",
        "apikey",
        "session_token",
        "TOKEN",
        "totp",
        "otp",
        "recovery_codes",
        "code",
        "private_key",
        "seed",
        "cookie",
        "signature",
        "sealed",
        "X-Authorization",
    ],
)
def test_a_value_with_a_secret_name_is_blotted_out(name: str) -> None:
    assert redacted({name: "canary"}) == {name: REDACTED}
    assert redacted({"inner": {name: ["canary"]}}) == {"inner": {name: REDACTED}}


@pytest.mark.parametrize(
    "name", ["email", "public_key", "key_id", "key_kind", "venue_code", "reason", "scope", "notional_max", "opinion"]
)
def test_a_value_with_a_plain_name_is_kept(name: str) -> None:
    assert redacted({name: "kept"}) == {name: "kept"}


def test_whether_a_secret_was_there_is_still_told() -> None:
    assert redacted({"password": None, "totp": True}) == {"password": None, "totp": True}


@pytest.mark.parametrize("text", ["-----BEGIN PRIVATE KEY-----\nMC4CAQ", "otpauth://totp/Aurora:a?secret=ABC"])
def test_a_secret_under_a_plain_name_is_known_by_how_it_looks(text: str) -> None:
    assert redacted({"note": text, "notes": [text]}) == {"note": REDACTED, "notes": [REDACTED]}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("1.50"), "1.50"),
        (0.5, "0.5"),
        (datetime(2026, 5, 4, 14, tzinfo=timezone(timedelta(hours=2))), "2026-05-04T12:00:00.000000+00:00"),
        (Color.RED, "red"),
        (frozenset({"b", "a"}), ["a", "b"]),
        (("a", 1, None, True), ["a", 1, None, True]),
        ({"n": {"m": 2}}, {"n": {"m": 2}}),
        ("a\0b\ud800", "a\ufffdb?"),
    ],
    ids=["decimal", "float", "moment", "enum", "set", "tuple", "map", "text"],
)
def test_values_become_what_json_and_the_database_give_back_unchanged(value: Any, kept: Any) -> None:
    assert redacted({"value": value}) == {"value": kept}


def test_a_text_without_end_is_shortened() -> None:
    shortened = redacted({"note": "a" * 100_000})
    assert shortened is not None
    assert len(shortened["note"]) == TEXT_MAX


def test_an_entry_hashes_the_documented_bytes() -> None:
    actor = Actor(ActorKind.USER, 17, 4, "2001:db8::1")
    act = Act("limit.changed", "subscription:9", {"zulu": 1}, {"max": "ä"})
    entry = entry_of(2, 1, actor, act, at=AT, prev=genesis(2))
    assert canonical(fields_of(entry)).decode() == (
        '{"act":"limit.changed","actor":{"ip":"2001:db8::1","kind":"user","session_id":4,"user_id":17},'
        '"after":{"max":"ä"},"at":"2026-05-04T12:00:00.000000+00:00","before":{"zulu":1},"seq":1,'
        '"subject":"subscription:9","tenant_id":2}'
    )
    assert entry.hash == chained(fields_of(entry), entry.prev)
    # Computed with sha256sum: a change of the form would break every export in the world.
    assert genesis(2) == "d4181727ab6866a41e9c4e181a17a7ab3051c008511e2a9dbdf339746ffc4443"


@pytest.mark.parametrize("name", ["", "changed", "Limit.changed", "limit changed", "limit.", "a.b\n"])
def test_an_act_that_is_not_named_noun_verb_is_our_bug(name: str) -> None:
    with pytest.raises(AssertionError, match="noun"):
        entry_of(2, 1, SYSTEM, Act(name, "user:1"), at=AT, prev=genesis(2))
