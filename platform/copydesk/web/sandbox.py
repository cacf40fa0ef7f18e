"""Jinja's sandbox as pages use it: what is the same for every call is found out once.

A page calls hundreds of macros and reads more than a thousand attributes; what is asked each time is most of its time.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import cached_property
from types import FunctionType, MethodType
from typing import Any

from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ATTRIBUTES_KNOWN_MAX = 10_000


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of one theme's templates."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Look up once whether an attribute of a type is safe: it depends on nothing else."""
        kind = type(obj)
        if obj.__class__ is not kind:  # It stands for something else.
            return super().is_safe_attribute(obj, attr, value)
        known = self._safe.get((kind, attr))
        if known is None:
            if len(self._safe) >= _ATTRIBUTES_KNOWN_MAX:
                self._safe.clear()
            known = self._safe[kind, attr] = super().is_safe_attribute(obj, attr, value)
        return known

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call macros and our own functions at once; a macro is safe, and wants to know how its page is escaped."""
        if type(obj) is Macro:
            args = (context.eval_ctx, *args)
        elif id(obj) in self._saying:
            args = (context, *args)
        elif id(obj) not in self._plain:
            return super().call(context, obj, *args, **kwargs)
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        return obj(*args, **kwargs)

    @cached_property
    def _saying(self) -> frozenset[int]:
        """Return what says texts: of its page it asks how it is escaped, and never what a loop around it has."""
        return frozenset(id(self.globals[name]) for name in ("_", "gettext", "ngettext"))

    @cached_property
    def _plain(self) -> frozenset[int]:
        """Return which functions that every template sees are safe and want nothing but their arguments."""
        found = (one for one in self.globals.values() if isinstance(one, FunctionType | MethodType))
        return frozenset(id(one) for one in found if self.is_safe_callable(one) and not hasattr(one, "jinja_pass_arg"))

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return what every template sees, as it is: Jinja's chain of mappings is walked through at each import."""
        return {**self.globals, **d} if d else self.globals
