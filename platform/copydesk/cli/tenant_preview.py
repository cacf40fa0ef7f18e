"""Renders a brand's `/_patterns` page into one file that needs nothing else: styles, pictures and fonts go inside."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient

from copydesk.bootstrap import Runtime
from copydesk.cli.web import SiteRuntime
from copydesk.kernel import ConfigError
from copydesk.tenancy import LayerValues, Tenant, TenantError
from copydesk.web import create_app

_SHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)"[^>]*>')
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_LINKED = re.compile(r"\b(src|href)=\"(/(?:theme|brand|icon|pictures)[^\"#]*)")
_URL = re.compile(r"url\(\s*[\"']?([^)\"'#]+)[\"']?\s*\)")
_ADDRESS = "http://preview.localhost"


@dataclass(frozen=True)
class _OneBrand:
    """A directory of a single brand, which serves every host."""

    tenant: Tenant
    defaults: LayerValues

    @property
    def revision_hash(self) -> str:
        return self.tenant.revision_hash

    def by_host(self, host: str) -> Tenant:
        del host
        return self.tenant

    def by_slug(self, slug: str) -> Tenant | None:
        return self.tenant if slug == self.tenant.slug else None

    def all(self) -> tuple[Tenant, ...]:
        return (self.tenant,)

    def problems(self) -> tuple[TenantError, ...]:
        return ()

    def refresh(self) -> bool:
        return False

    def refresh_if_due(self) -> bool:
        return False


class _PreviewRuntime(SiteRuntime):
    """The installation with one brand as it might become; keeps, signs and sends nothing."""

    def __init__(self, runtime: Runtime, tenant: Tenant) -> None:
        super().__init__(runtime, live_address="http://{host}", site_address="http://{host}")
        object.__setattr__(self, "_brand", _OneBrand(tenant, runtime.directory.defaults))

    @property
    def directory(self) -> _OneBrand:  # type: ignore[override]  # Pages ask for no more of a directory.
        found: _OneBrand = self.__dict__["_brand"]
        return found

    @property
    def themes_dir(self) -> Path:
        return self.runtime.places.themes.absolute()

    @property
    def tenant_ids(self) -> Mapping[str, int]:
        return {self.directory.tenant.slug: 0}

    def signing_key(self, purpose: str, slug: str) -> bytes:
        return f"{purpose} of {slug}, for a look".encode()


def rendered(runtime: Runtime, tenant: Tenant) -> str:
    """Return the page; raises ConfigError where the theme cannot render it."""
    app = create_app(_PreviewRuntime(runtime, replace(tenant, path=tenant.path.absolute())))
    client = app.test_client()
    answer = client.get("/_patterns", base_url=_ADDRESS)
    if answer.status_code != 200:
        raise ConfigError(f"the theme {tenant.theme} does not render its components: it answers {answer.status_code}")
    page = _SCRIPT.sub("", answer.get_data(as_text=True))
    page = _SHEET.sub(lambda found: f"<style>{_styles(client, found[1])}</style>", page)
    return _LINKED.sub(lambda found: f'{found[1]}="{_inlined(client, found[2])}', page)


def _styles(client: FlaskClient, address: str) -> str:
    text = _fetched(client, address)[0].decode()
    return _URL.sub(lambda found: f'url("{_inlined(client, urljoin(address, found[1].strip()))}")', text)


def _inlined(client: FlaskClient, address: str) -> str:
    """Return a file as a data address; what lies elsewhere, or is no file of the site, stays as it is."""
    if urlsplit(address).scheme:
        return address
    data, kind = _fetched(client, address)
    return f"data:{kind};base64,{base64.b64encode(data).decode()}" if data else address


def _fetched(client: FlaskClient, address: str) -> tuple[bytes, str]:
    answer = client.get(address.replace("&amp;", "&"), base_url=_ADDRESS)
    found = (answer.get_data(), answer.mimetype or "") if answer.status_code == 200 else (b"", "")
    answer.close()
    return found
