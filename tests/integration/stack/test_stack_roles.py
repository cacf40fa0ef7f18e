"""The table of roles and what an operator may choose of it."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from copydesk.kernel import ConfigError
from copydesk.stack import ROLES, RoleOptions, Supervisor, VarDir, lab_token, require_free_port, select_roles


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


def test_only_a_port_that_is_taken_is_called_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is in use; .* --port"):
            require_free_port(port, "--port")
    with pytest.raises(
        ConfigError, match=r"cannot listen on 192\.0\.2\.1 port 8000: cannot assign requested address; "
    ):
        require_free_port(8000, "--port", "192.0.2.1")


def test_the_labs_token_is_private_and_stays_and_an_empty_one_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "lab" / "token"
    token = lab_token(file.parent)
    assert len(token) == 48
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert lab_token(file.parent) == token
    file.write_text("")
    assert len(lab_token(file.parent)) == 48
    assert [path.name for path in file.parent.iterdir()] == ["token"]
