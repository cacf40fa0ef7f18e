"""Notices as a mail tells them: one of them, or those of a digest, each in a line."""

from __future__ import annotations

from collections.abc import Mapping

from copydesk.notices.letters import notices_in
from copydesk.notifications import Waiting
from copydesk.web.mail_facts import one_line, unlinked
from copydesk.web.notice_words import say

FACT = "notices"


def told_facts(waiting: Waiting) -> dict[str, str]:
    """Return the fact that holds the notices as lines of text, empty where a mail tells of none."""
    found = [say(notice) for notice in notices_in(waiting.facts)] if FACT in waiting.facts else []
    lines = []
    for one in found:
        lines.append(unlinked(one.title))
        if one.body:
            lines.append(unlinked(one.body))
    return {FACT: "\n".join(lines)} if lines else {}


def only_one(facts: Mapping[str, str]) -> tuple[str, str] | None:
    """Return subject and path of a mail that tells a single notice, None where it tells several."""
    found = notices_in(facts)
    if len(found) != 1:
        return None
    words = say(found[0])
    return one_line(words.title), words.path
