"""The table of who may do what at which address: written by hand, and read from nothing of the product.

One row per method and address. Who adds a route adds its row here; the matrix fails without it.

    Row("GET", "/keys/<int:account_id>", "keys:own", own=200, other=404, object="account")
    Row("POST", "/staff/team/invite", "staff:grant", own=422, fresh=True, holds=True)

`needs` is the permission; `fresh`, `holds` and `enrolled` as the view declares them. `own` is what somebody gets who
may do it: a POST sends an empty form, so that most answer 422 and change nothing. `other` is what they get about an
object that is not theirs, or on staff pages another brand's; None where the address names no object. `object` names
what stands in the address (`matrix_people.Objects`). Where somebody gets another answer than the rest, it stands under
their state: `half` gave the password only, `whole` is signed in already, `bare` has no second factor, `by_passkey` has
nothing but a passkey, `of_staff` is staff or an operator. `link` pages answer strangers 403, because a signed link
opens them too. `only` is the one brand that has the page. `leads` on to the first page that its visitor may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One method of one address."""

    method: str
    path: str
    needs: str
    own: int = 200
    other: int | None = None
    fresh: bool = False
    holds: bool = False
    enrolled: bool = True
    object: str = ""
    link: bool = False
    only: str = ""
    half: int | None = None
    whole: int | None = None
    bare: int | None = None
    by_passkey: int | None = None
    of_staff: int | None = None
    leads: bool = False


def both(path: str, needs: str, *, get: int = 200, post: int = 303, **values: object) -> list[Row]:
    """Write the two rows of a form that is shown and sent at one address."""
    return [Row("GET", path, needs, own=get, **values), Row("POST", path, needs, own=post, **values)]  # type: ignore[arg-type]


EVERYBODY = frozenset({"public", "visit"})
_ALL = EVERYBODY | {"second_step", "account:own", "factors:own", "addresses:own"}
_STAFF = _ALL | {"staff:area"}
_ADMIN = _STAFF | {
    *("risk:read", "users:read", "users:write", "staff:read", "staff:grant", "allowlist:write", "audit:read"),
    *("settings:read", "settings:write", "finance:read", "strategies:review"),
}
# What each role permits, in so far as a page asks for it.
MAY: Mapping[str, frozenset[str]] = {
    "nobody": EVERYBODY,
    "follower": _ALL | {"keys:own", "risk:own", "subscriptions:own"},
    "trader": _ALL | {"keys:own", "strategies:own"},
    "owner": _ADMIN | {"fees:write"},
    "administrator": _ADMIN,
    "compliance": _STAFF | {"users:read", "users:write", "audit:read", "strategies:review"},
    "support": _STAFF | {"users:read"},
    "finance": _STAFF | {"finance:read", "fees:write"},
    "risk": _STAFF | {"risk:read", "strategies:review"},
    "auditor": _STAFF | {"risk:read", "users:read", "staff:read", "audit:read", "settings:read", "finance:read"},
    "none": _STAFF,
    "night-desk": _STAFF | {"risk:read"},
    "operator": _STAFF | {"risk:read", "staff:read", "staff:grant", "audit:read"},
}
# Where the front page of staff pages leads.
LEADS_TO = frozenset(
    {
        *("users:read", "risk:read", "strategies:review", "staff:read", "audit:read", "settings:read"),
        "finance:read",
    }
)
# What rests in a place that was not confirmed yet.
RESTS = frozenset(
    {
        *("account:own", "factors:own", "keys:own", "addresses:own", "users:write", "staff:grant", "allowlist:write"),
        *("settings:write", "fees:write"),
    }
)

