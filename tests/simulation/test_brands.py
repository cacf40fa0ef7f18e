"""Trouble of one follower or one brand stays its own."""

from __future__ import annotations

from simulation_desk import Desk
from simulation_verdict import placed_by, verdict

RTT_MS = 120


def test_two_brands_with_the_same_pattern_never_touch_each_others_accounts(desk: Desk) -> None:
    """Leaders of both brands trade at the same moments, each its own pair, while their replicator is killed."""
    seq = desk.exchange.now()
    desk.exchange.rtt(RTT_MS)
    for cast in desk.casts.values():
        cast.buy()
    desk.await_orders(desk.north, seq, 5)
    desk.roles.kill("replicator")
    desk.exchange.rtt(0)
    desk.roles.start("replicator")
    for cast in desk.casts.values():
        desk.await_verdict(cast, seq)
    for cast in desk.casts.values():
        cast.sell_all()
    for cast in desk.casts.values():
        desk.await_verdict(cast, seq, orders=2)
    pairs = {
        cast.slug: {o["symbol"] for o in placed_by(desk.exchange.records(), cast.ratios, seq)}
        for cast in desk.casts.values()
    }
    assert pairs == {"north": {"BTCUSDT"}, "south": {"ETHUSDT"}}


def test_a_follower_whose_key_is_revoked_is_the_only_one_concerned_and_is_told_why(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.south.buy(0.5)
    desk.await_copied(desk.south, seq)
    victim, *others = desk.south.ratios
    desk.exchange.control.call("DELETE", "keys", {"apiKey": desk.south.keys[victim]})
    revoked = desk.exchange.now()
    desk.south.buy(0.5)
    desk.south.sell_all()

    desk.await_orders(desk.south, revoked, 2 * len(others))
    desk.await_calm()
    desk.await_reconcile()
    records = desk.exchange.records()
    rest = {account: desk.south.ratios[account] for account in others}
    found = verdict(records, leader=desk.south.leader, symbol="ETHUSDT", ratios=rest, after_seq=seq)
    assert found.clean and found.leader_orders == 3, f"{found}; {desk.where()}"
    assert not placed_by(records, [victim], revoked)
    assert "key_rejected" in desk.reasons(desk.south, victim)
    assert desk.account_status(desk.south, victim) == ("unusable", "key_rejected")
