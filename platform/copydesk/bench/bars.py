"""What measurements must reach, as data, and what became of it. Pure.

The bars hold on two cores with a round trip of 20 ms, the lab in light mode, without TLS, on one exchange's spot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

SIZES = (100, 1_000, 10_000)
ANY_SIZE = 0


class Bar(NamedTuple):
    """A figure must be `at_most` (or `at_least`) so much, measured with so many followers or any number of them."""

    figure: str
    followers: int = ANY_SIZE
    at_most: float | None = None
    at_least: float | None = None

    def met_by(self, value: float) -> bool:
        """Tell whether a value is good enough; the bar itself is."""
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    @property
    def words(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"


class Verdict(NamedTuple):
    """A figure beside its bar."""

    figure: str
    value: float
    bar: str
    met: bool


BARS = (
    Bar("last_ack_p50_ms", 100, at_most=35),
    Bar("last_ack_p99_ms", 100, at_most=50),
    Bar("stored_to_copies_p50_ms", 100, at_most=4),
    Bar("send_spread_p50_ms", 100, at_most=3),
    Bar("last_ack_p50_ms", 1_000, at_most=80),
    Bar("last_ack_p99_ms", 1_000, at_most=120),
    Bar("stored_to_copies_p50_ms", 1_000, at_most=15),
    Bar("send_spread_p50_ms", 1_000, at_most=25),
    Bar("last_ack_p50_ms", 10_000, at_most=500),
    Bar("last_ack_p99_ms", 10_000, at_most=700),
    Bar("stored_to_copies_p50_ms", 10_000, at_most=120),
    Bar("send_spread_p50_ms", 10_000, at_most=250),
    Bar("cpu_us_per_copy", 1_000, at_most=50),
    Bar("cpu_us_per_copy", 10_000, at_most=50),
    Bar("rss_mb", 10_000, at_most=600),
    Bar("throughput_ratio", at_least=0.45),
    Bar("duplicates", at_most=0),
    Bar("missing", at_most=0),
)

# With a million positions of 100,000 accounts, on one core.
RISK_BARS = (
    Bar("sweep_p99_ms", at_most=25),
    Bar("tick_p99_ms", at_most=1),
    Bar("breach_to_order_ms", at_most=250),
    Bar("peak_mb", at_most=1024),
)

# Of every scenario of `bench gap`, with the lab matching each order in a book.
GAP_BARS = (
    Bar("price_to_ack_ms", 500, at_most=2000),
    Bar("missing", at_most=0),
    Bar("duplicates", at_most=0),
    Bar("over_closed", at_most=0),
)

# Of `bench keys`; revoking is barred for 10,000 keys and holds for fewer.
KEY_BARS = (
    Bar("open_p50_us", at_most=5),
    Bar("open_p99_us", at_most=5),
    Bar("revoke_all_s", at_most=60),
)

TENANT_BARS = (
    Bar("startup_s", at_most=10),
    Bar("idle_tenant_mb", at_most=1),
    Bar("find_more_ms", at_most=0.2),
    Bar("page_p95_ratio", at_most=1.1),
)

# With 1,000,000 trades of 1,000 strategies and 5,000 on the board, PostgreSQL on the same core.
ANALYTICS_BARS = (
    Bar("fold_p99_ms", at_most=50),
    Bar("rebuild_s", at_most=60),
    Bar("rebuild_peak_mb", at_most=1024),
    Bar("board_p95_ms", at_most=20),
    Bar("follow_p95_ms", at_most=5),
)

# With 20 followers who each have a page open, a browser that takes push and mail of every copy; and with 5,000 pages on
# one live process.
PUSH_BARS = (
    Bar("execution_to_page_p95_ms", at_most=500),
    Bar("execution_to_push_p95_ms", at_most=2_000),
    Bar("execution_to_mail_p95_ms", at_most=2_000),
    Bar("news_to_clients_p99_ms", at_most=250),
    Bar("live_rss_mb", at_most=150),
)

# Of the slowest page, with 1,000 subscriptions and 100,000 receipts in the account.
PAGES_BARS = (Bar("page_p95_ms", at_most=60),)

# At 40 sign-ins a second on two cores, at OWASP's parameters. `page_flood_more_ms` is the 95th percentile of pages that
# need no account, during the flood, less that without it.
SIGN_IN_BARS = (
    Bar("signin_p95_ms", at_most=400),
    Bar("served_ratio", at_least=0.98),
    Bar("page_flood_more_ms", at_most=50),
    Bar("pages_failed", at_most=0),
    Bar("unanswered", at_most=0),
)


def verdicts(figures: Mapping[str, Any], bars: Sequence[Bar] = BARS) -> list[Verdict]:
    """Hold figures against the bars for their number of followers; a figure without a bar is left out."""
    concerned = [bar for bar in bars if bar.figure in figures and bar.followers in (ANY_SIZE, figures.get("followers"))]
    return [Verdict(bar.figure, figures[bar.figure], bar.words, bar.met_by(figures[bar.figure])) for bar in concerned]
