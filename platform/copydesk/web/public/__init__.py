"""Pages that need no account: landing, strategies, their ranking, the live desk, files and pictures of brands."""

from copydesk.web.public import (
    announcements,
    compare,
    files,
    found,
    methodology,
    offers,
    pictures,
    security_txt,
    strategies,
    views,
)
from copydesk.web.public.blueprint import public

__all__ = [
    "announcements",
    "compare",
    "files",
    "found",
    "methodology",
    "offers",
    "pictures",
    "public",
    "security_txt",
    "strategies",
    "views",
]
