"""What each exchange account holds in its wallets, and moving money between them. Owns these pages."""

from copydesk.web.wallets import pages
from copydesk.web.wallets.blueprint import wallets

__all__ = ["pages", "wallets"]
