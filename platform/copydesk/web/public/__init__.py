"""Pages that need no account: landing, strategies, the live desk, and the files of themes and brands."""

from copydesk.web.public import files, security_txt, views
from copydesk.web.public.blueprint import public

__all__ = ["files", "public", "security_txt", "views"]
