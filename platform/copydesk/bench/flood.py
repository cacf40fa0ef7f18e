"""A paced load of sign-ins and page visits on one site, which ends by itself.

Open loop: each request has its moment, whatever became of those before, and its time runs from that moment on, so that
a site that stalls is not spared the requests that would have come meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp

SIGN_IN = "/account/sign-in"
PAGE = "/strategies"
PAGES_PER_S = 10.0
_PATIENCE_S = 30.0
_FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')
_UNANSWERED = 0


class Try(NamedTuple):
    """One sign-in: what is typed, from which address, and whether it is right."""

    email: str
    password: str
    address: str
    right: bool


@dataclass
class Heard:
    """What came back: milliseconds of each kind of request, and how often each status was answered."""

    sign_in_ms: list[float] = field(default_factory=list)
    page_ms: list[float] = field(default_factory=list)
    sign_in_answers: Counter[int] = field(default_factory=Counter)
    page_answers: Counter[int] = field(default_factory=Counter)


class Form(NamedTuple):
    """A sign-in form as a browser has it: the cookie and the token that belong together."""

    cookie: str
    token: str


class Visitors:
    """Everybody who visits one site on loopback under its brand's host."""

    def __init__(self, http: aiohttp.ClientSession, port: int, host: str) -> None:
        self._http = http
        self._base = f"http://127.0.0.1:{port}"
        self._host = f"{host}:{port}"
        self.heard = Heard()

    async def form(self) -> Form:
        """Open the sign-in page once; what it holds serves every visitor, for it belongs to a cookie alone."""
        async with self._http.get(self._base + SIGN_IN, headers={"Host": self._host}) as answer:
            page = await answer.text()
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        found = _FIELD.search(page)
        assert found, "the sign-in page has no form"
        return Form(cookie, found[1])

    async def sign_in(self, one: Try, form: Form, due: float) -> None:
        """Send one sign-in and hear what came of it."""
        headers = {"Host": self._host, "X-Forwarded-For": one.address, "Cookie": form.cookie}
        typed = {"csrf_token": form.token, "email": one.email, "password": one.password}
        status = await self._status("POST", SIGN_IN, headers, typed)
        self.heard.sign_in_ms.append(_ms_since(due))
        self.heard.sign_in_answers[status] += 1

    async def look(self, due: float) -> None:
        """Visit a page that needs no account."""
        status = await self._status("GET", PAGE, {"Host": self._host}, None)
        self.heard.page_ms.append(_ms_since(due))
        self.heard.page_answers[status] += 1

    async def _status(self, method: str, path: str, headers: dict[str, str], typed: dict[str, str] | None) -> int:
        url = self._base + path
        try:
            async with self._http.request(method, url, headers=headers, data=typed, allow_redirects=False) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return _UNANSWERED


async def visit(port: int, host: str, tries: Sequence[Try], *, rate: float, seconds: float) -> Heard:
    """Let the tries come at this rate, and pages be visited besides for as long; return what was heard."""
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        visitors = Visitors(http, port, host)
        form = await visitors.form()
        await visitors.look(_now())  # Templates are read by the first visit.
        visitors.heard = Heard()
        pages = _at_rate(PAGES_PER_S, seconds, visitors.look)
        asked = iter(tries)
        await asyncio.gather(pages, _at_rate(rate, seconds, lambda due: visitors.sign_in(next(asked), form, due)))
        return visitors.heard


async def _at_rate(rate: float, seconds: float, act: Callable[[float], Coroutine[None, None, None]]) -> None:
    """Begin an act at each of its moments, and wait for the last of them to end."""
    begin = _now()
    async with asyncio.TaskGroup() as acts:
        for due in moments(rate, seconds):
            await asyncio.sleep(max(begin + due - _now(), 0))
            acts.create_task(act(begin + due))


def moments(rate: float, seconds: float) -> Iterator[float]:
    """Yield when each of so many acts a second is due, in seconds from the beginning; none at no rate."""
    return (number / rate for number in range(int(rate * seconds)))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ms_since(due: float) -> float:
    return (_now() - due) * 1000.0
