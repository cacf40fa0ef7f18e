"""Legal texts of a brand: pages that anybody reads, and agreeing to them. Owns how Markdown becomes a page."""

from copydesk.web.legal import agreeing, reading
from copydesk.web.legal.blueprint import legal

__all__ = ["agreeing", "legal", "reading"]
