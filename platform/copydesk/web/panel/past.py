"""What the history tells about single settings: what changed since a form was made."""

from __future__ import annotations

from collections.abc import Mapping

from copydesk.tenancy.revisions import Revision, RevisionState
from copydesk.web.asking import transaction
from copydesk.web.panel.desk import settings_desk

_LOOKED_AT = 200


def changed_since(number: int) -> Mapping[str, Revision]:
    """Return the settings that were changed after a revision, each with the newest one that did."""
    found: dict[str, Revision] = {}
    for revision in _held():
        if revision.id > number:
            for key in revision.changes:
                found.setdefault(key, revision)
    return found


def _held() -> list[Revision]:
    """Return the revisions that held at some time, the newest first."""
    with transaction() as session:
        return [
            one for one in settings_desk().history(session, limit=_LOOKED_AT) if one.state is RevisionState.PUBLISHED
        ]
