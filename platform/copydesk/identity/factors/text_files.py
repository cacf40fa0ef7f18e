"""Puts text messages into a folder instead of sending them: the twin of a provider, for development and demos."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from copydesk.kernel import Unavailable


class TextFiles:
    """Write each message into a file of its own that only this user reads; the newest sorts last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"TextFiles({str(self._folder)!r})"

    def send(self, to: str, text: str) -> None:
        """Write the message; raises `Unavailable` where the folder cannot be written."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = sum(1 for _ in self._folder.glob("*.json"))
            path = self._folder / f"{number:06d}-{secrets.token_hex(4)}.json"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"to": to, "text": text}, file, ensure_ascii=False)
        except OSError as error:
            raise Unavailable(f"the folder of text messages cannot be written: {error.strerror}") from None
