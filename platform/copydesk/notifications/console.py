"""The twin of a mail server: puts each letter into a folder, where whoever runs the installation can read it."""

from __future__ import annotations

import os
from pathlib import Path

from copydesk.kernel import Unavailable
from copydesk.notifications.message import message_of
from copydesk.notifications.model import Letter

_PRIVATE = 0o600


class ConsoleMailer:
    """Write `<folder>/<id>.eml`, readable by its owner only: a letter may hold a link that signs somebody in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        content = message_of(letter).as_bytes()
        path = self._folder / f"{letter.id}.eml"
        begun = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            begun.unlink(missing_ok=True)
            with open(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as file:  # noqa: PTH123
                file.write(content)
            begun.replace(path)
        except OSError as error:
            raise Unavailable(f"the folder {self._folder} cannot be written: {error.strerror}") from None
