"""The operator's console: brands, health, promises and usage of the whole installation, on hosts of its own. Read-only.

It is an application apart: nothing of it is reachable on a brand's host, and it looks like no brand.
"""

from copydesk.web.console.app import create_console
from copydesk.web.console.gate import ConsoleGate

__all__ = ["ConsoleGate", "create_console"]
