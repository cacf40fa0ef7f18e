"""Where somebody is reached: browsers that take push, a Telegram chat, a webhook. Addresses are kept sealed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound
from copydesk.notices.model import Channel, DeliveryState
from copydesk.notices.outbound import require_address
from copydesk.notices.tables import (
    ADDRESS_FIELD,
    PUSH_KEYS_FIELD,
    SECRET_FIELD,
    NoticeAddress,
    NoticeDelivery,
    PushDevice,
)
from copydesk.notifications import Seal

CODE_LASTS = timedelta(minutes=15)
# The delivery of no notice: somebody wants to see whether their webhook works.
TEST_NOTICE_ID = 0
NAME_LEN_MAX = 60
_POINT_BYTES, _AUTH_BYTES = 65, 16
_UNCOMPRESSED = 4


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser's push subscription says: where to, and the keys that only it can read with, as base64url."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that takes push, as its owner sees it."""

    id: int
    name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Connected:
    """Where a channel leads: `address` as its owner gave it, None for a chat that is not confirmed yet."""

    channel: Channel
    address: str | None
    made_at: datetime
    confirmed_at: datetime | None
    failing_since: datetime | None


def add_device(
    session: TenantSession,
    seal: Seal,
    user_id: int,
    browser: Browser,
    *,
    name: str,
    at: datetime,
    devices_max: int,
    private: bool = False,
) -> int:
    """Have a browser take somebody's push from now on, and return its id; the same browser again is the same device.

    Raises `InvalidInput` for what no push service gave out; `private` as `notices.private_targets` says.
    """
    require_address(browser.endpoint, private=private)
    _require_keys(browser)
    known = hashlib.sha256(browser.endpoint.encode()).digest()
    values = {"name": " ".join(name.split())[:NAME_LEN_MAX], "made_at": at, "gone_at": None}
    adding = insert(PushDevice).values(tenant_id=session.tenant_id, user_id=user_id, endpoint_hash=known, **values)
    adding = adding.on_conflict_do_update(index_elements=("tenant_id", "user_id", "endpoint_hash"), set_=values)
    device_id = session.scalars(adding.returning(PushDevice.id)).one()
    told = {"endpoint": browser.endpoint, "p256dh": browser.p256dh, "auth": browser.auth}
    device = session.get_one(PushDevice, (session.tenant_id, device_id))
    device.keys = seal.seal(session.tenant_id, device_id, PUSH_KEYS_FIELD, json.dumps(told))
    session.flush()
    surplus = select(PushDevice.id).where(PushDevice.user_id == user_id, PushDevice.gone_at.is_(None))
    too_many = surplus.order_by(PushDevice.made_at.desc(), PushDevice.id.desc()).offset(devices_max)
    session.execute(delete(PushDevice).where(PushDevice.id.in_(too_many)), execution_options=_BLIND)
    return device_id


def devices_of(session: TenantSession, user_id: int) -> list[Device]:
    """Return the browsers that take somebody's push, the newest first."""
    query = select(PushDevice).where(PushDevice.user_id == user_id, PushDevice.gone_at.is_(None))
    rows = session.scalars(query.order_by(PushDevice.made_at.desc(), PushDevice.id.desc()))
    return [Device(row.id, row.name, row.made_at) for row in rows]


def remove_device(session: TenantSession, user_id: int, device_id: int) -> None:
    """Push to one of somebody's own browsers no longer; raises `NotFound`, also for another's."""
    query = delete(PushDevice).where(PushDevice.user_id == user_id, PushDevice.id == device_id)
    if session.scalars(query.returning(PushDevice.id), execution_options=_BLIND).one_or_none() is None:
        raise NotFound(f"there is no device {device_id}")


def remove_browser(session: TenantSession, user_id: int, endpoint: str) -> bool:
    """Push no longer to the browser that has this address; False where there is none."""
    known = hashlib.sha256(endpoint.encode()).digest()
    query = delete(PushDevice).where(PushDevice.user_id == user_id, PushDevice.endpoint_hash == known)
    return session.scalars(query.returning(PushDevice.id), execution_options=_BLIND).one_or_none() is not None


def connected(session: TenantSession, seal: Seal, user_id: int) -> dict[Channel, Connected]:
    """Return where somebody's channels lead; a channel that was never connected is left out."""
    rows = session.scalars(select(NoticeAddress).where(NoticeAddress.user_id == user_id))
    return {Channel(row.channel): _connected(session.tenant_id, seal, row) for row in rows}


