"""What a brand's people agree to: texts in versions, who accepted which, and whom a change has to ask again.

Must not render texts: they are kept as their authors wrote them, and pages say how they look.
"""

from copydesk.identity.legal.accepting import (
    Acceptance,
    Via,
    accept,
    accepted_counts,
    note_acceptance,
    require_current,
    to_accept,
)
from copydesk.identity.legal.model import (
    ASKED,
    BODY_CHARS_MAX,
    Draft,
    LegalKind,
    LegalText,
    LegalVersion,
    text_for,
)
from copydesk.identity.legal.versions import current_versions, legal_texts, publish, version_of, versions_of

__all__ = [
    "ASKED",
    "BODY_CHARS_MAX",
    "Acceptance",
    "Draft",
    "LegalKind",
    "LegalText",
    "LegalVersion",
    "Via",
    "accept",
    "accepted_counts",
    "current_versions",
    "legal_texts",
    "note_acceptance",
    "publish",
    "require_current",
    "text_for",
    "to_accept",
    "version_of",
    "versions_of",
]
