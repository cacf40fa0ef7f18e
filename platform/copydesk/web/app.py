"""Builds the Flask application that serves every brand of the installation."""

from __future__ import annotations

from typing import Any

from flask import Flask

from copydesk.db import sqlalchemy_url
from copydesk.kernel import Clock, SystemClock
from copydesk.web import (
    act_words,
    decisions,
    figure_words,
    flag_words,
    limit_sentences,
    market,
    risk_words,
    score_words,
    words,
)
from copydesk.web import format as figures
from copydesk.web.access import init_access
from copydesk.web.account import account
from copydesk.web.api import api, own_api
from copydesk.web.catalogs import TRANSLATIONS
from copydesk.web.chart_lines import chart_depths, chart_points
from copydesk.web.copying import copying
from copydesk.web.copying.in_mind import copy_in_mind
from copydesk.web.csrf import csrf_field, csrf_token, init_csrf
from copydesk.web.database import ENGINE_OPTIONS, db
from copydesk.web.errors import init_errors
from copydesk.web.factors import factor_words, factors
from copydesk.web.guests import guests
from copydesk.web.headers import init_headers
from copydesk.web.health import health
from copydesk.web.home import home, home_words
from copydesk.web.keys import keys
from copydesk.web.legal import legal
from copydesk.web.legal_links import init_legal
from copydesk.web.me_link import init_me_links
from copydesk.web.notices import notices
from copydesk.web.notices.unread import unread_notices
from copydesk.web.panel import panel
from copydesk.web.phone import init_kept_pages, phone
from copydesk.web.port import Runtime
from copydesk.web.proxies import Proxies
from copydesk.web.public import public
from copydesk.web.public.private import init_private
from copydesk.web.public.what_if import init_what_if
from copydesk.web.reader import reader_timezone
from copydesk.web.returning import given_back, init_returning
from copydesk.web.risk import risk
from copydesk.web.risk.prices import init_prices
from copydesk.web.site import Sites, babel_locale, init_sites
from copydesk.web.staff import own_access, staff
from copydesk.web.studio import invitation, studio
from copydesk.web.suspended import init_suspended
from copydesk.web.terminal import init_terminal, terminal
from copydesk.web.theme import Themes
from copydesk.web.uploads import init_uploads
from copydesk.web.visitor import init_visitors
from copydesk.web.wallets import wallets
from copydesk.web.watching import watching
from copydesk.web.wording import BrandBabel

_BODY_BYTES_MAX = 64 * 1024
_WORDS = (
    *(words.words, words.state_words, words.sizing_words, words.reason_label),
    risk_words.limit_words,
    *(limit_sentences.limit_sentence, limit_sentences.limit_amount, limit_sentences.scope_words),
    limit_sentences.profile_words,
    *(act_words.place_words, act_words.drift_words),
    *(decisions.purpose_words, decisions.sized_words, decisions.together_words, decisions.joined_words),
    *(market.traded_at, market.traded_as, market.copied_as, market.trades_at, market.held_as),
    *(market.leverage_words, market.side_words),
    *(figure_words.style_words, figure_words.held_words, figure_words.month_names, figure_words.returned_over),
    *(flag_words.flag_label, flag_words.flag_sentence, score_words.part_name, score_words.gate_sentence),
    *(factor_words.factor_name, unread_notices),
    *(copy_in_mind, given_back),
    *(chart_points, chart_depths),
    *(home_words.stop_name, home_words.stop_does, market.move_words),
)
_PAGES = (
    public,
    copying,
    api,
    own_api,
    risk,
    account,
    factors,
    home,
    keys,
    guests,
    legal,
    terminal,
    notices,
    watching,
    panel,
    phone,
    staff,
    studio,
    invitation,
    wallets,
    own_access,
)


def create_app(runtime: Runtime, *, clock: Clock | None = None) -> Flask:
    """Build the application; nothing is sent to PostgreSQL yet."""
    app = Flask("copydesk.web", static_folder=None, template_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=sqlalchemy_url(runtime.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
        BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS),
        MAX_CONTENT_LENGTH=_BODY_BYTES_MAX,
    )
    clock = clock or SystemClock()
    app.extensions["copydesk_clock"] = clock
    app.extensions["copydesk_runtime"] = runtime
    app.extensions["copydesk_proxies"] = Proxies(runtime.trusted_proxies)
    app.extensions["copydesk_sites"] = sites = Sites(runtime)
    db.init_app(app)
    babel = BrandBabel(app, locale_selector=babel_locale, timezone_selector=reader_timezone, configure_jinja=False)
    additions: dict[str, dict[str, Any]] = {
        "filters": {
            **figures.filters(clock.now),
            **{"words": words.words, "state_words": words.state_words, "begun": figures.begun},
            **{"exact_number": figure_words.told, "tenths": figure_words.tenths},
        },
        "globals": {f.__name__: f for f in (*_WORDS, csrf_field, csrf_token)},
        "texts": {"gettext": babel.domain_instance.gettext, "ngettext": babel.domain_instance.ngettext},
    }
    app.extensions["copydesk_themes"] = Themes(runtime.themes_dir, additions)
    init_sites(app, sites)
    init_uploads(app)
    init_headers(app)
    init_csrf(app, runtime)
    init_me_links(app, runtime)
    init_returning(app, runtime)
    init_visitors(app)
    init_kept_pages(app)
    init_suspended(app)
    init_access(app)
    init_errors(app)
    init_prices(app, runtime)
    init_terminal(app, runtime)
    init_what_if(app, runtime, clock)
    init_legal(app)
    init_private(app)
    for pages in _PAGES:
        app.register_blueprint(pages)
    app.add_url_rule("/health", "health", health)
    return app
