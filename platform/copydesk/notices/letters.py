"""Notices in a mail: how they travel through the outbox, and are read again by whoever writes the letter. Pure.

A mail of kind "notice" holds one notice, or those of a digest or of a quiet night, the latest first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from copydesk.notices.model import Notice, NoticeKind
from copydesk.notifications.model import LINK

# More are not told one by one: the mail says how many more there are (fact `more`), and links to the centre.
TOLD_MAX = 40
PAGE = "/notices"


def letter_facts(notices: Sequence[Notice]) -> dict[str, str]:
    """Return the facts of a mail that tells these notices; `count` is how many there are in all."""
    latest = sorted(notices, key=lambda notice: notice.id, reverse=True)
    told = [
        {"id": one.id, "kind": one.kind, "user_id": one.user_id, "at": one.at.isoformat(), "facts": dict(one.facts)}
        for one in latest[:TOLD_MAX]
    ]
    facts = {LINK: PAGE, "notices": json.dumps(told), "count": str(len(latest))}
    return facts | ({"more": str(len(latest) - TOLD_MAX)} if len(latest) > TOLD_MAX else {})


def notices_in(facts: Mapping[str, str]) -> list[Notice]:
    """Return the notices that a mail of kind "notice" tells one by one."""
    return [
        Notice(one["id"], NoticeKind(one["kind"]), one["user_id"], datetime.fromisoformat(one["at"]), one["facts"])
        for one in json.loads(facts.get("notices", "[]"))
    ]
