"""A follower's own pages: everything that they copy, one subscription, each signal with its receipt, and stopping."""

from copydesk.web.home import activity, allocation, everything, front, limits, one, turns
from copydesk.web.home.blueprint import home

__all__ = ["activity", "allocation", "everything", "front", "home", "limits", "one", "turns"]
