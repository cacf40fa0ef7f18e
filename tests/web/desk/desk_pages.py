"""The pages of the risk desk, and what a test reads of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from copydesk.db import TenantSession
from flask.testing import FlaskClient
from risk_seed import RiskSeeded

Open = Callable[..., FlaskClient]
Store = Callable[[], AbstractContextManager[TenantSession]]


def plain(page: str) -> str:
    """Return a page's words without its tags."""
    inline = re.sub(r"</?(?:span|bdi|time)\b[^>]*>", "", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", inline)).replace("\xa0", " ")


def pages(desk: RiskSeeded) -> dict[str, str]:
    return {
        "brand": "/risk",
        "brand now": "/risk/now",
        "own": f"/risk/subscriptions/{desk.running}",
        "own now": f"/risk/subscriptions/{desk.running}/now",
        "other": f"/risk/subscriptions/{desk.stopped}",
        "other now": f"/risk/subscriptions/{desk.stopped}/now",
    }
