"""What commands about one brand's rows share: their options, and the installation opened for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.installation import open_installation, with_installation
from copydesk.cli.surroundings import server_environment
from copydesk.kernel import NotFound

_F = TypeVar("_F", bound=Callable[..., Any])

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of output.")
_TENANT = click.option("--tenant", required=True, help="The brand, by its slug.")


def on_brand(act: _F) -> _F:
    """Add the options that every such command has, and open the installation for it: it gets `runtime`."""
    return on_installation(_TENANT(act))


def on_installation(act: _F) -> _F:
    """Do as `on_brand` for a command that is about the whole platform, or names its brand by an option of its own."""

    @wraps(act)
    def opened(root: Path, var: Path | None, **options: Any) -> Any:
        with _runtime(root, var) as runtime:
            return act(runtime=runtime, **options)

    return _JSON(with_installation(opened))  # type: ignore[return-value]


def brand_id(runtime: Runtime, slug: str) -> int:
    """Return a brand's id; raises NotFound."""
    if slug not in runtime.tenant_ids:
        raise NotFound(f"there is no brand {slug}")
    return runtime.tenant_ids[slug]


@contextmanager
def _runtime(root: Path, var: Path | None) -> Iterator[Runtime]:
    runtime = Runtime(server_environment(open_installation(root, var), os.environ))
    try:
        yield runtime
    finally:
        runtime.close()
