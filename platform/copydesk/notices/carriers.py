"""The carriers of each brand, as its settings and secrets say now."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from copydesk.db import TenantSession
from copydesk.kernel import Clock
from copydesk.notices.channels.line import Line
from copydesk.notices.channels.port import Carrier
from copydesk.notices.channels.push import PushCarrier
from copydesk.notices.channels.telegram import TOKEN_SECRET, TelegramCarrier
from copydesk.notices.channels.webhook import WebhookCarrier
from copydesk.notices.model import Channel
from copydesk.notices.outbox import Custom
from copydesk.notices.settings import DIGEST_HOUR, PUSH_CONTACT, TELEGRAM_BOT
from copydesk.notices.vapid import Secrets, vapid_key
from copydesk.tenancy import Tenant, setting_value


def custom_of(tenant: Tenant) -> Custom:
    """Return what a brand's settings say about telling."""
    return Custom(ZoneInfo(tenant.config.time_zone), setting_value(tenant, DIGEST_HOUR, int))


class Carriers:
    """Makes carriers, and keeps each as long as what it was made of stays the same."""

    def __init__(
        self, line: Line, clock: Clock, secrets: Secrets, telegram_url: str, *, bots: Line | None = None
    ) -> None:
        """`line` leads where people say; `bots` to where the installation says that Telegram is."""
        self._line = line
        self._bots = bots or line
        self._clock = clock
        self._secrets = secrets
        self._telegram_url = telegram_url
        self._webhook = WebhookCarrier(line, clock)
        self._kept: dict[tuple[str, Channel], tuple[tuple[Any, ...], Carrier]] = {}

    def of(self, session: TenantSession, tenant: Tenant, channel: Channel) -> Carrier | None:
        """Return who carries a brand's messages by a channel; None where the brand has not set it up."""
        if channel is Channel.WEBHOOK:
            return self._webhook
        if channel is Channel.TELEGRAM:
            return self.telegram(tenant)
        assert channel is Channel.PUSH, "mail has an outbox of its own"
        contact = setting_value(tenant, PUSH_CONTACT, str) or f"https://{tenant.hosts[0]}"
        made_of = (vapid_key(session, self._secrets, tenant.slug), contact)
        return self._keep(tenant, channel, made_of, lambda: PushCarrier(self._line, self._clock, *made_of))

    def telegram(self, tenant: Tenant) -> TelegramCarrier | None:
        """Return a brand's bot; None for a brand without one."""
        if not setting_value(tenant, TELEGRAM_BOT, str):
            return None
        token = self._secrets.get(tenant.slug, TOKEN_SECRET)
        if token is None:
            return None
        made = self._keep(
            tenant, Channel.TELEGRAM, (token,), lambda: TelegramCarrier(self._bots, self._telegram_url, token)
        )
        assert isinstance(made, TelegramCarrier)
        return made

    def _keep(self, tenant: Tenant, channel: Channel, made_of: tuple[Any, ...], make: Any) -> Carrier:
        known = self._kept.get((tenant.slug, channel))
        if known is None or known[0] != made_of:
            known = self._kept[tenant.slug, channel] = (made_of, make())
        return known[1]
