"""How a role proves to the key server who it is: by files that the environment names, with tokens or roles in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from copydesk.kernel import ConfigError

TOKEN_FILE = "COPYDESK_VAULT_TOKEN_FILE"  # noqa: S105 - the name of a variable, not a token
ROLE_ID_FILE = "COPYDESK_VAULT_ROLE_ID_FILE"
SECRET_ID_FILE = "COPYDESK_VAULT_SECRET_ID_FILE"  # noqa: S105 - likewise


class SignIn(Protocol):
    """Give a token for the server that `client` speaks to; asked again when the server refuses the last one."""

    def token(self, client: Any) -> str: ...


@dataclass(frozen=True)
class TokenFile:
    """A token in a file, which an agent beside us may write anew at any time."""

    path: Path

    def token(self, client: Any) -> str:
        """Read the token as it is now."""
        del client
        return _read(self.path)


@dataclass(frozen=True)
class AppRole:
    """The two halves of a role, from which each process gets a token of its own."""

    role_id: Path
    secret_id: Path

    def token(self, client: Any) -> str:
        """Ask the server for a token."""
        answer = client.auth.approle.login(_read(self.role_id), _read(self.secret_id))
        return str(answer["auth"]["client_token"])


@dataclass(frozen=True)
class SignInByEnvironment:
    """Whatever the environment names, looked for when somebody has to sign in: who opens nothing needs none."""

    environ: Mapping[str, str] = field(repr=False)

    def token(self, client: Any) -> str:
        """Get a token; `ConfigError` where the environment names no way."""
        return sign_in_from(self.environ).token(client)


def sign_in_from(environ: Mapping[str, str]) -> SignIn:
    """Return what the environment names; raise `ConfigError` where it names nothing."""
    if token := environ.get(TOKEN_FILE):
        return TokenFile(Path(token))
    role_id, secret_id = environ.get(ROLE_ID_FILE), environ.get(SECRET_ID_FILE)
    if role_id and secret_id:
        return AppRole(Path(role_id), Path(secret_id))
    raise ConfigError(
        f"vault.provider is transit, but the environment names no sign-in: set {TOKEN_FILE}, "
        f"or both {ROLE_ID_FILE} and {SECRET_ID_FILE}"
    )


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file {path} for the key server cannot be read: {error}") from None
    if mode & 0o007:
        raise ConfigError(f"the file {path} for the key server must not be readable by all, found {mode:04o}")
    if not text:
        raise ConfigError(f"the file {path} for the key server is empty")
    return text
