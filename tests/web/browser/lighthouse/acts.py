"""The pages that only a form leads to: what is asked before it is done, and what is refused, with its fields marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from inhabitants import World
from playwright.sync_api import Page, Response
from strolling import Seen, become, heard, let_draw

# How their addresses begin where pictures and findings name them.
ACTS = "acts"
PRIMARY = "main form .button--primary"
# What the browser itself would refuse is to reach the server, and what is folded is to be seen.
_UNCHECKED = """() => {
    document.querySelectorAll("form").forEach((one) => { one.noValidate = true; });
    document.querySelectorAll("main details").forEach((one) => { one.open = true; });
}"""


class Act(NamedTuple):
    """Who fills which page in with what, and what they press; the name is the picture's. Nothing of it is kept."""

    name: str
    who: str
    path: str
    fields: Mapping[str, str] = {}
    press: str = PRIMARY


def acts(world: World, role: str) -> tuple[Act, ...]:
    """List what is tried beside a role's own pages, some of it by somebody whose session lacks something."""
    copying, terminal = f"/copying/{world.subscription_id}", f"/terminal/{world.terminal_id}"
    perpetual = f"{terminal}?symbol=BTC/USDT:USDT"
    led, keys = f"/studio/{world.led}", "/keys/new/binance/enter"
    wrong_code, odd_amount, order = {"code": "000000"}, {"amount": "1"}, {"type": "market", "side": "buy", "qty": "9"}
    return {
        "visitor": (
            Act("sign-in-refused", "visitor", "/account/sign-in", {"email": "a@x.example", "password": "not it"}),
            Act("register-refused", "visitor", "/account/register", {"email": "no address"}),
            Act("forgot-refused", "visitor", "/account/forgot"),
        ),
        "follower": (
            Act("second-step", "half a follower", "/account/factors/verify", press=""),
            Act("second-step-refused", "half a follower", "/account/factors/verify", wrong_code),
            Act("step-up", "a stale follower", keys, press=""),
            Act("step-up-refused", "a stale follower", keys, wrong_code),
            Act("no-factor", "a follower without a factor", keys, press=""),
            Act("held", "a follower in a new place", keys, press=""),
            Act("copy-blocked", "a stale follower", "/strategies/both-ways/copy", press=""),
            Act("copy-refused", "follower", "/strategies/both-ways/copy", odd_amount, ".copying__go .button--primary"),
            Act("copy-changed", "follower", "/strategies/both-ways/copy", press=".copying__go .button--primary"),
            Act("allocation-refused", "follower", f"{copying}/allocation", {"amount": "words"}),
            Act("allocation-review", "follower", f"{copying}/allocation", {"amount": "1800"}),
            Act("limits-refused", "follower", f"{copying}/limits", {"drawdown": "words", "loss_day": "100"}),
            Act("limits-review", "follower", f"{copying}/limits", {"drawdown": "12", "loss_day": "4"}),
            Act("key-refused", "follower", keys),
            Act("password-refused", "follower", "/account/password", {"old": "not it", "new": "short"}),
            Act("totp-refused", "a follower without a factor", "/account/factors/totp", wrong_code),
            Act("recovery-codes", "follower", "/account/factors/recovery", press="main form[action$=recovery] button"),
            Act("close-refused", "follower", "/account/close", press="main form[action$=close] button"),
            Act("webhook-refused", "follower", "/notices/settings", {"url": "words"}, "form[action$=webhook] button"),
            Act("allowlist-refused", "follower", "/account/allowlist", {"network": "words"}),
        ),
        "guest": (Act("keep-refused", "guest", "/guest/keep"),),
        "trader": (
            Act("apply-refused", "trader", "/studio/apply", {"profit_share": "99"}),
            Act("announcement-refused", "trader", f"{led}/announcements"),
            Act("close-strategy-refused", "trader", f"{led}/manage", press="main form[action$=close] button"),
            Act("order-refused", "trader", perpetual, {"type": "stop_limit"}, "#ticket .button--primary"),
            Act("order-confirm", "trader", perpetual, order, "#ticket .button--primary"),
            Act("estimate", "trader", perpetual, order, "#ticket [formaction$=estimate]"),
            Act("exits-refused", "trader", perpetual, {"gain_px": "1"}, "form[action$=exits] button"),
            Act("leverage-refused", "trader", perpetual, {"leverage": "900"}, "form[action$=leverage] button"),
            Act("amend", "trader", perpetual, press="main a[href*='/amend?']"),
        ),
        "owner": (
            Act("section-review", "owner", "/panel/trading", {"replication.leverage_max": "4"}),
            Act("section-refused", "owner", "/panel/trading", {"replication.leverage_max": "words"}),
            Act("brand-review", "owner", "/panel/brand", {"brand.name": "Two", "brand.colors.brand": "#00695c"}),
            Act("brand-refused", "owner", "/panel/brand", {"brand.name": "", "brand.colors.brand": "red"}),
            Act("fees-review", "owner", "/panel/fees", {"fees.profit_share_ratio": "12"}),
            Act("markets-review", "owner", "/panel/markets", {"payout_weekday_ratio:BTC/USDT": "90"}),
            Act("wording-review", "owner", "/panel/wording", {"said:Trader": "Guide"}),
            Act("letters-review", "owner", "/panel/letters?kind=verify_email&locale=en", {"subject": "Hello"}),
            Act("mail-refused", "owner", "/panel/mail"),
            Act("payments-refused", "owner", "/panel/payments", {"key:secret_key": ""}),
            Act("legal-preview", "owner", "/panel/legal/terms", {"body:en": "# Terms"}, "main [formaction]"),
            Act("invite-refused", "owner", "/staff/team/invite", {"email": "no address"}),
            Act("role-refused", "owner", "/staff/team/roles/new", {"name": "Not So"}),
            Act("network-refused", "owner", "/staff/allowlist", {"network": "words"}),
            Act("ranking-refused", "owner", f"/staff/ranking/{world.strategy}"),
        ),
    }[role]


def acted(page: Page, world: World, role: str, origin: str) -> Iterator[Seen]:
    """Do each of a role's acts in this window, as whoever it takes, and yield where it led."""
    failed = heard(page)
    for act in acts(world, role):
        become(page.context, world, act.who, origin)
        failed.clear()
        answer = page.goto(origin + act.path)
        if act.press:
            answer = _send(page, act)
        let_draw(page)
        yield Seen(f"/{ACTS}/{act.name}", page, answer.status if answer else 0, tuple(failed))
    become(page.context, world, role, origin)


def _send(page: Page, act: Act) -> Response | None:
    """Fill the page in, and press."""
    page.evaluate(_UNCHECKED)
    for name, value in act.fields.items():
        choices = page.locator(f"main [type=radio][name='{name}'][value='{value}']")
        if choices.count():
            choices.first.evaluate("one => one.click()")  # What a mouse would hit is its label, and parts still move.
        else:
            page.locator(f"main [name='{name}']").first.fill(value)
    with page.expect_navigation() as led:
        page.locator(act.press).locator("visible=true").first.click()
    return led.value
