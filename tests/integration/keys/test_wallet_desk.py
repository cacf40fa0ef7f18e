"""What the wallet desk does on each exchange: looks, moves money within one account, and sends nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import InvalidInput, OutcomeUnknown, Refused
from copydesk.venues import EXCHANGES, TRAITS, Venue, Wallet
from copydesk.wallets import Ask, AskState, Transfer, ask_look, ask_transfer, asks_of, balances_of, newest_transfer
from copydesk.wallets.store import OPEN_MAX, TAKEN_FOR, take_asks
from key_people import HandClock, KeySite
from lab_desk import DeskRuntime, LabHand, wallets_at_hand

D = Decimal
Look = Callable[[], None]


@pytest.fixture(scope="module")
def wallets(runtime: DeskRuntime, clock: HandClock) -> Iterator[Callable[..., None]]:
    with wallets_at_hand(runtime, clock) as look:
        yield look


def connected(site: KeySite, lab: LabHand, desk: Look, venue: str) -> int:
    """Connect an account with 1,000 USDT and return its number."""
    owner = site.person()
    site.hand_in(owner, venue, lab.key(lab.account(venue)))
    desk()
    (health,) = site.health(owner)
    return health.account_id


def held(site: KeySite, account_id: int) -> dict[tuple[Wallet, str], Decimal]:
    with site.db.tenant(site.tenant_id) as session:
        return {(one.wallet, one.currency): one.free for one in balances_of(session, [account_id]).get(account_id, [])}


def newest(site: KeySite, account_id: int) -> Ask:
    with site.db.tenant(site.tenant_id) as session:
        return asks_of(session, [account_id])[0]


def look_wanted(site: KeySite, account_id: int) -> None:
    with site.db.tenant(site.tenant_id) as session:
        ask_look(session, account_id, at=site.clock.now())


def wanted(site: KeySite, account_id: int, venue: str, transfer: Transfer, *, after: int | None = None) -> int:
    """Ask for a transfer, on a form that knew of every one before unless told otherwise."""
    told = {"actor": site.actor(1), "at": site.clock.now()}
    with site.db.tenant(site.tenant_id) as session:
        known = newest_transfer(session, account_id)[0] if after is None else after
        return ask_transfer(session, account_id, transfer, TRAITS[venue].wallets, after=known, **told)


@pytest.mark.parametrize("venue", EXCHANGES)
def test_owners_see_each_wallet_of_their_account(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None], venue: str
) -> None:
    account_id = connected(site, lab, desk, venue)
    look_wanted(site, account_id)
    look_wanted(site, account_id)
    wallets()
    with site.db.tenant(site.tenant_id) as session:
        assert [ask.state for ask in asks_of(session, [account_id])] == [AskState.DONE]
    assert sum(free for (_, currency), free in held(site, account_id).items() if currency == "USDT") >= 1000


def test_money_moves_between_the_wallets_of_one_account(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None]
) -> None:
    account_id = connected(site, lab, desk, "okx")
    wanted(site, account_id, "okx", Transfer("USDT", D("100.5"), Wallet.SPOT, Wallet.FUNDING))
    wallets()
    assert newest(site, account_id).state is AskState.DONE
    assert held(site, account_id) == {(Wallet.SPOT, "USDT"): D("899.5"), (Wallet.FUNDING, "USDT"): D("100.5")}
    (entry,) = [entry for entry in site.record(f"account:{account_id}") if entry.act == "wallet.transfer"]
    assert entry.after == {"currency": "USDT", "amount": "100.5", "source": "spot", "target": "funding"}


def test_what_the_key_may_not_do_is_refused_in_the_exchanges_words(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None]
) -> None:
    account_id = connected(site, lab, desk, "bitget")
    wanted(site, account_id, "bitget", Transfer("USDT", D(100), Wallet.SPOT, Wallet.FUTURES))
    wallets()
    ask = newest(site, account_id)
    assert (ask.state, "permissions" in ask.reason) == (AskState.REFUSED, True)
    assert held(site, account_id)[Wallet.SPOT, "USDT"] == 1000


def test_a_transfer_whose_outcome_is_unknown_is_never_sent_again(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None]
) -> None:
    account_id = connected(site, lab, desk, "okx")
    sent = []

    class Lost:
        """An exchange whose answer to a transfer is lost on the way."""

        def __init__(self, venue: Venue) -> None:
            self._venue = venue

        def __getattr__(self, name: str) -> Any:
            return getattr(self._venue, name)

        async def transfer(self, *terms: Any) -> None:
            await self._venue.transfer(*terms)
            sent.append(terms)
            raise OutcomeUnknown("the line broke off")

    wanted(site, account_id, "okx", Transfer("USDT", D(100), Wallet.SPOT, Wallet.FUNDING))
    wallets(Lost)
    site.clock.wait(hours=1)
    wallets(Lost)
    assert (newest(site, account_id).state, len(sent)) == (AskState.UNKNOWN, 1)
    # Its owner sees where the money is.
    assert held(site, account_id)[Wallet.FUNDING, "USDT"] == 100


def test_what_a_desk_took_up_that_died_is_told_as_unknown_and_a_look_is_made_again(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None]
) -> None:
    account_id = connected(site, lab, desk, "okx")
    wanted(site, account_id, "okx", Transfer("USDT", D(100), Wallet.SPOT, Wallet.FUNDING))
    look_wanted(site, account_id)
    with site.db.tenant(site.tenant_id) as session:
        assert len(take_asks(session, site.clock.now(), limit=10)) == 2
    site.clock.wait(seconds=TAKEN_FOR.total_seconds() + 1)
    wallets()
    with site.db.tenant(site.tenant_id) as session:
        assert [ask.state for ask in asks_of(session, [account_id])] == [AskState.DONE, AskState.UNKNOWN]
    assert held(site, account_id) == {(Wallet.SPOT, "USDT"): D(1000)}


@pytest.mark.parametrize(
    ("transfer", "place"),
    [
        (Transfer("USDT", D(0), Wallet.SPOT, Wallet.FUNDING), "amount"),
        (Transfer("USDT", D("NaN"), Wallet.SPOT, Wallet.FUNDING), "amount"),
        (Transfer("USDT", D(1001), Wallet.SPOT, Wallet.FUNDING), "amount"),
        (Transfer("USDT", D(1), Wallet.SPOT, Wallet.SPOT), "target"),
        (Transfer("USDT", D(1), Wallet.SPOT, Wallet.FUTURES), "target"),
    ],
)
def test_a_transfer_that_cannot_work_is_refused_before_anything_is_stored(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None], transfer: Transfer, place: str
) -> None:
    account_id = connected(site, lab, desk, "okx")
    look_wanted(site, account_id)
    wallets()
    with pytest.raises(InvalidInput, match=f"^{place}: "):
        wanted(site, account_id, "okx", transfer)
    with site.db.tenant(site.tenant_id) as session:
        assert [ask.transfer for ask in asks_of(session, [account_id])] == [None]


def test_so_many_transfers_wait_and_no_more(site: KeySite, lab: LabHand, desk: Look) -> None:
    account_id = connected(site, lab, desk, "okx")
    one = Transfer("USDT", D(1), Wallet.SPOT, Wallet.FUNDING)
    for _ in range(OPEN_MAX):
        wanted(site, account_id, "okx", one)
    with pytest.raises(Refused, match="wait already"):
        wanted(site, account_id, "okx", one)


def test_what_is_asked_of_one_account_at_once_is_done_or_waits_and_leaves_one_picture_of_it(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None]
) -> None:
    account_id = connected(site, lab, desk, "okx")
    look_wanted(site, account_id)
    for amount in (D(10), D(20), D(30)):
        wanted(site, account_id, "okx", Transfer("USDT", amount, Wallet.SPOT, Wallet.FUNDING))
    wallets()
    with site.db.tenant(site.tenant_id) as session:
        states = [ask.state for ask in asks_of(session, [account_id])]
    # The exchange takes so many transfers a second: what it had no room for was not sent, and waits for the next look.
    assert set(states) <= {AskState.DONE, AskState.WAITING} and states.count(AskState.DONE) >= 2
    assert sum(held(site, account_id).values()) == 1000


def test_of_a_form_that_comes_twice_at_once_one_transfer_is_stored_and_sent(
    site: KeySite, lab: LabHand, desk: Look, wallets: Callable[..., None]
) -> None:
    account_id = connected(site, lab, desk, "okx")
    one = Transfer("USDT", D(100), Wallet.SPOT, Wallet.FUNDING)
    with ThreadPoolExecutor(4) as pool:
        pressed = [pool.submit(wanted, site, account_id, "okx", one, after=0) for _ in range(4)]
    assert len({press.result() for press in pressed}) == 1
    wallets()
    assert held(site, account_id) == {(Wallet.SPOT, "USDT"): D(900), (Wallet.FUNDING, "USDT"): D(100)}
    assert [entry.act for entry in site.record(f"account:{account_id}")].count("wallet.transfer") == 1
    with pytest.raises(Refused, match="meanwhile"):
        wanted(site, account_id, "okx", Transfer("USDT", D(1), Wallet.SPOT, Wallet.FUNDING), after=0)
