"""How somebody reads the site: in which language, colors and time zone, and in which coin besides the currency."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response

from copydesk.identity.access import Permission
from copydesk.identity.languages import keep_language
from copydesk.identity.preferences import Scheme, is_time_zone, keep_preferences, time_zones
from copydesk.web.access import needs
from copydesk.web.account.asking import current_visit, form_again
from copydesk.web.account.blueprint import account
from copydesk.web.account.forms import found, typed
from copydesk.web.asking import go, own_id
from copydesk.web.home.told_also import coins_offered
from copydesk.web.page import render
from copydesk.web.site import current_site, keep_locale
from copydesk.web.visitor import current_visitor

_PAGE = "account/preferences.html"
_HERE = "/account/preferences"


@account.get("/preferences")
@needs(Permission.ACCOUNT_OWN)
def preferences_page() -> str:
    visitor = current_visitor()
    values = _values(current_site().locale, visitor.scheme, visitor.time_zone, visitor.currency)
    return render(_PAGE, errors={}, saved=request.args.get("told") == "saved", **values)


@account.post("/preferences")
@needs(Permission.ACCOUNT_OWN)
def preferences_form() -> Response:
    """Store the choices; a field that was not sent keeps what there is."""
    visitor, offered = current_visitor(), current_site().tenant.config.locales
    locale = typed("locale") or current_site().locale
    scheme = typed("scheme") if "scheme" in request.form else visitor.scheme
    zone = typed("time_zone") if "time_zone" in request.form else visitor.time_zone
    coin = typed("currency") if "currency" in request.form else visitor.currency
    errors = found(
        {
            "currency": ""
            if coin in ("", visitor.currency, *coins_offered(current_site().tenant))
            else gettext("Currency: choose one of the list."),
            "locale": "" if locale in offered else gettext("Language: choose one of the list."),
            "scheme": "" if scheme in set(Scheme) else gettext("Colors: choose one of the three."),
            "time_zone": ""
            if not zone or is_time_zone(zone)
            else gettext("Time zone: choose one of the list, such as Europe/Berlin."),
        }
    )
    if errors:
        return form_again(_PAGE, errors, saved=False, **_values(locale, scheme, zone, coin))
    visit = current_visit()
    with visit.transaction() as session:
        keep_language(session, own_id(), locale)
        keep_preferences(session, own_id(), scheme=Scheme(scheme), time_zone=zone, currency=coin)
    response = go(f"{_HERE}?told=saved")
    keep_locale(response, locale)
    return response


def _values(locale: str, scheme: str, zone: str, coin: str) -> dict[str, Any]:
    return {
        "chosen_locale": locale,
        "chosen_scheme": scheme,
        "chosen_zone": zone,
        "zones": time_zones(),
        "chosen_coin": coin,
        "coins": [(one, one) for one in coins_offered(current_site().tenant)],
        "brand_zone": current_site().tenant.config.time_zone,
    }
