"""The list of strategies, one strategy's page, the comparison and the methodology, over many strategies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from copydesk.analytics import FIGURES, Unit
from copydesk.db import Database
from copydesk.performance.tables import StrategyFigures
from copydesk.replication.tables import Strategy
from copydesk.vault.tables import Account
from flask.testing import FlaskClient
from site_seed import NOW, Seeded
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from standing_seed import tell_figures, tell_follower, tell_points

D = Decimal
Visit = Callable[[str], FlaskClient]
MANY = 28
NO_NUMBER = re.compile(r"\b(None|nan|NaN|inf|Infinity|Undefined)\b")
NAMES = re.compile(r'class="row-link" href="/strategies/([\w-]+)"')
MORE = re.compile(r'href="([^"]*after=[^"]*)"')
# Every figure, some of them broken as no fold would leave them.
BROKEN = {"sharpe": "NaN", "calmar": None, "profit_factor": 1e300}
FULL = {name: 3_600.0 if meaning.unit is Unit.SECONDS else 0.1268 for name, meaning in FIGURES.items()}
MATURE = {
    "figures": FULL | BROKEN,
    "truth": {"followers": 12, "copies_done": 90, "copies_due": 100, "slippage_bps": 0.6, "latency_ms": 84.2},
    "flags": {"martingale": {"share": 0.31, "size_up": 2.4}, "hidden_loss": {"share": 0.087}},
    "gates": [],
    "score_version": "1.abcdef",
    "return_30": D("0.031"),
    "return_90": D("0.124"),
    "return_all": D("0.25"),
    "risk": 4,
    "days": D(94),
    "closed": 41,
    "follower_return": D("0.0561"),
    "copy_success": D("0.9"),
    "min_allocation": D(120),
    "style": "day",
    "leverage_max": D(5),
    "too_early": False,
}


@pytest.fixture(scope="module", autouse=True)
def ranked(seeded: Seeded, database_url: str) -> Iterator[None]:
    """Give one brand many strategies: the first ones ranked, one adjusted, one behind a gate, one without figures."""
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(seeded.tenant_ids["aurora"]) as session:
        account = session.scalars(select(Account).join(Strategy, Strategy.account_id == Account.id)).first()
        assert account
        for number in range(MANY):
            _store(session, account, number)
        adjusted = {"adjusted_reason": "Two accounts of one person.", "adjusted_by": "Ada", "adjusted_at": NOW}
        _change(session, "many-2", **adjusted)
        _change(session, "many-4", figures=MATURE["figures"] | {"drawdown_max": 0.3})
        _change(session, "many-3", place=0, score=None, gates=["drawdown_too_deep"], drawdown_max=D("0.61"))
    database.dispose()
    yield


def _store(session: Session, trader: Account, number: int) -> None:
    account = Account(
        tenant_id=trader.tenant_id,
        user_id=trader.user_id,
        venue="binance",
        environment="lab",
        label=f"many {number}",
        shard="binance-lab:0",
    )
    session.add(account)
    session.flush()
    strategy = Strategy(
        tenant_id=trader.tenant_id,
        trader_id=trader.user_id,
        account_id=account.id,
        slug=f"many-{number}",
        name=f"Strategy {number}",
        summary="",
    )
    session.add(strategy)
    session.flush()
    if number == MANY - 1:
        return
    tell_figures(session, trader.tenant_id, strategy.id, as_of=NOW, **MATURE | _place(number))
    if number < 2:
        equities = [D(100 + day * (1 - 2 * number)) for day in range(40)]
        points = [(NOW - timedelta(days=40 - day), equity) for day, equity in enumerate(equities)]
        tell_points(session, trader.tenant_id, strategy.id, points)


def _place(number: int) -> dict[str, object]:
    return {"place": number + 1, "score": D(90 - number), "drawdown_max": D("0.05") + D(number) / 100}


def _change(session: Session, slug: str, **values: object) -> None:
    found = select(Strategy.id).where(Strategy.slug == slug).scalar_subquery()
    session.execute(update(StrategyFigures).where(StrategyFigures.strategy_id == found).values(**values))


def text_of(page: str) -> str:
    """Return the words of a page, without its head, marks and scripts."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize(
    "path",
    [
        "/strategies",
        "/strategies/dawn",
        "/strategies/many-0",
        "/strategies/many-3",
        f"/strategies/many-{MANY - 1}",
        "/strategies/many-0?period=all&page=9",
        f"/compare?s=many-0&s=many-1&s=dawn&s=many-{MANY - 1}",
        "/methodology",
        "/",
    ],
)
def test_no_page_shows_a_figure_that_is_no_number(visit: Visit, path: str, locale: str) -> None:
    answer = visit("aurora").get(path, headers={"Accept-Language": locale})
    assert answer.status_code == 200, answer.text
    assert NO_NUMBER.findall(text_of(answer.text)) == []
    assert (
        NO_NUMBER.findall(" ".join(re.findall(r'(?:points|width|height|x|title|aria-label)="([^"]*)"', answer.text)))
        == []
    )


