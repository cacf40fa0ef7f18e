"""A letter as the sites write one, for tests of those who carry it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from copydesk.notifications import Letter

LETTER = Letter(
    id=17,
    to="mara@reader.example",
    sender_name="Aurora",
    sender="hello@aurora.example",
    subject="Confirm your e-mail address at Aurora",
    text="Bestätigen Sie: https://aurora.example/account/verify/abc\n",
    html='<p>Bestätigen Sie: <a href="https://aurora.example/account/verify/abc">hier</a></p>',
    lang="de",
    at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
)


def letter(**changes: Any) -> Letter:
    return replace(LETTER, **changes)
