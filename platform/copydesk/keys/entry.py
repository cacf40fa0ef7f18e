"""What somebody enters to connect a key, judged field by field. Pure; says what is wrong by name, never the texts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from copydesk.keys.model import WITH_PASSPHRASE, Handed
from copydesk.trading import KeyKind

LABEL_MAX = 40
KEY_MIN, KEY_MAX = 8, 256
PASSPHRASE_MAX = 64


class Problem(StrEnum):
    """What is wrong with one field."""

    MISSING = "missing"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_PLAIN = "not_plain"  # Characters that no exchange puts into a key.
    SAME_AS_KEY = "same_as_key"
    PRIVATE_KEY = "private_key"  # A whole private key was pasted where its name belongs.


class Entry(NamedTuple):
    """A form as it was understood: the label, the key, and what is wrong by the field's name."""

    label: str
    handed: Handed
    problems: Mapping[str, Problem]


def read_entry(form: Mapping[str, str], venue: str, kind: KeyKind, *, label: str | None = None) -> Entry:
    """Read the form of a key; a pair of ours has no secret to enter. `label` is given where it is not asked for."""
    named = " ".join(form.get("label", "").split()) if label is None else label
    texts = {name: form.get(name, "").strip() for name in ("api_key", "secret")}
    passphrase = form.get("passphrase", "")
    found = {"label": _label(named), "api_key": _key(texts["api_key"])}
    if kind is KeyKind.HMAC:
        found["secret"] = _key(texts["secret"])
        if found["secret"] is None and texts["secret"] == texts["api_key"]:
            found["secret"] = Problem.SAME_AS_KEY
    if venue in WITH_PASSPHRASE:
        found["passphrase"] = _passphrase(passphrase)
    handed = Handed(texts["api_key"], texts["secret"] if kind is KeyKind.HMAC else "", passphrase)
    return Entry(named, handed, {name: problem for name, problem in found.items() if problem is not None})


def _label(text: str) -> Problem | None:
    if not text:
        return Problem.MISSING
    if len(text) > LABEL_MAX:
        return Problem.TOO_LONG
    return None if text.isprintable() else Problem.NOT_PLAIN


def _key(text: str) -> Problem | None:
    if not text:
        return Problem.MISSING
    if "-----BEGIN" in text:
        return Problem.PRIVATE_KEY
    if len(text) < KEY_MIN:
        return Problem.TOO_SHORT
    if len(text) > KEY_MAX:
        return Problem.TOO_LONG
    return None if text.isascii() and text.isprintable() and " " not in text else Problem.NOT_PLAIN


def _passphrase(text: str) -> Problem | None:
    if not text:
        return Problem.MISSING
    if len(text) > PASSPHRASE_MAX:
        return Problem.TOO_LONG
    return None if text.isascii() and text.isprintable() else Problem.NOT_PLAIN
