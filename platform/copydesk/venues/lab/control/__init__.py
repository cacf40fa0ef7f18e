"""The lab's own API under /lab/v1, on a port of its own: accounts, keys, money, faults, time, prices and the journal.

Every call carries the lab's token in `X-Lab-Token`; bodies and answers are JSON, money as text. It steers the world
and never speaks as an exchange does.
"""

from copydesk.venues.lab.control.body import Lab
from copydesk.venues.lab.control.calls import CALLS, PREFIX, Control, has_token
from copydesk.venues.lab.control.market import RTT_MS_MAX, SPEED_MAX

__all__ = ["CALLS", "PREFIX", "RTT_MS_MAX", "SPEED_MAX", "Control", "Lab", "has_token"]
