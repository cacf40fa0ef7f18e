"""Risk: pure rules that allow, shrink or name a denial. Must not send, store or ask for the time."""

from copydesk.risk.rules import open_denial

__all__ = ["open_denial"]
