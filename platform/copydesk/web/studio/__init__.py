"""The trader's studio: own strategies, the application, reports, announcements, invitations. And what those open."""

from copydesk.web.studio import announcements, applying, conduct, invitations, invited, one, own, signals
from copydesk.web.studio.blueprint import invitation, studio

__all__ = [
    "announcements",
    "applying",
    "conduct",
    "invitation",
    "invitations",
    "invited",
    "one",
    "own",
    "signals",
    "studio",
]
