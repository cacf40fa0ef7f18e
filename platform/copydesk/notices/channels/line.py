"""The one way out for all channels: HTTP whose connections lead where they were allowed to lead."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from copydesk.kernel import InvalidInput
from copydesk.kernel.internet import is_public
from copydesk.notices.channels.port import Outcome, outcome_of, retry_after
from copydesk.notices.model import DeliveryState, Reason
from copydesk.notices.outbound import require_address

TIMEOUT_S = 10.0
_ANSWER_BYTES_MAX = 16 * 1024
_LINES_MAX = 64


class NotPublic(OSError):
    """A name leads into a private network."""


class _PublicResolver(AbstractResolver):
    """Resolve names to public addresses; one that has another besides has none at all."""

    def __init__(self, asked: AbstractResolver) -> None:
        self._asked = asked

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._asked.resolve(host, port, family)
        if not all(is_public(ip_address(one["host"].partition("%")[0])) for one in found):
            raise NotPublic(f"{host} does not lead into the public internet")
        return found

    async def close(self) -> None:
        await self._asked.close()


class Answered:
    """What came back, as far as it is read."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Line:
    """Post to addresses that people wrote down. Open it on the loop that uses it; close it with `aclose`.

    With `private` (`notices.private_targets`) it leads anywhere. What answers for names is injected for tests alone.
    """

    def __init__(
        self, *, private: bool = False, timeout_s: float = TIMEOUT_S, names: AbstractResolver | None = None
    ) -> None:
        self._private = private
        resolver = None if private else _PublicResolver(names or ThreadedResolver())
        connector = TCPConnector(resolver=resolver, limit=_LINES_MAX, use_dns_cache=private)
        self._session = ClientSession(connector=connector, timeout=ClientTimeout(total=timeout_s), trust_env=False)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Send one request and return its answer, whatever its status; redirects come back as answers.

        Raises `InvalidInput` for an address that may not be sent to, `NotPublic` for a name that leads inside, and
        what else goes wrong as `aiohttp.ClientError`, `OSError` or `TimeoutError`.
        """
        require_address(url, private=self._private)
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return Answered(answer.status, answer.headers, await answer.content.read(_ANSWER_BYTES_MAX))
        except ClientError as error:
            # What the resolver said comes wrapped.
            if isinstance(error.__cause__, NotPublic) or isinstance(getattr(error, "os_error", None), NotPublic):
                raise NotPublic(str(error)) from error
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


def asked_to_wait(answered: Answered) -> timedelta | None:
    """Return how long an answer asks to be left alone, as HTTP says it. Pure."""
    return retry_after(answered.headers.get("Retry-After"))


async def carried(
    posting: Awaitable[Answered],
    *,
    gone: frozenset[int],
    wait: Callable[[Answered], timedelta | None] = asked_to_wait,
) -> Outcome:
    """Say what came of posting a message, whether or not anything answered."""
    try:
        answered = await posting
    except REFUSED_HERE:
        return Outcome(DeliveryState.FAILED, Reason.NOT_PUBLIC)
    except NO_ANSWER:
        return Outcome(DeliveryState.WAITING, Reason.NO_ANSWER)
    return outcome_of(answered.status, gone=gone, wait=wait(answered))


NO_ANSWER = (ClientError, OSError, TimeoutError)
REFUSED_HERE = (InvalidInput, NotPublic)
