"""Words of the panel: what each setting is called, where its value comes from, and what was refused."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]

from copydesk.kernel import NotFound, Refused
from copydesk.tenancy import Layer, TenantError
from copydesk.tenancy.declared import Declared, Kind, declared_of
from copydesk.tenancy.revisions import RefusedSettings, Revision, RevisionState
from copydesk.web.format import with_unit
from copydesk.web.panel.standing import Standing
from copydesk.web.panel.written import unit_of, written

_LABELS = {
    "brand.name": lazy_gettext("Name"),
    "brand.tagline": lazy_gettext("Sentence below the name"),
    "brand.theme": lazy_gettext("Theme"),
    "brand.hosts": lazy_gettext("Host names"),
    "brand.colors.brand": lazy_gettext("Brand color"),
    "brand.colors.accent": lazy_gettext("Accent color"),
    "brand.colors.up": lazy_gettext("Color of gains"),
    "brand.colors.down": lazy_gettext("Color of losses"),
    "brand.logo": lazy_gettext("Logo"),
    "brand.favicon": lazy_gettext("Small icon"),
    "brand.font": lazy_gettext("Font"),
    "brand.radius_px": lazy_gettext("Roundness of corners"),
    "brand.density": lazy_gettext("Density"),
    "time_zone": lazy_gettext("Time zone"),
    "currency": lazy_gettext("Currency"),
    "locales": lazy_gettext("Languages"),
    "locale_default": lazy_gettext("First language"),
    "exchanges": lazy_gettext("Exchanges"),
    "markets": lazy_gettext("Markets"),
    "markets.*.on": lazy_gettext("On"),
    "markets.*.leverage_max": lazy_gettext("Leverage at most"),
    "markets.*.payout_weekday_ratio": lazy_gettext("Payout on weekdays"),
    "markets.*.payout_weekend_ratio": lazy_gettext("Payout at weekends"),
    "exchanges[].markets": lazy_gettext("Pairs"),
    "exchanges[].broker_id": lazy_gettext("Broker code"),
    "exchanges[].venue": lazy_gettext("Exchange"),
    "exchanges[].environment": lazy_gettext("Environment"),
    "smtp": lazy_gettext("Mail server"),
    "smtp.host": lazy_gettext("Server"),
    "smtp.port": lazy_gettext("Port"),
    "smtp.security": lazy_gettext("Encryption"),
    "smtp.username": lazy_gettext("User"),
    "smtp.password": lazy_gettext("Password"),
    "smtp.from": lazy_gettext("Sender"),
    "payments": lazy_gettext("Payment providers"),
    "kyc.provider": lazy_gettext("Provider"),
    "kyc.public": lazy_gettext("Public values"),
    "kyc.secrets": lazy_gettext("Keys"),
    "kyc": lazy_gettext("Identity checks"),
    "wording": lazy_gettext("Wording"),
    "letters": lazy_gettext("Mails"),
    "guests.enabled": lazy_gettext("Demo accounts"),
    "guests.balance": lazy_gettext("Simulated money to begin with"),
    "guests.days": lazy_gettext("Demo accounts kept for"),
    "guests.per_address_max": lazy_gettext("Demo accounts from one network in a day"),
    "guests.open_max": lazy_gettext("Demo accounts at once"),
    "terminal.confirm_above_percent": lazy_gettext("Market orders that ask again"),
    "notices.kept_days": lazy_gettext("Notices kept for"),
    "notices.devices_max": lazy_gettext("Browsers with push for one person"),
    "notices.digest_hour": lazy_gettext("Hour of the daily summary"),
    "notices.warn_at_percent": lazy_gettext("Warning before a stop"),
    "notices.telegram_bot": lazy_gettext("Telegram bot"),
    "notices.push_contact": lazy_gettext("Contact for push services"),
    "security.contact": lazy_gettext("Contact for weaknesses"),
    "security.hsts_preload": lazy_gettext("TLS alone, shipped with browsers"),
    "features.api": lazy_gettext("Answers for programs (JSON)"),
    "features.desk": lazy_gettext("Live desk"),
    "features.leaderboard": lazy_gettext("Public list of strategies"),
    "features.strategy_pages": lazy_gettext("Pages of strategies"),
    "features.traders": lazy_gettext("Registration of traders"),
    "fees.profit_share_ratio": lazy_gettext("Profit share"),
    "fees.profit_share_ratio_max": lazy_gettext("Highest profit share"),
    "fees.platform_ratio": lazy_gettext("The brand's part of the profit share"),
    "identity.registration": lazy_gettext("Registration"),
    "identity.second_factor": lazy_gettext("Second factor"),
    "identity.text_messages": lazy_gettext("Text messages"),
    "identity.session_idle_min": lazy_gettext("End of idle sessions"),
    "identity.session_hours_max": lazy_gettext("Longest session"),
    "identity.password_length_min": lazy_gettext("Shortest password"),
    "identity.history_days": lazy_gettext("Memory of sign-ins"),
    "keys.ip_lock": lazy_gettext("Keys bound to addresses"),
    "replication.slippage_bps_max": lazy_gettext("Price bound"),
    "replication.signal_age_ms_max": lazy_gettext("Oldest trade that is opened"),
    "replication.leverage_max": lazy_gettext("Highest leverage"),
    "replication.margin_mode": lazy_gettext("Margin mode"),
    "replication.round_up_ratio_max": lazy_gettext("Raising of small orders"),
    "replication.carry_s_max": lazy_gettext("Carrying of small shares"),
    "replication.mark_bps_max": lazy_gettext("Believed distance from the market"),
    "replication.exposure_max": lazy_gettext("Believed size of a position"),
    "ranking.weight_risk_adjusted": lazy_gettext("Weight of the return for the risk taken"),
    "ranking.weight_followers": lazy_gettext("Weight of the followers’ result"),
    "ranking.weight_drawdown": lazy_gettext("Weight of drawdown control"),
    "ranking.weight_length": lazy_gettext("Weight of the length of record"),
    "ranking.weight_own_stake": lazy_gettext("Weight of the trader's own stake"),
    "ranking.weight_fidelity": lazy_gettext("Weight of copies that succeed"),
    "ranking.weight_popularity": lazy_gettext("Weight of popularity"),
    "ranking.days_min": lazy_gettext("Shortest record"),
    "ranking.closed_min": lazy_gettext("Fewest closed positions"),
    "ranking.drawdown_ratio_max": lazy_gettext("Deepest fall"),
    "ranking.risk_max": lazy_gettext("Highest risk"),
    "studio.probation_days": lazy_gettext("Probation"),
    "studio.min_allocation_max": lazy_gettext("Largest minimum allocation"),
    "studio.followers_max": lazy_gettext("Most followers of a strategy"),
    "studio.private_strategies": lazy_gettext("Private strategies"),
    "studio.slippage_bps_bound": lazy_gettext("Slippage at which a strategy is full"),
    "risk.limits": lazy_gettext("Limits for everybody"),
    "risk.profiles.conservative": lazy_gettext("Profile: conservative"),
    "risk.profiles.balanced": lazy_gettext("Profile: balanced"),
    "risk.profiles.aggressive": lazy_gettext("Profile: aggressive"),
    "risk.protective_stops": lazy_gettext("Stops at the exchange"),
    "risk.protective_share_bps": lazy_gettext("Loss until the stop at the exchange"),
    "risk.protective_behind_bps": lazy_gettext("Distance of the stop at the exchange"),
}


def label_of(key: str) -> str:
    """Name a setting in the visitor's language; one without a name here is called by its key."""
    return str(_LABELS.get(key, key))


