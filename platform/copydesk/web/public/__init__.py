"""Pages that need no account: landing, strategies, the live desk, and the files and pictures of themes and brands."""

from copydesk.web.public import files, found, offers, pictures, security_txt, views
from copydesk.web.public.blueprint import public

__all__ = ["files", "found", "offers", "pictures", "public", "security_txt", "views"]
