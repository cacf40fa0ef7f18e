"""Every provider that identifies people: its fields, its addresses and the question that proves its keys. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from copydesk.providers import Ask, Field, Given, Provider

# A session that no customer has: right keys are told that there is none, wrong ones that they are wrong.
_NO_SESSION = "00000000-0000-4000-8000-000000000000"


def _signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _sumsub(given: Given, at: datetime) -> Ask:
    """List the verification levels; second, method and path are signed, and must be right within a minute.

    Source: docs.sumsub.com/reference/authentication.
    """
    method, path, second = "GET", "/resources/applicants/-/levels", str(int(at.timestamp()))
    headers = {
        "X-App-Token": given.secrets["app_token"],
        "X-App-Access-Ts": second,
        "X-App-Access-Sig": _signature(given.secrets["secret_key"], second + method + path),
    }
    return Ask(method, path, headers)


def _onfido(given: Given, _at: datetime) -> Ask:
    return Ask("GET", "/v3.6/webhooks", {"Authorization": f"Token token={given.secrets['api_token']}"})


def _veriff(given: Given, _at: datetime) -> Ask:
    """Ask for a session that is not there; of a GET the session's id is what is signed."""
    headers = {
        "X-AUTH-CLIENT": given.secrets["api_key"],
        "X-HMAC-SIGNATURE": _signature(given.secrets["shared_secret"], _NO_SESSION),
    }
    return Ask("GET", f"/v1/sessions/{_NO_SESSION}/decision", headers)


def _persona(given: Given, _at: datetime) -> Ask:
    headers = {"Authorization": f"Bearer {given.secrets['api_key']}", "Persona-Version": "2023-01-05"}
    return Ask("GET", "/api/v1/inquiries?page[size]=1", headers)


_TABLE = (
    Provider(
        "sumsub",
        "Sumsub",
        public=(Field("level_name", "Level name"),),
        secrets=(Field("app_token", "App token"), Field("secret_key", "Secret key")),
        bases={"live": "https://api.sumsub.com"},
        ask=_sumsub,
        docs="https://docs.sumsub.com/reference/authentication",
    ),
    Provider(
        "onfido",
        "Onfido",
        secrets=(
            Field("api_token", "API token", starts=("api_",)),
            Field("webhook_token", "Webhook token", required=False),
        ),
        bases={
            "eu": "https://api.eu.onfido.com",
            "us": "https://api.us.onfido.com",
            "ca": "https://api.ca.onfido.com",
        },
        ask=_onfido,
        docs="https://documentation.onfido.com/api/latest/#authentication",
    ),
    Provider(
        "veriff",
        "Veriff",
        secrets=(Field("api_key", "API key"), Field("shared_secret", "Shared secret key")),
        bases={"live": "https://stationapi.veriff.com"},
        ask=_veriff,
        docs="https://devdocs.veriff.com/docs/general-faq",
        accepted=frozenset({200, 404}),
    ),
    Provider(
        "persona",
        "Persona",
        public=(Field("template_id", "Inquiry template ID", starts=("itmpl_",)),),
        secrets=(
            Field("api_key", "API key", starts=("persona_",)),
            Field("webhook_secret", "Webhook secret", required=False, starts=("wbhsec_",)),
        ),
        bases={"live": "https://api.withpersona.com"},
        ask=_persona,
        docs="https://docs.withpersona.com/api-reference/inquiries/list-all-inquiries",
    ),
)
PROVIDERS: Mapping[str, Provider] = MappingProxyType({provider.name: provider for provider in _TABLE})
"""Every provider by the name that a brand's file has for it."""
