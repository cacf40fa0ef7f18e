"""The pages of the trader's terminal."""

from copydesk.web.terminal import acting, changing, choosing, giving, market, pages
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.window import init_terminal

__all__ = ["acting", "changing", "choosing", "giving", "init_terminal", "market", "pages", "terminal"]
