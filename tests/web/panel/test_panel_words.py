"""Nothing that a brand's people may change is without a place in the panel, or without a name of its own."""

from __future__ import annotations

from copydesk.bootstrap import declared_settings
from copydesk.tenancy.declared import Declared, declared, override_key
from copydesk.web.panel.sections import SECTIONS, section_for
from copydesk.web.panel.words import choice_words, has_label, place_words, root_of, shown
from flask import Flask
from form_posts import NO_PAGE


def changeable() -> list[Declared]:
    return [one for one in declared(declared_settings()) if one.panel and override_key(one.key) is not None]


def test_every_key_that_a_brand_may_change_has_its_section() -> None:
    homeless = [one.key for one in changeable() if section_for(one.key) is None]
    assert homeless == []


def test_every_key_that_a_brand_may_change_has_a_name() -> None:
    assert [one.key for one in changeable() if not has_label(one.key)] == []


def test_every_section_has_a_path_of_its_own() -> None:
    paths = [section.path for section in SECTIONS]
    assert len(set(paths)) == len(paths)


def test_a_share_is_written_as_a_percentage_a_switch_as_a_word_and_nothing_as_a_dash(app: Flask) -> None:
    with app.test_request_context(NO_PAGE):
        assert shown("replication.slippage_bps_max", 40) == "40\u00a0bps"
        assert shown("risk.protective_stops", False) == "off"
        assert shown("brand.hosts", ["a.example", "b.example"]) == "a.example, b.example"
        assert shown("security.contact", "") == "–"
        assert choice_words("brand.theme", "aurora") == "Aurora"
        assert choice_words("brand.density", "compact") == "compact"


def test_a_place_inside_a_setting_is_called_by_what_it_is(app: Flask) -> None:
    with app.test_request_context(NO_PAGE):
        assert place_words("markets", "BTC/USDT leverage_max")[1] == "BTC/USDT · Leverage at most"
        assert place_words("exchanges", "okx broker_id")[1] == "okx · Broker code"
        assert place_words("wording", "de Copies")[1] == "de Copies"
        assert root_of("brand.hosts.1") == "brand.hosts"
        assert root_of("nothing.known") == "nothing.known"
