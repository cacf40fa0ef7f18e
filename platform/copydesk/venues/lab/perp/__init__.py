"""Linear perpetual futures of the lab: positions, margin, funding and liquidation around the shared order books.

Pure: time and prices come in, events go out. Owns no clock, no I/O and no chance, and knows no dialect.
"""

from copydesk.venues.lab.perp.engine import PerpEngine
from copydesk.venues.lab.perp.model import Change, MarginView, PerpRules, SymbolSettings
from copydesk.venues.lab.perp.recovery import recover_perp

__all__ = ["Change", "MarginView", "PerpEngine", "PerpRules", "SymbolSettings", "recover_perp"]