def has_label(key: str) -> bool:
    """Tell whether a setting has a name of its own."""
    return key in _LABELS


def origin_words(standing: Standing, author: str = "", number: int = 0) -> str:
    """Say where a value comes from: "from the file, line 12", "set here by Mara, revision 4"."""
    if standing.layer is Layer.PANEL:
        if number:
            return str(gettext("set here by %(author)s, revision %(number)s", author=author, number=number))
        return str(gettext("set here"))
    if standing.layer is Layer.TENANT:
        return str(gettext("from the file, line %(line)s", line=standing.line))
    if standing.layer is Layer.INSTALLATION:
        return str(gettext("from the installation's defaults"))
    return str(gettext("the default"))


def error_words(error: TenantError) -> str:
    """Say what is wrong with a value, by the name that its field has."""
    told = {"label": label_of(root_of(error.key)), "expected": error.expected, "found": error.found}
    return str(gettext("%(label)s: expected %(expected)s, found %(found)s.", **told))


def root_of(key: str, known: Iterable[str] = ()) -> str:
    """Return the setting that an error's place belongs to: `brand.hosts` for `brand.hosts.1`."""
    names = {*known, *_LABELS}
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in names:
            return name
    return key


def shown(key: str, value: object | None) -> str:
    """Write a value of a setting for people: shares as percentages, switches as words, nothing as a dash."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return str(gettext("on") if value else gettext("off"))
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    one = _declaration(key)
    text = written(one, value) if one else str(value)
    unit = unit_of(one) if one else ""
    return with_unit(text, unit) if unit and text else text


def place_words(key: str, place: str) -> tuple[str, str]:
    """Return the key that a place inside a setting has, and what the place is called: "BTC/USDT · Leverage at most"."""
    inside, _, leaf = place.rpartition(" ")
    found = next((name for name in (f"{key}.*.{leaf}", f"{key}[].{leaf}", f"{key}.{leaf}") if name in _LABELS), "")
    if not found:
        return key, place or label_of(key)
    return found, f"{inside} · {label_of(found)}" if inside else label_of(found)


def _declaration(key: str) -> Declared | None:
    try:
        return declared_of(key)
    except NotFound:
        return None


def meanwhile_words(key: str, revision: Revision, *, theirs: object, yours: object) -> str:
    """Say that somebody else changed a setting while a form was open, with both values."""
    told = {"label": label_of(key), "author": revision.author, "number": revision.id}
    if isinstance(theirs, dict | list):
        return str(
            gettext("%(label)s: %(author)s changed this meanwhile, with revision %(number)s. Look at it again.", **told)
        )
    values = {"theirs": shown(key, theirs), "yours": shown(key, yours)}
    return str(
        gettext(
            "%(label)s: %(author)s set this to %(theirs)s meanwhile, with revision %(number)s; you typed %(yours)s.",
            **told,
            **values,
        )
    )


def state_words(state: RevisionState) -> tuple[str, str]:
    """Name a revision's state, and the tone of its badge."""
    words = {
        RevisionState.PROPOSED: (gettext("waits for a second person"), "warn"),
        RevisionState.PUBLISHED: (gettext("published"), "ok"),
        RevisionState.REFUSED: (gettext("refused"), "bad"),
        RevisionState.SUPERSEDED: (gettext("overtaken by a later one"), "plain"),
    }
    told, tone = words[state]
    return str(told), tone