def test_the_list_begins_with_the_best_and_shows_the_fall_beside_the_return(visit: Visit) -> None:
    page = visit("aurora").get("/strategies").text
    assert NAMES.findall(page)[:3] == ["many-0", "many-1", "many-2"]
    row = text_of(page)
    assert "+12.4" in row
    assert row.index("+12.4") < row.index("−5.0")
    assert "adds to losing positions open loss" in row.replace(" ! ", " ")
    assert "place adjusted by the site" in row


def test_paging_shows_every_strategy_once_and_keeps_what_was_chosen(visit: Visit) -> None:
    client, seen, path = visit("aurora"), [], "/strategies?sort=drawdown&period=30"
    while path:
        page = client.get(path).text
        seen += NAMES.findall(page)
        found = MORE.search(page)
        path = unescape(found[1]) if found else ""
        assert not path or path.startswith("/strategies?sort=drawdown&period=30&after=")
    assert len(seen) == len(set(seen)) == MANY + 1


@pytest.mark.parametrize("cursor", ["x", "e30", "%00", "A" * 500])
def test_a_cursor_that_is_none_begins_the_list_anew(visit: Visit, cursor: str) -> None:
    page = visit("aurora").get(f"/strategies?after={cursor}")
    assert page.status_code == 200
    assert NAMES.findall(page.text)[0] == "many-0"


def test_filters_stay_chosen_and_each_can_be_taken_back(visit: Visit) -> None:
    page = visit("aurora").get("/strategies?market=spot&risk=5&drawdown=10&q=Strategy&sort=return&period=30").text
    assert NAMES.findall(page) == [f"many-{number}" for number in range(6) if number != 3]
    for without in (
        "risk=5&amp;drawdown=10&amp;q=Strategy",
        "market=spot&amp;drawdown=10",
        "market=spot&amp;risk=5&amp;q=",
    ):
        assert f"/strategies?{without}" in page
    assert '<option value="5" selected>' in page
    assert 'name="sort" value="return"' in page
    assert "+3.1" in text_of(page)


def test_filters_that_nothing_passes_say_so(visit: Visit) -> None:
    page = text_of(visit("aurora").get("/strategies?q=nobody").text)
    assert "No strategy is like that" in page
    assert "Remove all" in page


def test_a_young_record_has_no_return_anywhere_large(visit: Visit) -> None:
    page = visit("aurora").get("/strategies/dawn").text
    pair = page[page.index('<dl class="pair">') : page.index("</dl>", page.index('<dl class="pair">'))]
    assert "+21.0" not in pair
    assert "−10.0" in pair
    assert 'title="Too early to judge"' in pair
    assert "A return is shown from 30 days of record and 20 closed positions on." in text_of(page)


def test_a_strategy_says_in_sentences_what_was_seen_and_what_staff_changed(visit: Visit) -> None:
    page = text_of(visit("aurora").get("/strategies/many-2").text)
    assert "In 31\u00a0% of closed positions" in page or "In 31 % of closed positions" in page
    assert "Taken out of the ranking on" in page
    assert "Not ranked Taken out of the ranking by the site." in page
    assert "Two accounts of one person." in page


def test_a_strategy_behind_a_gate_says_which(visit: Visit) -> None:
    page = text_of(visit("aurora").get("/strategies/many-3").text)
    assert "Not ranked" in page
    assert "It once fell more than 50" in page


