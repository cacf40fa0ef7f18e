"""The risk desk: private pages of a brand's risk, for who runs it, and of one subscription, for its follower."""

from copydesk.web.risk import pages
from copydesk.web.risk.blueprint import risk

__all__ = ["pages", "risk"]
