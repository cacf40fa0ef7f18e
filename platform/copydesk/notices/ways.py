"""Where deliveries lead, opened for the moment of sending; and what is noted of a way that leads nowhere any more."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, func, select, update

from copydesk.db import TenantSession
from copydesk.notices.channels.port import Chat, Hook, Outcome, Pushed, Target
from copydesk.notices.model import Channel, DeliveryState
from copydesk.notices.tables import ADDRESS_FIELD, PUSH_KEYS_FIELD, SECRET_FIELD, NoticeAddress, PushDevice
from copydesk.notifications import Seal

_BLIND = {"synchronize_session": False}


def targets_of(
    session: TenantSession, seal: Seal, wanted: Collection[tuple[int, Channel]]
) -> Mapping[tuple[int, Channel], tuple[Target, ...]]:
    """Return where each wanted (user, channel) leads: several browsers, one chat, one webhook, or nowhere."""
    users = sorted({user_id for user_id, _ in wanted})
    found: defaultdict[tuple[int, Channel], list[Target]] = defaultdict(list)
    devices = select(PushDevice).where(PushDevice.user_id.in_(users), PushDevice.gone_at.is_(None))
    for device in session.scalars(devices.order_by(PushDevice.id)):
        if (device.user_id, Channel.PUSH) in wanted and device.keys is not None:
            keys = json.loads(seal.open(session.tenant_id, device.id, PUSH_KEYS_FIELD, device.keys))
            found[device.user_id, Channel.PUSH].append(Pushed(device.id, **keys))
    addresses = select(NoticeAddress).where(NoticeAddress.user_id.in_(users), NoticeAddress.confirmed_at.is_not(None))
    for row in session.scalars(addresses):
        way = (row.user_id, Channel(row.channel))
        if way in wanted and row.address is not None:
            found[way].append(_address(session.tenant_id, seal, row, row.address))
    return {way: tuple(found[way]) for way in wanted}


def _address(tenant_id: int, seal: Seal, row: NoticeAddress, sealed: bytes) -> Target:
    address = seal.open(tenant_id, row.id, ADDRESS_FIELD, sealed)
    if row.channel == Channel.TELEGRAM:
        return Chat(address)
    assert row.secret is not None, "a webhook is stored with its secret"
    return Hook(address, seal.open(tenant_id, row.id, SECRET_FIELD, row.secret))


def note_device(session: TenantSession, device_id: int, outcome: Outcome, now: datetime) -> None:
    """Give up a browser whose push service knows it no longer; its keys are erased."""
    if outcome.gone:
        leaving = update(PushDevice).where(PushDevice.id == device_id).values(gone_at=now, keys=None)
        session.execute(leaving, execution_options=_BLIND)


def note_address(session: TenantSession, user_id: int, channel: Channel, outcome: Outcome, now: datetime) -> None:
    """Note since when an address fails; forget one that does not want to be written to any more."""
    mine = (NoticeAddress.user_id == user_id, NoticeAddress.channel == channel)
    if outcome.gone:
        session.execute(delete(NoticeAddress).where(*mine), execution_options=_BLIND)
        return
    sent = outcome.state is DeliveryState.SENT
    since = None if sent else func.coalesce(NoticeAddress.failing_since, now)
    doubtful = NoticeAddress.failing_since.is_not(None) if sent else NoticeAddress.failing_since.is_(None)
    session.execute(update(NoticeAddress).where(*mine, doubtful).values(failing_since=since), execution_options=_BLIND)
