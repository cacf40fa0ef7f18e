"""Web Push: encrypted for one browser (RFC 8291), signed with the brand's own key (RFC 8292), at its push service."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

import orjson
from py_vapid import Vapid02  # type: ignore[import-untyped]
from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]

from copydesk.kernel import Clock
from copydesk.notices.channels.line import Line, carried
from copydesk.notices.channels.port import Message, Outcome, Pushed, Target
from copydesk.notices.model import DeliveryState, Reason

# How long a push service keeps what a phone cannot take just now.
KEPT_FOR = timedelta(hours=12)
# A token of ours may live a day at most (RFC 8292, 2); each serves many messages to one service.
_SIGNED_FOR = timedelta(hours=12)
_SIGNED_ANEW = timedelta(hours=6)
# Push services must take 4096 bytes (RFC 8030, 7.2): so many characters fit, whatever the language.
_TITLE_CHARS_MAX, _BODY_CHARS_MAX = 120, 500
_TOPIC_CHARS = 32
# 404 and 410: the subscription is gone for good (RFC 8030, 7.3).
_GONE = frozenset({404, 410})


class PushCarrier:
    """Push as one brand. `contact` is whom push services write to: an https: or mailto: address."""

    def __init__(self, line: Line, clock: Clock, vapid_pem: str, contact: str) -> None:
        self._line = line
        self._clock = clock
        self._vapid = Vapid02.from_pem(vapid_pem.encode())
        self._contact = contact
        self._signed: dict[str, tuple[float, str]] = {}

    def __repr__(self) -> str:
        return f"PushCarrier({self._contact})"

    async def carry(self, message: Message, target: Target) -> Outcome:
        assert isinstance(target, Pushed), "a browser is push's"
        if message.words is None:
            return Outcome(DeliveryState.WAITING, Reason.NOT_SET_UP)
        keys = {"p256dh": target.p256dh, "auth": target.auth}
        try:
            pusher = WebPusher({"endpoint": target.endpoint, "keys": keys})
            body = pusher.encode(payload_of(message), content_encoding="aes128gcm")["body"]
        except (WebPushException, ValueError):
            return Outcome(DeliveryState.FAILED, Reason.GONE, gone=True)  # Keys that nobody can encrypt with.
        headers = {
            "Authorization": self._authorization(target.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(KEPT_FOR.total_seconds())),
            "Topic": topic_of(message.topic),
            "Urgency": "high" if message.urgent else "normal",
        }
        return await carried(self._line.post(target.endpoint, body, headers), gone=_GONE)

    def _authorization(self, endpoint: str) -> str:
        """Sign for a push service; one signature serves for hours."""
        parts = urlsplit(endpoint)
        audience, now = f"{parts.scheme}://{parts.netloc}", self._clock.now().timestamp()
        signed_at, header = self._signed.get(audience, (0.0, ""))
        if now - signed_at > _SIGNED_ANEW.total_seconds():
            ends = int(now + _SIGNED_FOR.total_seconds())
            header = str(self._vapid.sign({"aud": audience, "exp": ends, "sub": self._contact})["Authorization"])
            self._signed[audience] = (now, header)
        return header


def payload_of(message: Message) -> bytes:
    """Return what the service worker shows: `url` is a path of the brand's own site, `tag` replaces its like. Pure."""
    words = message.words
    assert words is not None, "there is nothing to show without words"
    told = {
        "title": words.title[:_TITLE_CHARS_MAX],
        "body": words.body[:_BODY_CHARS_MAX],
        "url": words.path,
        "tag": message.topic,
        "id": message.notice_id,
    }
    return orjson.dumps(told)


def topic_of(topic: str) -> str:
    """Return a topic as RFC 8030 (5.4) allows it: at most 32 characters of base64url, which tell nobody what it is."""
    return base64.urlsafe_b64encode(hashlib.sha256(topic.encode()).digest()).decode()[:_TOPIC_CHARS]
