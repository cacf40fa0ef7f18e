"""A running OpenBao as these tests use it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.vault.transit import TransitKeyStore, TransitPlace
from copydesk.vault.transit_sign_in import TokenFile

ROOT_TOKEN = "root-token-of-this-test"


@dataclass(frozen=True)
class KeyServer:
    """A running OpenBao with its transit engine mounted, and somebody who may do anything there."""

    url: str
    folder: Path
    root: Any

    def token_file(self, name: str, token: str) -> Path:
        path = self.folder / name
        path.write_text(token + "\n")
        path.chmod(0o600)
        return path

    def key_store(self, key: str, token: str = ROOT_TOKEN) -> TransitKeyStore:
        place = TransitPlace(self.url, "transit", key)
        return TransitKeyStore(place, TokenFile(self.token_file(f"token-{key}", token)))
