"""The table of roles and what an operator may choose of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.kernel import ConfigError
from copydesk.stack import ROLES, RoleOptions, Supervisor, VarDir, select_roles


def test_the_lab_runs_only_when_wanted() -> None:
    assert "lab" not in {role.name for role in select_roles()}
    assert "lab" in {role.name for role in select_roles(lab=True)}


def test_named_roles_replace_the_usual_ones() -> None:
    assert [role.name for role in select_roles(["live", "web"])] == ["web", "live"]


def test_an_unknown_role_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown role 'wbe'; expected some of lab, listener, live"):
        select_roles(["wbe"])


def test_the_supervisors_file_restarts_roles_and_stops_their_children(tmp_path: Path) -> None:
    options = RoleOptions(root=tmp_path, var_dir=tmp_path / "100%", port=8123)
    text = Supervisor(VarDir(options.var_dir), ROLES, options).config_text()
    web = text.partition("[program:web]")[2].partition("[program:")[0]
    assert "--port 8123" in web
    assert {"autorestart = true", "stopasgroup = true", "killasgroup = true"} <= set(web.splitlines())
    assert "100%%/log/web.log" in web
