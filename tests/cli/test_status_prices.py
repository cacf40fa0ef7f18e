"""`copydesk status` on price feeds: how old the newest price of each exchange is."""

from __future__ import annotations

import pytest
from copydesk.cli.status import Finding, feed_finding
from copydesk.marks import FeedAge

LATE = " of the last 15 s"


@pytest.mark.parametrize(
    ("age", "ok", "said"),
    [
        (None, True, "none yet"),
        (FeedAge(newest_ms=240, instruments=6, stale=0), True, "newest 0.2 s old"),
        (
            FeedAge(newest_ms=15_000, instruments=6, stale=2),
            True,
            "newest 15.0 s old, 2 of 6 without one" + LATE,
        ),
        (
            FeedAge(newest_ms=15_001, instruments=3, stale=3),
            False,
            "newest 15.0 s old, 3 of 3 without one" + LATE,
        ),
    ],
)
def test_a_feed_is_as_good_as_its_newest_price(age: FeedAge | None, ok: bool, said: str) -> None:
    assert feed_finding("okx-lab", age) == Finding("prices okx-lab", ok, said)
