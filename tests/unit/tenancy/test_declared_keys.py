"""One list says of every key what it is, what it takes, and who may change it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.kernel import NotFound
from copydesk.tenancy import Declared, Kind, declared, declared_of
from copydesk.tenancy.declared import override_key
from copydesk.tenancy.document import parse_document
from copydesk.tenancy.telling import facts, takes, yaml_of
from tenant_site import Site


def of(site: Site, key: str) -> Declared:
    return declared_of(key, site.settings)


def test_keys_of_the_file_and_settings_stand_in_one_list_without_the_installation_s(site: Site) -> None:
    keys = [one.key for one in declared(site.settings)]
    assert keys[:3] == ["schema", "brand", "brand.name"]
    assert keys[-3:] == ["replication.slippage_bps_max", "risk.denied", "risk.loss_ratio_max"]
    assert "replication.shards" not in keys
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("key", "kind", "many", "said"),
    [
        ("brand.hosts", Kind.HOST, True, "A list of host names"),
        ("brand.density", Kind.CHOICE, False, "One of comfortable, compact"),
        ("brand.radius_px", Kind.WHOLE, False, "A whole number from 0 to 32, in px"),
        ("exchanges[].venue", Kind.CHOICE, False, "One of binance, okx, bybit, bitget"),
        ("exchanges[].environment", Kind.CHOICE, False, "One of live, lab"),
        ("exchanges[].markets", Kind.LINES, False, "A list of texts"),
        ("markets.*.payout_weekend_ratio", Kind.NUMBER, False, "A number from 0 to 1"),
        ("smtp.password", Kind.SECRET, False, "A reference secret:<name>"),
        ("replication.mode", Kind.CHOICE, False, "One of ratio, fixed"),
        ("risk.denied", Kind.LINES, False, "A list of texts"),
    ],
)
def test_each_key_says_what_it_takes(site: Site, key: str, kind: Kind, many: bool, said: str) -> None:
    one = of(site, key)
    assert (one.kind, one.many, takes(one)) == (kind, many, said)


def test_what_is_inside_a_list_or_map_is_changed_with_it(site: Site) -> None:
    assert of(site, "exchanges[].venue").whole == "exchanges"
    assert of(site, "letters.*.*.subject").whole == "letters"
    replaceable = {one.key for one in declared(site.settings) if override_key(one.key, site.settings)}
    assert {"brand.colors.up", "exchanges", "markets", "wording", "smtp.host", "risk.denied"} <= replaceable
    assert replaceable.isdisjoint({"brand", "brand.colors", "smtp", "exchanges[].venue", "markets.*.on", "nothing"})


def test_marks_go_down_to_what_is_inside(site: Site) -> None:
    assert of(site, "smtp.host").sensitive
    assert of(site, "payments[].provider").sensitive
    assert not of(site, "markets").sensitive
    assert of(site, "markets.*.payout_weekday_ratio").sensitive
    assert not of(site, "exchanges[].environment").panel


def test_required_optional_and_default_are_told_apart(site: Site) -> None:
    assert facts(of(site, "brand.name")) == ["Text.", "Required."]
    assert facts(of(site, "brand.font")) == ["A file beside tenant.yaml."]
    assert facts(of(site, "currency")) == ["Text.", "Default: USDT.", "Not in the panel."]
    assert "Takes two people in the panel." in facts(of(site, "brand.hosts"))
    assert of(site, "payments").default == []


def test_an_unknown_key_suggests_the_closest(site: Site) -> None:
    with pytest.raises(NotFound, match=r"did you mean brand\.colors\.brand\?"):
        of(site, "brand.color.brand")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (None, "null"),
        (Decimal("0.30"), "0.30"),
        ("on", '"on"'),
        ("#c2410c", '"#c2410c"'),
        ("BTC/USDT:USDT", '"BTC/USDT:USDT"'),
        ("a: b", '"a: b"'),
        ("7", '"7"'),
        (["en", "pt_BR"], "[en, pt_BR]"),
        ({"on": False}, '{"on": false}'),
    ],
)
def test_values_are_written_as_the_file_reads_them(value: object, written: str) -> None:
    assert yaml_of(value) == written
    assert parse_document(f"key: {written}").data == {"key": value}