def connect_webhook(
    session: TenantSession, seal: Seal, user_id: int, url: str, *, at: datetime, private: bool = False
) -> str:
    """Send somebody's notices to an address of theirs, and return the new secret that signs them: it is shown once.

    Raises `InvalidInput` for an address that is not https:// with a name, or that names a private network.
    """
    require_address(url, private=private)
    secret = f"whsec_{secrets.token_urlsafe(24)}"
    row = _fresh(session, user_id, Channel.WEBHOOK, at)
    row.confirmed_at = at
    row.address = seal.seal(session.tenant_id, row.id, ADDRESS_FIELD, url)
    row.secret = seal.seal(session.tenant_id, row.id, SECRET_FIELD, secret)
    session.flush()
    return secret


def begin_telegram(session: TenantSession, user_id: int, *, at: datetime) -> str:
    """Return a code that connects the chat which sends it to the brand's bot: once, within `CODE_LASTS`.

    The link for people is `https://t.me/<bot>?start=<code>`.
    """
    code = secrets.token_urlsafe(16)
    row = _fresh(session, user_id, Channel.TELEGRAM, at)
    row.code_hash, row.code_until = hashlib.sha256(code.encode()).digest(), at + CODE_LASTS
    session.flush()
    return code


def confirm_telegram(session: TenantSession, seal: Seal, code: str, chat: str, *, at: datetime) -> int | None:
    """Connect the chat that sent a code, and return whose it is; None for a code that is not (or no longer) good."""
    query = select(NoticeAddress).where(NoticeAddress.code_hash == hashlib.sha256(code.encode()).digest())
    row = session.scalars(query.with_for_update()).one_or_none()
    if row is None or row.code_until is None or row.code_until < at:
        return None
    row.address = seal.seal(session.tenant_id, row.id, ADDRESS_FIELD, chat)
    row.code_hash, row.code_until, row.confirmed_at, row.failing_since = None, None, at, None
    session.flush()
    return row.user_id


def awaits_telegram(session: TenantSession, *, at: datetime) -> bool:
    """Tell whether anybody of the brand has a code that they may send to the bot now."""
    query = select(NoticeAddress.id).where(NoticeAddress.code_hash.is_not(None), NoticeAddress.code_until >= at)
    return session.scalars(query.limit(1)).one_or_none() is not None


def disconnect(session: TenantSession, user_id: int, channel: Channel) -> bool:
    """Forget where a channel leads, and tell whether it led anywhere."""
    query = delete(NoticeAddress).where(NoticeAddress.user_id == user_id, NoticeAddress.channel == channel)
    return session.scalars(query.returning(NoticeAddress.id), execution_options=_BLIND).one_or_none() is not None


def ask_for_test(session: TenantSession, user_id: int, *, at: datetime) -> None:
    """Have role `worker` send a test message to somebody's webhook within moments; the log tells what came of it."""
    query = select(NoticeAddress.id).where(NoticeAddress.user_id == user_id, NoticeAddress.channel == Channel.WEBHOOK)
    if session.scalars(query).one_or_none() is None:
        raise NotFound("there is no webhook to test")
    values = {"channel": str(Channel.WEBHOOK), "state": str(DeliveryState.WAITING), "made_at": at, "due_at": at}
    asking = insert(NoticeDelivery).values(
        tenant_id=session.tenant_id, notice_id=TEST_NOTICE_ID, user_id=user_id, **values
    )
    session.execute(asking)


_BLIND: Mapping[str, bool] = {"synchronize_session": False}


def _fresh(session: TenantSession, user_id: int, channel: Channel, at: datetime) -> NoticeAddress:
    disconnect(session, user_id, channel)
    row = NoticeAddress(tenant_id=session.tenant_id, user_id=user_id, channel=str(channel), made_at=at)
    session.add(row)
    session.flush()
    return row


def _connected(tenant_id: int, seal: Seal, row: NoticeAddress) -> Connected:
    address = None if row.address is None else seal.open(tenant_id, row.id, ADDRESS_FIELD, row.address)
    return Connected(Channel(row.channel), address, row.made_at, row.confirmed_at, row.failing_since)


def _require_keys(browser: Browser) -> None:
    """Check what RFC 8291 wants of a browser: an uncompressed point of P-256, and sixteen bytes."""
    point, auth = _bytes_of(browser.p256dh), _bytes_of(browser.auth)
    if len(point) != _POINT_BYTES or point[0] != _UNCOMPRESSED or len(auth) != _AUTH_BYTES:
        raise InvalidInput("push: expected the keys of a browser's subscription (p256dh and auth)")


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
