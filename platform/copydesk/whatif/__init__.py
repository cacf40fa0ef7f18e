"""What copying a strategy would have come to: its past, replayed through one follower's own terms.

Owns the replay and its result. Pure: it reads nothing and asks nobody for the time; what is stored of a past comes from
`performance.whatif_past`. Sizes and refusals are those of the planner that copies for real
(platform/docs/algorithms/what-if.md).
"""

from copydesk.whatif.course import Course
from copydesk.whatif.model import AMOUNT_MAX, TAKER_FEES, CopyTerms, Fees, MarkLine, Past, fees_at
from copydesk.whatif.prices import grid_step_s
from copydesk.whatif.replay import follow, replay
from copydesk.whatif.result import AmountShare, Copied, LimitAct, Point, Result, Skipped, WorstDay
from copydesk.whatif.telling import plain

__all__ = [
    "AMOUNT_MAX",
    "TAKER_FEES",
    "AmountShare",
    "Copied",
    "CopyTerms",
    "Course",
    "Fees",
    "LimitAct",
    "MarkLine",
    "Past",
    "Point",
    "Result",
    "Skipped",
    "WorstDay",
    "fees_at",
    "follow",
    "grid_step_s",
    "plain",
    "replay",
]
