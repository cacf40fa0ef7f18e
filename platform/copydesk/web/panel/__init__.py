"""The config panel of a brand's own admins: sections of declared settings, their history, and what waits.

Every change becomes a revision through the settings desk; nothing here writes a setting by itself.
"""

from copydesk.web.panel import brand, history, legal, letter_pages, mail_server, pages, preview, provider_keys
from copydesk.web.panel.blueprint import panel

__all__ = ["brand", "history", "legal", "letter_pages", "mail_server", "pages", "panel", "preview", "provider_keys"]
