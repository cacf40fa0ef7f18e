"""Telegram: the brand's own bot tells notices to chats that asked for it with a one-time code.

Source: https://core.telegram.org/bots/api (sendMessage, getUpdates, "Making requests when getting updates").
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from copydesk.notices.channels.line import NO_ANSWER, REFUSED_HERE, Answered, Line, asked_to_wait, carried
from copydesk.notices.channels.port import Chat, Message, Outcome, Target
from copydesk.notices.model import DeliveryState, Reason

TOKEN_SECRET = "telegram_bot_token"  # noqa: S105 - the name of a secret
TEXT_LEN_MAX = 4_096
_JSON = {"Content-Type": "application/json"}
_START = "/start "
# 403: the person blocked the bot, or deleted their account.
_GONE = frozenset({403})
_CODE_LEN_MAX = 64


class Started(NamedTuple):
    """Somebody opened the bot with a code; `update` numbers what the bot was told."""

    update: int
    code: str
    chat_id: str


class TelegramCarrier:
    """Send as one bot. The token is a part of each address, and never shown."""

    def __init__(self, line: Line, url: str, token: str) -> None:
        self._line = line
        self._address = f"{url.rstrip('/')}/bot{token}"

    def __repr__(self) -> str:
        return "TelegramCarrier()"

    async def carry(self, message: Message, target: Target) -> Outcome:
        assert isinstance(target, Chat), "a chat is Telegram's"
        if message.words is None:
            return Outcome(DeliveryState.WAITING, Reason.NOT_SET_UP)
        words = message.words
        text = f"{words.title}\n{words.body}\n{words.url}"[:TEXT_LEN_MAX]
        told = {"chat_id": target.chat_id, "text": text, "link_preview_options": {"is_disabled": True}}
        posting = self._line.post(f"{self._address}/sendMessage", orjson.dumps(told), _JSON)
        return await carried(posting, gone=_GONE, wait=_wait)

    async def started(self, after_update: int) -> list[Started]:
        """Return who opened the bot with a code since an update; nobody while Telegram cannot be asked."""
        asked = {"offset": after_update + 1, "timeout": 0, "allowed_updates": ["message"]}
        try:
            answered = await self._line.post(f"{self._address}/getUpdates", orjson.dumps(asked), _JSON)
        except (*REFUSED_HERE, *NO_ANSWER):
            return []
        return list(starts_in(answered.body)) if answered.status == 200 else []


def starts_in(body: bytes) -> Iterator[Started]:
    """Read what a bot was told; what is none of ours is passed over. Pure."""
    for update in _updates(body):
        match update:
            case {"update_id": int(number), "message": {"text": str(text), "chat": {"id": int(chat)}}}:
                code = text.removeprefix(_START).strip() if text.startswith(_START) else ""
                if code and len(code) <= _CODE_LEN_MAX:
                    yield Started(number, code, str(chat))


def _updates(body: bytes) -> list[Any]:
    try:
        told = orjson.loads(body)
    except ValueError:
        return []
    found = told.get("result") if isinstance(told, dict) else None
    return found if isinstance(found, list) else []


def _wait(answered: Answered) -> timedelta | None:
    """Read how long Telegram wants to be left alone: it says so in the body."""
    try:
        told = orjson.loads(answered.body)["parameters"]["retry_after"]
    except (ValueError, KeyError, TypeError):
        return asked_to_wait(answered)
    return timedelta(seconds=told) if isinstance(told, int) else None
