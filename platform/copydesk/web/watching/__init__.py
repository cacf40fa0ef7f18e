"""Watching a strategy without money: the button on its page, one's own list, and what its trader announced."""

from copydesk.web.watching import acts, pages
from copydesk.web.watching.blueprint import watching

__all__ = ["acts", "pages", "watching"]
