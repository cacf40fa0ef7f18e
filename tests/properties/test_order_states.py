"""Laws of the order's life and of the ids that orders travel under."""

from __future__ import annotations

import re

from copydesk.replication.orders import copy_digest
from copydesk.trading import TERMINAL, OrderStatus, can_follow
from copydesk.venues import BINANCE, client_order_id
from hypothesis import given
from hypothesis import strategies as st

ids = st.integers(1, 2**62)
legs = st.sampled_from(["open", "close", "fix-1", "fix-2"])
copies = st.tuples(ids, ids, ids, legs)
# A brand's broker id has six to nine letters or digits.
prefixes = st.one_of(st.just("cd-"), st.from_regex(r"x-[A-Za-z0-9]{6,9}-", fullmatch=True))


@given(copies, prefixes)
def test_a_copy_always_gets_the_same_id_and_one_that_binance_takes(
    copy: tuple[int, int, int, str], prefix: str
) -> None:
    cid = client_order_id(prefix, copy_digest(*copy), BINANCE)
    assert cid == client_order_id(prefix, copy_digest(*copy), BINANCE)
    assert re.fullmatch(BINANCE.client_order_id_pattern, cid)
    assert len(cid) <= BINANCE.client_order_id_len_max
    assert cid.startswith(prefix)


@given(st.lists(copies, unique=True, min_size=2, max_size=40), prefixes)
def test_different_copies_have_different_ids(copies: list[tuple[int, int, int, str]], prefix: str) -> None:
    assert len({client_order_id(prefix, copy_digest(*copy), BINANCE) for copy in copies}) == len(copies)


@given(st.integers(1, 9999), st.integers(1, 9999), st.integers(1, 9999))
def test_digits_do_not_flow_from_one_part_of_an_id_to_the_next(tenant: int, subscription: int, signal: int) -> None:
    shifted = copy_digest(int(f"{tenant}{subscription}"), int(str(signal)), 1, "open")
    assert copy_digest(tenant, int(f"{subscription}{signal}"), 1, "open") != shifted


@given(st.lists(st.sampled_from(OrderStatus), max_size=12))
def test_no_order_comes_back_from_its_end_except_by_a_fill_that_overtook_a_cancel(walk: list[OrderStatus]) -> None:
    state = OrderStatus.PLANNED
    for following in walk:
        if not can_follow(state, following):
            continue
        if state in TERMINAL:
            assert state is OrderStatus.CANCELED
            assert following in {OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED}
        state = following
    assert state is not OrderStatus.DENIED
