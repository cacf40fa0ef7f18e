"""The pages on which somebody begins to copy a strategy: amount and risk, review, start."""

from copydesk.web.copying import start
from copydesk.web.copying.blueprint import copying

__all__ = ["copying", "start"]
