"""What a tenant file may say, and how each mistake is reported."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from copydesk.tenancy import host_conflicts, missing_secrets
from copydesk.trading import Environment
from tenant_site import Site

SMTP = """\
smtp:
  host: mail.example
  username: north
  password: secret:smtp_password
  from: hello@north.example
payments:
  - provider: stripe
    public: {publishable_key: pk_1}
    secrets: {api_key: "secret:stripe_key"}
"""


def test_a_complete_file_loads(site: Site, good: str) -> None:
    tenant = site.tenant(good + SMTP + "replication: {slippage_bps_max: 20}\nrisk: {loss_ratio_max: 0.1}\n")
    assert (tenant.slug, tenant.name, tenant.hosts, tenant.theme) == ("north", "North", ("north.example",), "plain")
    assert tenant.config.exchanges[0].environment is Environment.LAB
    assert tenant.config.time_zone == "UTC"
    assert tenant.config.brand.colors.tokens() == {"brand": "#112233"}
    assert tenant.settings["risk.loss_ratio_max"] == Decimal("0.1")
    assert tenant.asset_path("logo.svg").is_file()


@pytest.mark.parametrize(
    ("old", "new", "key", "expected", "found"),
    [
        ("schema: 2", "schema: 3", "schema", "2", "3"),
        ("theme: plain", "theme: plane", "brand.theme", "an installed theme: dense, plain", '"plane"'),
        ("[north.example]", "[https://north.example]", "brand.hosts.0", "without scheme", "https://"),
        ("[north.example]", "[]", "brand.hosts", "at least one entry", "an empty list"),
        ("[north.example]", "north.example", "brand.hosts", "a list", "text"),
        ("[north.example]", "[a.example, a.example]", "brand.hosts", "each entry once", "a.example more than once"),
        ('"#112233"', "blue", "brand.colors.brand", "#c2410c", '"blue"'),
        ("logo: logo.svg", "logo: ../logo.svg", "brand.logo", "beside the tenant file", "../logo.svg"),
        ("logo: logo.svg", "logo: other.svg", "brand.logo", "a file beside", "no file 'other.svg'"),
        ("[en, de]", "[en, xx_YY]", "locales.1", "a locale such as", '"xx_YY"'),
        ("locale_default: en", "locale_default: fr", "locale_default", "one of `locales`: de, en", '"fr"'),
        ("locale_default: en", "locale_default: en\ntime_zone: Europe/Bonn", "time_zone", "Europe/Berlin", "Bonn"),
        ("locale_default: en", "locale_default: en\ntime_zone: ../etc", "time_zone", "Europe/Berlin", "../etc"),
        ("venue: binance", "venue: mtgox", "exchanges.0.venue", "binance", '"mtgox"'),
        ("environment: lab", "environment: test", "exchanges.0.environment", "'live' or 'lab'", '"test"'),
        ("[BTC/USDT]", "[BTCUSDT]", "exchanges.0.markets.0", "BTC/USDT", '"BTCUSDT"'),
        ("venue: binance", "venue: kraken", "exchanges.0.venue", "bitget", '"kraken"'),
        ("[BTC/USDT]", '["BTC/USDT:USDC"]', "exchanges.0.markets.0", "settled in its quote", '"BTC/USDT:USDC"'),
        ("[BTC/USDT]", '["BTC/USDC:USDC"]', "exchanges", "the brand's currency USDT", "BTC/USDC:USDC"),
        ("[BTC/USDT]", "[BTC/USDT]\n    broker_id: abc", "exchanges.0.broker_id", "6 to 9", '"abc"'),
        ("[BTC/USDT]", "[BTC/USDT]\n    broker_id: a-c", "exchanges.0.broker_id", "1 to 16", '"a-c"'),
        ("name: North", "name: 7", "brand.name", "text", "7"),
        ("name: North", "nam: North", "brand.nam", "did you mean name?", "the unknown key nam"),
        ("locale_default: en", "locale_default: en\nreplicaton: {}", "replicaton", "did you mean replication?", ""),
        ("  tagline: Copy with care\n", "", "brand.tagline", "required", "nothing"),
        ("logo: logo.svg", "logo: stored:ab.svg", "brand.logo", "an uploaded .svg", "stored:ab.svg"),
        (
            "locale_default: en",
            "locale_default: en\nmarkets: {ETH/USDT: {}}",
            "markets",
            "`exchanges` lists",
            "ETH/USDT",
        ),
        (
            "locale_default: en",
            "locale_default: en\nmarkets: {BTC/USDT: {leverage_max: 3}}",
            "markets",
            "perpetuals",
            "",
        ),
        (
            "locale_default: en",
            "locale_default: en\nmarkets: {BTC/USDT: {payout_weekend_ratio: 1.5}}",
            "markets.BTC/USDT.payout_weekend_ratio",
            "a number from 0 to 1",
            "1.5",
        ),
        (
            "locale_default: en",
            'locale_default: en\nwording: {de: {"Hello %(name)s": "Hallo %(nam)s"}}',
            "wording",
            "%(name)s in the words for 'Hello %(name)s'",
            "%(nam)s",
        ),
    ],
)
def test_each_mistake_names_key_expectation_and_finding(
    site: Site, good: str, old: str, new: str, key: str, expected: str, found: str
) -> None:
    errors = {error.key: error for error in site.errors(good.replace(old, new))}
    assert expected in errors[key].expected
    assert found in errors[key].found


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "bitget"])
def test_every_exchange_may_list_pairs_and_perpetuals(site: Site, good: str, venue: str) -> None:
    text = good.replace("venue: binance", f"venue: {venue}").replace("[BTC/USDT]", '[BTC/USDT, "BTC/USDT:USDT"]')
    (exchange,) = site.tenant(text).config.exchanges
    assert (exchange.venue, exchange.markets) == (venue, ("BTC/USDT", "BTC/USDT:USDT"))


def test_a_short_broker_id_is_fine_where_it_is_no_part_of_order_ids(site: Site, good: str) -> None:
    text = good.replace("venue: binance", "venue: bitget\n    broker_id: abc")
    assert site.tenant(text).config.exchanges[0].broker_id == "abc"


@pytest.mark.parametrize(
    ("line", "key", "expected", "found"),
    [
        ("replication: {slippage_bps_max: 301}", "replication.slippage_bps_max", "from 1 to 300", "301"),
        ("replication: {slippage_bps_max: true}", "replication.slippage_bps_max", "a whole number", "true"),
        ('replication: {slippage_bps_max: "50"}', "replication.slippage_bps_max", "a whole number", '"50"'),
        ("replication: {mode: martingale}", "replication.mode", "one of ratio, fixed", '"martingale"'),
        ("replication: {slipage_bps_max: 50}", "replication.slipage_bps_max", "replication.slippage_bps_max?", ""),
        ("replication: {shards: 4}", "replication.shards", "config/defaults.yaml only", ""),
        ("replication: 5", "replication", "a map of settings", "5"),
        ("risk: {denied: [1]}", "risk.denied", "a list of texts", "a list"),
    ],
)
def test_settings_are_held_to_their_declaration(
    site: Site, good: str, line: str, key: str, expected: str, found: str
) -> None:
    (error,) = site.errors(f"{good}{line}\n")
    assert error.key == key
    assert expected in error.expected
    assert found in error.found


def test_every_error_comes_at_once_with_its_line(site: Site, good: str, line_of: Callable[[str, str], int]) -> None:
    text = good.replace("name: North", "name: 7").replace("[BTC/USDT]", "[BTC/USDT, eth]") + "risk: {odd: 1}\n"
    errors = site.errors(text)
    assert [error.key for error in errors] == ["brand.name", "exchanges.0.markets.1", "risk.odd"]
    assert [error.line for error in errors] == [line_of(text, part) for part in ("name: 7", "eth", "odd")]
    assert str(errors[0]).startswith(f"{errors[0].file}:3: brand.name: expected text, found 7")


@pytest.mark.parametrize("value", ["hunter2", "12345678", "[hunter2]", "secret:Hunter2 "])
def test_a_plaintext_secret_is_an_error_that_does_not_repeat_it(site: Site, good: str, value: str) -> None:
    text = good + SMTP.replace("secret:smtp_password", value).replace('"secret:stripe_key"', value)
    errors = site.errors(text)
    assert [error.key for error in errors] == ["smtp.password", "payments.0.secrets.api_key"]
    assert all("secret:smtp_password" in error.expected for error in errors)
    assert not any(part in str(error).lower() for error in errors for part in ("hunter2", "12345678"))


def test_a_secret_among_public_fields_is_an_error(site: Site, good: str) -> None:
    (error,) = site.errors(good + SMTP.replace("publishable_key: pk_1", "secret_key: sk_live_1"))
    assert error.key == "payments.0.public"
    assert "sk_live_1" not in str(error)


def test_references_that_the_store_lacks_are_reported(site: Site, good: str) -> None:
    tenant = site.tenant(good + SMTP)
    (error,) = missing_secrets(tenant, {"smtp_password"}.__contains__)
    assert (error.key, error.found) == ("payments.0.secrets.api_key", "missing secret stripe_key")
    assert error.line == 1 + (good + SMTP).splitlines().index('    secrets: {api_key: "secret:stripe_key"}')


def test_two_tenants_claiming_one_host_are_reported_with_both_places(site: Site, good: str) -> None:
    north, south = site.tenant(good, "north"), site.tenant(good, "south")
    (error,) = host_conflicts(south, [north, south])
    assert error.key == "brand.hosts.0"
    assert f"{north.path}:5" in error.found


def test_an_empty_file_and_a_bad_folder_name_are_reported(site: Site, good: str) -> None:
    (error,) = site.errors("")
    assert (error.expected, error.found) == ("a map of keys", "nothing")
    loaded = site.load(good, "North Brand")
    assert isinstance(loaded, list)
    assert "folder name" in loaded[0].expected