_USER = "/staff/users/<int:user_id>"
_COPYING = "/copying/<int:subscription_id>"
TABLE: tuple[Row, ...] = (
    # Everybody's.
    Row("GET", "/", "public"),
    Row("GET", "/.well-known/security.txt", "public", only="aurora"),
    Row("GET", "/_patterns", "public"),
    Row("GET", "/fees", "public"),
    Row("GET", "/robots.txt", "public"),
    Row("GET", "/sitemap.xml", "public"),
    Row("GET", "/markets", "public"),
    Row("GET", "/health", "public"),
    Row("GET", "/strategies", "public"),
    Row("GET", "/strategies/<slug>", "public", other=404, object="strategy"),
    Row("GET", "/strategies/<slug>/equity.json", "public", other=404, object="strategy"),
    Row("GET", "/compare", "public"),
    Row("GET", "/methodology", "public"),
    Row("GET", "/api/v1/openapi.json", "public"),
    Row("GET", "/api/v1/strategies", "public"),
    Row("GET", "/api/v1/strategies/<slug>", "public", other=404, object="strategy"),
    Row("GET", "/api/v1/strategies/<slug>/equity", "public", other=404, object="strategy"),
    Row("GET", "/api/v1/compare", "public", own=422),
    Row("GET", "/strategies/<slug>/announcements", "public", other=404, object="strategy"),
    Row("GET", "/strategies/<slug>/what-if", "public", other=404, object="strategy"),
    Row("GET", "/strategies/<slug>/what-if.json", "public", own=503, other=404, object="strategy"),
    *both("/strategies/<slug>/copy", "subscriptions:own", post=422, other=404, object="strategy"),
    Row("GET", "/strategies/<slug>/copy/preflight", "subscriptions:own", own=404, other=404, object="strategy"),
    Row("GET", "/strategies/<slug>/copy/review", "subscriptions:own", other=404, object="strategy"),
    Row("GET", "/desk", "public"),
    Row("GET", "/desk/<int:signal_id>", "public", other=404, object="signal"),
    Row("GET", "/theme/<theme>/<path:path>", "public", other=404, object="theme file"),
    Row("GET", "/theme/<theme>/bundle-<kind>-<version>.css", "public", other=404, object="bundle"),
    Row("GET", "/brand/<path:path>", "public", other=404, object="brand file"),
    Row("GET", "/icon/<name>", "public", other=404, object="icon"),
    Row("GET", "/favicon.ico", "public"),
    Row("GET", "/apple-touch-icon.png", "public"),
    Row("GET", "/card.png", "public"),
    Row("GET", "/manifest.webmanifest", "public"),
    Row("GET", "/worker.js", "public"),
    Row("GET", "/offline", "public"),
    Row("POST", "/language/<locale>", "public", own=303, other=404, object="locale"),
    Row("GET", "/legal/<kind>", "public", other=404, object="legal text"),
    Row("GET", "/legal/<kind>/<int:number>", "public", other=404, object="legal version"),
    # The doors of accounts.
    Row("GET", "/account/sign-in", "visit", whole=303),
    Row("POST", "/account/sign-in", "visit", own=422),
    Row("POST", "/account/sign-out", "visit", own=303),
    *both("/account/register", "visit", post=422),
    Row("GET", "/account/register/sent", "visit"),
    *both("/account/forgot", "visit", post=422),
    Row("GET", "/account/forgot/sent", "visit"),
    *both("/account/verify/<token>", "visit", get=410, post=410, object="token"),
    *both("/account/reset/<token>", "visit", get=410, post=410, object="token"),
    *both("/account/invited/<token>", "visit", get=410, post=410, object="token"),
    *both("/account/location/<token>", "visit", get=410, post=410, object="token"),
    # The demo without registration, which this installation does not run.
    *both("/guest", "visit", get=404, post=404, whole=303, half=303),
    *both("/guest/keep/<token>", "visit", get=410, post=410, object="token"),
    Row("GET", "/guest/keep/sent", "visit"),
    *both("/guest/keep", "account:own", get=303),
    Row("GET", "/guest/opening", "account:own", own=303),
    Row("GET", "/guest/opening/now", "account:own", own=404),
    Row("POST", "/guest/opening", "account:own", own=404),
    Row("POST", "/guest/end", "account:own", own=303),
    Row("GET", "/guest/live", "subscriptions:own", own=404, enrolled=False),
    # Between password and second factor.
    Row("GET", "/account/factors/verify", "second_step", own=303, half=200, enrolled=False),
    Row("POST", "/account/factors/verify", "second_step", own=303, half=422, enrolled=False),
    Row("POST", "/account/factors/verify/text", "second_step", own=303, half=404, enrolled=False),
    # One's own account.
    Row("GET", "/account", "account:own"),
    *both("/account/password", "account:own", post=422),
    Row("GET", "/account/live", "account:own"),
    Row("GET", "/account/sessions", "account:own"),
    Row("POST", "/account/sessions/<int:session_id>/end", "account:own", own=303, other=404, object="session"),
    Row("POST", "/account/sessions/end-others", "account:own", own=303),
    Row("GET", "/account/history", "account:own"),
    *both("/account/export", "account:own", post=200, fresh=True),
    Row("GET", "/account/statements", "account:own"),
    Row("GET", "/account/statements/<name>", "account:own", other=404, fresh=True, object="statement"),
    Row("GET", "/api/v1/me/subscriptions", "account:own"),
    Row("GET", "/api/v1/me/statement", "account:own", own=422, fresh=True),
    *both("/account/close", "account:own", post=422, fresh=True, holds=True),
    Row("GET", "/account/allowlist", "addresses:own", fresh=True),
    Row("POST", "/account/allowlist", "addresses:own", own=422, fresh=True, holds=True),
    Row(
        "POST",
        "/account/allowlist/<int:number>/remove",
        "addresses:own",
        own=303,
        other=404,
        fresh=True,
        holds=True,
        object="network",
    ),
    *both("/account/preferences", "account:own"),
    # One's own notices, and what one watches.
    Row("GET", "/notices", "account:own"),
    Row("GET", "/notices/now", "account:own"),
    Row("GET", "/notices/bell", "account:own"),
    Row("POST", "/notices/read", "account:own", own=303),
    Row("POST", "/notices/<int:notice_id>/read", "account:own", own=303, other=404, object="notice"),
    *both("/notices/settings", "account:own"),
    Row("GET", "/notices/log", "account:own"),
    Row("POST", "/notices/devices", "account:own", own=422),
    Row("POST", "/notices/devices/forget", "account:own"),
    Row("POST", "/notices/devices/<int:device_id>/remove", "account:own", own=303, other=404, object="device"),
    Row("POST", "/notices/telegram", "account:own", own=404),
    Row("POST", "/notices/telegram/disconnect", "account:own", own=303),
    Row("POST", "/notices/webhook", "account:own", own=422),
    Row("POST", "/notices/webhook/test", "account:own", own=404),
    Row("POST", "/notices/webhook/disconnect", "account:own", own=303),
    Row("GET", "/watching", "account:own"),
    Row("POST", "/strategies/<slug>/watch", "account:own", own=303, other=404, object="strategy"),
    Row("POST", "/strategies/<slug>/unwatch", "account:own", own=303, other=404, object="strategy"),
    # One's own second factors.
    Row("GET", "/account/factors", "factors:own", enrolled=False),
    *both("/account/factors/totp", "factors:own", post=422, fresh=True, holds=True, enrolled=False),
    Row("POST", "/account/factors/totp/remove", "factors:own", own=400, by_passkey=303, fresh=True, holds=True),
    *both("/account/factors/recovery", "factors:own", post=200, bare=303, fresh=True, holds=True, enrolled=False),
    *both("/account/factors/passkeys", "factors:own", post=422, fresh=True, holds=True, enrolled=False),
    Row(
        "POST",
        "/account/factors/passkeys/<int:passkey_id>/remove",
        "factors:own",
        own=303,
        other=404,
        fresh=True,
        holds=True,
        enrolled=False,
        object="passkey",
    ),
    *both("/account/factors/phone", "factors:own", post=422, of_staff=404, fresh=True, holds=True),
    Row("POST", "/account/factors/phone/confirm", "factors:own", own=422, of_staff=404, fresh=True, holds=True),
    Row("POST", "/account/factors/phone/remove", "factors:own", own=400, fresh=True, holds=True),
    *both("/account/factors/step-up", "factors:own", post=422, bare=303, enrolled=False),
    *both("/legal/accept", "account:own", get=303),
    # What one copies.
    Row("GET", "/home", "subscriptions:own"),
    Row("GET", "/home/now", "subscriptions:own"),
    *both("/copying/stop-everything", "subscriptions:own", post=422),
    Row("GET", _COPYING, "subscriptions:own", other=404, object="subscription"),
    Row("GET", f"{_COPYING}/now", "subscriptions:own", other=404, object="subscription"),
    *both(f"{_COPYING}/pause", "subscriptions:own", other=404, object="running subscription"),
    *both(f"{_COPYING}/resume", "subscriptions:own", other=404, object="paused subscription"),
    *both(f"{_COPYING}/stop", "subscriptions:own", post=422, other=404, object="subscription"),
    *both(f"{_COPYING}/allocation", "subscriptions:own", post=422, other=404, object="subscription"),
    *both(f"{_COPYING}/limits", "subscriptions:own", post=422, other=404, object="subscription"),
    Row("POST", f"{_COPYING}/attach", "subscriptions:own", own=303, other=404, object="subscription"),
    Row("GET", "/activity", "subscriptions:own"),
    Row("GET", "/activity/now", "subscriptions:own"),
    Row("GET", "/activity/<int:signal_id>", "subscriptions:own", other=404, object="own signal"),
    # Wallets of one's own exchange accounts.
    Row("GET", "/wallets", "keys:own"),
    Row("GET", "/wallets/now", "keys:own", own=286),
    Row("POST", "/wallets/<int:account_id>/look", "keys:own", own=303, other=404, object="account"),
    Row("GET", "/wallets/<int:account_id>/move", "keys:own", own=404, other=404, fresh=True, object="account"),
    Row("POST", "/wallets/<int:account_id>/move", "keys:own", own=404, other=404, fresh=True, object="account"),
    # The studio, and what its invitations lead to.
    Row("GET", "/studio", "strategies:own"),
    *both("/studio/apply", "strategies:own", post=422),
    Row("GET", "/studio/<slug>", "strategies:own", other=404, object="own strategy"),
    Row("GET", "/studio/<slug>/signals", "strategies:own", other=404, object="own strategy"),
    *both("/studio/<slug>/announcements", "strategies:own", post=422, other=404, object="own strategy"),
    Row(
        "POST",
        "/studio/<slug>/announcements/<int:announcement_id>/delete",
        "strategies:own",
        own=303,
        other=404,
        object="announcement",
    ),
    *both("/studio/<slug>/invitations", "strategies:own", post=200, other=404, object="own strategy"),
    Row(
        "POST",
        "/studio/<slug>/invitations/<int:invite_id>/revoke",
        "strategies:own",
        own=303,
        other=404,
        object="strategy invite",
    ),
    Row("GET", "/studio/<slug>/manage", "strategies:own", other=404, object="own strategy"),
    Row("POST", "/studio/<slug>/pause", "strategies:own", own=303, other=404, object="running strategy"),
    Row("POST", "/studio/<slug>/resume", "strategies:own", own=303, other=404, object="paused strategy"),
    Row("POST", "/studio/<slug>/close", "strategies:own", own=422, other=404, fresh=True, object="own strategy"),
    *both("/invitation/<token>", "subscriptions:own", get=410, post=410, object="token"),
    Row("GET", "/staff/strategies", "strategies:review"),
    Row("GET", "/staff/strategies/<slug>", "strategies:review", other=404, object="strategy"),
    *(
        Row("POST", f"/staff/strategies/<slug>/{act}", "strategies:review", 422, 404, fresh=True, object="strategy")
        for act in ("approve", "reject", "live", "resume")
    ),
    # Trading by hand on one's own accounts.
    Row("GET", "/terminal", "strategies:own"),
    Row("GET", "/terminal/<int:account_id>", "strategies:own", other=404, object="account"),
    Row("GET", "/terminal/<int:account_id>/now", "strategies:own", other=404, object="account"),
    Row("GET", "/terminal/<int:account_id>/history", "strategies:own", other=404, object="account"),
    Row("GET", "/terminal/<int:account_id>/market", "strategies:own", other=404, object="account"),
    Row("GET", "/terminal/<int:account_id>/book", "strategies:own", other=404, object="account"),
    Row("POST", "/terminal/<int:account_id>/estimate", "strategies:own", own=422, other=404, object="account"),
    Row("POST", "/terminal/<int:account_id>/order", "strategies:own", own=422, other=404, holds=True, object="account"),
    Row("POST", "/terminal/<int:account_id>/exits", "strategies:own", own=422, other=404, holds=True, object="account"),
    Row(
        "POST",
        "/terminal/<int:account_id>/leverage",
        "strategies:own",
        own=422,
        other=404,
        holds=True,
        object="account",
    ),
    Row("GET", "/terminal/<int:account_id>/amend", "strategies:own", own=422, other=404, object="account"),
    Row("POST", "/terminal/<int:account_id>/amend", "strategies:own", own=422, other=404, holds=True, object="account"),
    Row("POST", "/terminal/<int:account_id>/cancel", "strategies:own", own=422, other=404, object="account"),
    Row("POST", "/terminal/<int:account_id>/cancel-all", "strategies:own", own=422, other=404, object="account"),
    Row("POST", "/terminal/<int:account_id>/close", "strategies:own", own=422, other=404, object="account"),
    Row("POST", "/terminal/<int:account_id>/close-all", "strategies:own", other=404, object="account"),
    # One's own exchange keys.
    Row("GET", "/keys", "keys:own"),
    Row("GET", "/keys/<int:account_id>", "keys:own", other=404, object="account"),
    Row("POST", "/keys/<int:account_id>/check", "keys:own", own=400, other=404, object="account"),
    *both("/keys/<int:account_id>/disconnect", "keys:own", post=303, other=404, fresh=True, object="account"),
    Row("GET", "/keys/intakes/<int:intake_id>", "keys:own", other=404, object="intake"),
    Row("GET", "/keys/intakes/<int:intake_id>/now", "keys:own", own=286, other=404, object="intake"),
    Row("POST", "/keys/intakes/<int:intake_id>/give-up", "keys:own", own=303, other=404, object="intake"),
    *both(
        "/keys/intakes/<int:intake_id>/name", "keys:own", post=422, other=404, fresh=True, holds=True, object="intake"
    ),
    Row("GET", "/keys/new", "keys:own"),
    Row("GET", "/keys/new/<venue>", "keys:own", other=404, object="venue"),
    *both("/keys/new/<venue>/enter", "keys:own", post=422, other=404, fresh=True, holds=True, object="venue"),
    Row("POST", "/keys/new/<venue>/pair", "keys:own", own=422, other=404, fresh=True, holds=True, object="venue"),
    # The risk desk.
    Row("GET", "/risk/enter", "visit", own=403),
    Row("GET", "/risk", "risk:read", link=True),
    Row("GET", "/risk/now", "risk:read", link=True),
    Row("GET", "/risk/subscriptions/<int:subscription_id>", "risk:own", other=404, object="subscription", link=True),
    Row(
        "GET", "/risk/subscriptions/<int:subscription_id>/now", "risk:own", other=404, object="subscription", link=True
    ),
    # Staff.
    Row("GET", "/staff", "staff:area", leads=True),
    Row("GET", "/staff/users", "users:read"),
    Row("GET", _USER, "users:read", other=404, object="user"),
    Row("GET", f"{_USER}/statements", "finance:read", other=404, object="user"),
    Row("GET", f"{_USER}/statements/<name>", "finance:read", other=404, fresh=True, object="statement of a user"),
    *both(f"{_USER}/block", "users:write", other=404, fresh=True, holds=True, object="user"),
    *both(f"{_USER}/unblock", "users:write", post=422, other=404, fresh=True, holds=True, object="user"),
    *both(f"{_USER}/end-sessions", "users:write", other=404, fresh=True, holds=True, object="user"),
    Row("GET", "/staff/team", "staff:read"),
    *both("/staff/team/invite", "staff:grant", post=422, fresh=True, holds=True),
    *both("/staff/team/<int:user_id>", "staff:grant", other=404, fresh=True, holds=True, object="member"),
    Row(
        "POST",
        "/staff/team/invites/<int:number>/revoke",
        "staff:grant",
        own=303,
        other=404,
        fresh=True,
        object="invite",
    ),
    Row("GET", "/staff/team/roles", "staff:read"),
    *both("/staff/team/roles/new", "staff:grant", post=422, fresh=True, holds=True),
    Row(
        "POST",
        "/staff/team/roles/<name>/remove",
        "staff:grant",
        own=303,
        other=404,
        fresh=True,
        holds=True,
        object="role",
    ),
    Row("GET", "/staff/allowlist", "allowlist:write", fresh=True),
    Row("POST", "/staff/allowlist", "allowlist:write", own=422, fresh=True, holds=True),
    Row(
        "POST",
        "/staff/allowlist/<int:number>/remove",
        "allowlist:write",
        own=303,
        other=404,
        fresh=True,
        holds=True,
        object="staff network",
    ),
    Row("GET", "/staff/audit", "audit:read"),
    Row("GET", "/staff/ranking", "settings:read"),
    *both("/staff/ranking/<slug>", "settings:write", post=422, other=404, fresh=True, holds=True, object="strategy"),
    Row(
        "POST",
        "/staff/ranking/<slug>/undo",
        "settings:write",
        own=303,
        other=404,
        fresh=True,
        holds=True,
        object="strategy",
    ),
    # The config panel.
    Row("GET", "/panel", "settings:read"),
    Row("GET", "/panel/<section>", "settings:read", other=404, object="section"),
    Row("POST", "/panel/<section>", "settings:write", own=422, other=404, object="section"),
    Row(
        "POST",
        "/panel/<section>/publish",
        "settings:write",
        own=422,
        other=404,
        fresh=True,
        holds=True,
        object="section",
    ),
    *(
        row
        for slug in ("payments", "kyc", "mail")
        for row in (
            Row("GET", f"/panel/{slug}", "settings:read"),
            Row("POST", f"/panel/{slug}", "settings:write", own=422, fresh=True, holds=True),
            Row("POST", f"/panel/{slug}/publish", "settings:write", own=422, fresh=True, holds=True),
        )
    ),
    Row("POST", "/panel/letters/test", "settings:write", own=422),
    Row("GET", "/panel/legal", "settings:read"),
    Row("GET", "/panel/legal/<kind>", "settings:read", other=404, object="legal text"),
    Row("POST", "/panel/legal/<kind>", "settings:write", other=404, object="legal text"),
    Row(
        "POST",
        "/panel/legal/<kind>/publish",
        "settings:write",
        own=422,
        other=404,
        fresh=True,
        holds=True,
        object="legal text",
    ),
    Row("GET", "/panel/fees", "finance:read"),
    Row("POST", "/panel/fees", "fees:write", own=422),
    Row("POST", "/panel/fees/publish", "fees:write", own=422, fresh=True, holds=True),
    Row("GET", "/panel/brand", "settings:read"),
    Row("POST", "/panel/brand", "settings:write", own=422),
    Row("POST", "/panel/brand/publish", "settings:write", own=422, fresh=True, holds=True),
    Row("GET", "/panel/brand/palette", "settings:read"),
    Row("POST", "/panel/brand/preview", "settings:read", own=200),
    Row("GET", "/panel/brand/kept/<name>", "settings:read", other=404, object="kept file"),
    Row("GET", "/panel/brand/look/<theme>/<path:path>", "settings:read", other=404, object="theme file"),
    Row("GET", "/panel/history", "settings:read"),
    Row("GET", "/panel/history/<int:number>", "settings:read", other=404, object="revision"),
    *(
        Row(
            "POST",
            f"/panel/history/<int:number>/{act}",
            "settings:write",
            own=own,
            other=404,
            fresh=True,
            holds=True,
            object=kind,
        )
        for act, own, kind in (("rollback", 422, "revision"), ("approve", 303, "proposal"), ("refuse", 303, "proposal"))
    ),
)
