"""What the parts of `bench push` share: the brand's host, and roles that serve."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.bench.crowd import BRAND
from copydesk.bootstrap import Runtime
from copydesk.kernel import Unavailable
from copydesk.stack import ROLES, RoleOptions, wait_until
from copydesk.stack.process import port_answers

PATIENCE_S = 60
# No whole part of a second, so that whoever asks every second is met at any moment of theirs.
APART_S = 0.37


def expect_port(port: int, role: str) -> None:
    """Wait until a role serves. Raises `Unavailable` where it does not."""
    if not wait_until(lambda: port_answers(port), patience_s=PATIENCE_S, poll_s=0.1):
        raise Unavailable(f"{role} does not serve; see log/{role}.log")


def pages_command(options: RoleOptions, words: Sequence[str]) -> list[str]:
    """Return the command of the process of open pages; `words` come after the command's name."""
    live = next(role for role in ROLES if role.name == "live")
    return [live.argv(options)[0], *words]


def host_of(runtime: Runtime) -> str:
    """Return the host of the brand that is measured."""
    return runtime.tenant(runtime.tenant_ids[BRAND]).hosts[0]
