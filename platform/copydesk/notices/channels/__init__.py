"""Channels: Web Push, Telegram and signed webhooks behind one port. Mail goes through the outbox of mail."""

from copydesk.notices.channels.port import Carrier, Chat, Hook, Message, Outcome, Pushed, Target

__all__ = ["Carrier", "Chat", "Hook", "Message", "Outcome", "Pushed", "Target"]