def test_questions_are_answered_with_the_strategys_own_figures(visit: Visit) -> None:
    page = visit("aurora").get("/strategies/many-0").text
    assert 'data-share="Link copied"' in page
    asked = page.partition('id="questions-title"')[2].partition("</section>")[0]
    assert asked.count("<details") == 8
    words = " ".join(unescape(re.sub(r"<[^>]+>|[\u2066-\u2069]", "", asked)).replace("\u00a0", " ").split())
    for told in (
        "10 % of what copying earns you",
        "From about 120.00 USDT on",
        "fall so far was 5.0 %",
        "20 seconds ago",
    ):
        assert told in words, told


def test_what_a_handful_of_followers_earned_is_not_told(visit: Visit, seeded: Seeded, database_url: str) -> None:
    def page_of(followers: int) -> str:
        database = Database.connect(database_url, pool_size=1)
        with database.tenant(seeded.tenant_ids["aurora"]) as session:
            strategy = session.scalars(select(Strategy).where(Strategy.slug == "many-5")).one()
            for number in range(followers):
                tell_follower(session, strategy, D(number) / 10, at=NOW)
        database.dispose()
        return text_of(visit("aurora").get("/strategies/many-5").text)

    few, enough = page_of(4), page_of(1)
    assert "4 followers have a result so far." in few and "of followers are in profit" not in few
    assert "60" in enough.partition("of followers are in profit")[0][-40:]


def test_a_figure_explains_itself_without_a_script(visit: Visit) -> None:
    page = visit("aurora").get("/strategies/many-0").text
    assert page.count('<details class="hint">') == len(FIGURES)
    assert "Mean return of a day over the scatter of losing days alone" in page


def test_the_period_is_kept_by_the_chart_and_one_that_is_not_offered_is_the_usual_one(visit: Visit) -> None:
    client = visit("aurora")
    assert "equity.json?period=30" in client.get("/strategies/many-0?period=30").text
    assert "equity.json?period=90" in client.get("/strategies/many-0?period=7000").text
    short = client.get("/strategies/many-0/equity.json?period=30").json
    assert len(short["at"]) < len(client.get("/strategies/many-0/equity.json?period=all").json["at"]) == 40
    assert short["equity"][0] == 100


def test_a_comparison_draws_a_line_each_and_marks_the_best_where_one_is(visit: Visit) -> None:
    client = visit("aurora")
    page = client.get("/compare?s=many-0&s=many-1").text
    assert 'class="line line--1" points="0.0,' in page
    assert 'class="line line--2" points="0.0,' in page
    assert page.count('<span class="best">') == 0, "both have the same figures"
    differing = client.get("/compare?s=many-0&s=many-4").text
    assert differing.count('<span class="best">') == 1, "their deepest falls differ, nothing else"


def test_a_comparison_praises_no_record_that_is_too_early_to_judge(visit: Visit) -> None:
    page = visit("aurora").get("/compare?s=many-0&s=dawn").text
    assert '<span class="best">' not in page
    assert "+21.0" not in page
    assert page.count('title="Too early to judge"') > 8


def test_a_comparison_names_what_does_not_exist_and_shows_four_at_most(visit: Visit) -> None:
    path = "/compare?s=many-0&s=nobody&s=%00&s=many-1&s=many-1&s=many-2&s=many-3"
    page = text_of(visit("aurora").get(path).text)
    assert "There is no strategy “nobody” here." in page
    assert "At most 4 strategies stand side by side." in page
    assert "Take out Strategy 2" in page
    assert "Take out Strategy 3" not in page


def test_a_comparison_of_nothing_offers_strategies(visit: Visit) -> None:
    assert 'href="/compare?s=' in visit("aurora").get("/").text, "a card leads to it"
    page = visit("aurora").get("/compare").text
    assert '<option value="many-0">Strategy 0</option>' in page
    assert "Nothing to compare yet" in text_of(page)


def test_the_methodology_tells_weights_gates_and_every_figure(visit: Visit) -> None:
    page = visit("aurora").get("/methodology").text
    text = text_of(page).replace("\u00a0", " ")
    for told in ("Return for the risk taken 30 %", "Number of followers 0 %", "At least 30 days of record"):
        assert told in text
    assert page.count("<dt>") >= len(FIGURES)


@pytest.mark.parametrize("path", ["/strategies", "/compare", "/methodology"])
def test_another_brands_strategies_are_nowhere(visit: Visit, path: str) -> None:
    page = visit("boreal").get(path, query_string={"s": "many-0"}).text
    assert "Strategy 0" not in page
