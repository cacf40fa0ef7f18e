"""Risk: pure rules that allow, shrink or name a denial. Must not send, store or ask for the time."""

from copydesk.risk.rules import open_denial
from copydesk.risk.switch_rules import Reach, Spot, Stops, SwitchBoard, SwitchesNow, ThrownSwitch

__all__ = ["Reach", "Spot", "Stops", "SwitchBoard", "SwitchesNow", "ThrownSwitch", "open_denial"]
