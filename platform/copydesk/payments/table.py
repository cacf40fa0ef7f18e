"""Every payment provider: its fields, its addresses and the question that proves its keys. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from copydesk.providers import Ask, Field, Given, Provider

_API_KEY = Field("api_key", "API key")


def _stripe(given: Given, _at: datetime) -> Ask:
    return Ask("GET", "/v1/balance", {"Authorization": f"Bearer {given.secrets['secret_key']}"})


def _nowpayments(given: Given, _at: datetime) -> Ask:
    return Ask("GET", "/v1/merchant/coins", {"x-api-key": given.secrets["api_key"]})


def _coinbase_commerce(given: Given, _at: datetime) -> Ask:
    headers = {"X-CC-Api-Key": given.secrets["api_key"], "X-CC-Version": "2018-03-22"}
    return Ask("GET", "/charges?limit=1", headers)


def _coingate(given: Given, _at: datetime) -> Ask:
    return Ask("GET", "/v2/auth/test", {"Authorization": f"Bearer {given.secrets['api_key']}"})


def _paypal(given: Given, _at: datetime) -> Ask:
    """Ask for an access token, which is thrown away: with client credentials that is what a sign-in is."""
    pair = f"{given.public['client_id']}:{given.secrets['client_secret']}".encode()
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Ask("POST", "/v1/oauth2/token", headers, b"grant_type=client_credentials")


_TABLE = (
    Provider(
        "stripe",
        "Stripe",
        public=(Field("publishable_key", "Publishable key", required=False, starts=("pk_",)),),
        secrets=(
            Field("secret_key", "Secret key", starts=("sk_", "rk_")),
            Field("webhook_secret", "Webhook signing secret", required=False, starts=("whsec_",)),
        ),
        bases={"live": "https://api.stripe.com"},
        ask=_stripe,
        docs="https://docs.stripe.com/api/balance/balance_retrieve",
    ),
    Provider(
        "nowpayments",
        "NOWPayments",
        secrets=(_API_KEY, Field("ipn_secret", "IPN secret key", required=False)),
        bases={"live": "https://api.nowpayments.io", "sandbox": "https://api-sandbox.nowpayments.io"},
        ask=_nowpayments,
        docs="https://documenter.getpostman.com/view/7907941/2s93JusNJt",
    ),
    Provider(
        "coinbase_commerce",
        "Coinbase Commerce",
        secrets=(_API_KEY, Field("webhook_secret", "Webhook shared secret", required=False)),
        bases={"live": "https://api.commerce.coinbase.com"},
        ask=_coinbase_commerce,
        docs="https://docs.cdp.coinbase.com/commerce/docs/api-authentication",
    ),
    Provider(
        "coingate",
        "CoinGate",
        secrets=(Field("api_key", "API auth token"),),
        bases={"live": "https://api.coingate.com", "sandbox": "https://api-sandbox.coingate.com"},
        ask=_coingate,
        docs="https://developer.coingate.com/reference/auth-test",
    ),
    Provider(
        "paypal",
        "PayPal",
        public=(Field("client_id", "Client ID"),),
        secrets=(Field("client_secret", "Client secret"),),
        bases={"live": "https://api-m.paypal.com", "sandbox": "https://api-m.sandbox.paypal.com"},
        ask=_paypal,
        docs="https://developer.paypal.com/api/rest/authentication/",
    ),
)
PROVIDERS: Mapping[str, Provider] = MappingProxyType({provider.name: provider for provider in _TABLE})
"""Every payment provider by the name that a brand's file has for it."""