def refusal_words(refusal: Refused) -> str:
    """Say in the visitor's language why the desk refused; what has no words here says it itself."""
    if isinstance(refusal, RefusedSettings):
        return " ".join(error_words(error) for error in refusal.errors)
    sentences = {
        "same_person": gettext("You proposed this yourself: somebody else has to approve it."),
        "stale": gettext("The settings changed meanwhile. Look at them again."),
        "not_waiting": gettext("This was decided already."),
        "never_held": gettext("This revision never held, so there is nothing to go back to."),
        "unchanged": gettext("Nothing differs from what holds already."),
    }
    return str(sentences.get(refusal.code) or refusal)


def hint_words(declared: Declared) -> str:
    """Say what a setting means, what it may be, and what it is where nobody says anything."""
    if declared.key in OWN_HINTS:
        return str(OWN_HINTS[declared.key])
    parts = [str(gettext(declared.help))] if declared.help else []
    low, high = (
        shown(declared.key, bound) if bound is not None else "" for bound in (declared.minimum, declared.maximum)
    )
    if low and high:
        parts.append(gettext("From %(low)s to %(high)s.", low=low, high=high))
    elif low or high:
        parts.append(gettext("At least %(low)s.", low=low) if low else gettext("At most %(high)s.", high=high))
    if declared.many or declared.kind is Kind.LINES:
        parts.append(gettext("One a line."))
    elif declared.default not in (None, ""):
        default = declared.default
        words = choice_words(declared.key, str(default)) if declared.choices else shown(declared.key, default)
        parts.append(gettext("Default: %(default)s.", default=words))
    return " ".join(str(part) for part in parts)


# Where a form asks for something else than the file does: a picture is named there, and sent here.
OWN_HINTS = {
    "brand.theme": lazy_gettext("How pages are laid out and drawn."),
    "brand.logo": lazy_gettext("A PNG, JPEG or WebP picture of at most 2 MiB. Without one there is a monogram."),
    "brand.favicon": lazy_gettext("A PNG, JPEG or WebP picture. Without one it is made from the logo."),
    "brand.font": lazy_gettext("A WOFF2 file of at most 512 KiB. Without one the theme's font stands."),
}
_CHOICES = {
    "comfortable": lazy_gettext("comfortable"),
    "compact": lazy_gettext("compact"),
    "cross": lazy_gettext("cross: all of the account's money"),
    "isolated": lazy_gettext("isolated: the position's own margin"),
    "open": lazy_gettext("open to everybody"),
    "invite": lazy_gettext("by invitation"),
    "closed": lazy_gettext("closed"),
    "required": lazy_gettext("required"),
    "optional": lazy_gettext("optional"),
    "advised": lazy_gettext("advised"),
    "off": lazy_gettext("off"),
    "files": lazy_gettext("into files, for demos"),
}


def choice_words(key: str, choice: str) -> str:
    """Say what one of a few values means; names such as those of themes are said as they are."""
    return str(_CHOICES.get(choice, choice)) if key != "brand.theme" else choice.capitalize()
