"""What `copydesk status` says about risk: somebody watches what is held, and every stop got to its end."""

from __future__ import annotations

import pytest
from copydesk.cli.status import risk_finding
from copydesk.replication import RiskOversight
from copydesk.risk.status import WatchNow

LIVES = WatchNow(0.4, 100, holders=12, stops=2, doubts=1, behind=0)
GONE = WatchNow(75.2, 100, holders=12, stops=0, doubts=0, behind=40)


@pytest.mark.parametrize(
    ("found", "ok", "said"),
    [
        (RiskOversight(LIVES, True, ()), True, "watched, 2 stops on their way, 1 prices in doubt"),
        (RiskOversight(None, False, ()), True, "never watched, nothing is held"),
        (RiskOversight(None, True, ()), False, "never watched"),
        (RiskOversight(GONE, True, ()), False, "not watched for 75 s"),
        (RiskOversight(GONE, False, ()), True, "not watched for 75 s, nothing is held"),
    ],
)
def test_what_is_held_and_not_watched_is_wrong(found: RiskOversight, ok: bool, said: str) -> None:
    finding = risk_finding("aurora", found)
    assert (finding.name, finding.ok, finding.said) == ("aurora risk", ok, said)


def test_a_flagged_stop_is_wrong_whoever_watches() -> None:
    finding = risk_finding("aurora", RiskOversight(LIVES, True, (("subscription", 17),)))
    assert not finding.ok
    assert finding.said.endswith("1 stops flagged (`copydesk risk status` names them)")
