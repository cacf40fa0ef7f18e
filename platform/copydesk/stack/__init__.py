"""The embedded stack: a real PostgreSQL, a real Redis and one supervised process per role.

Owns what lives under `var/` and nothing else; knows no business. `copydesk up`, the demo, the benchmark
and the tests use it; an installation with its own servers passes their addresses and nothing is started.
"""

from copydesk.stack.embedded import Stack, embedded_stack
from copydesk.stack.paths import VarDir
from copydesk.stack.postgres import APP_ROLE, DATABASE, OWNER_ROLE, PostgresServer
from copydesk.stack.process import Daemon, port_is_free, require_free_port, spawn, stop, wait_until
from copydesk.stack.redis import RedisServer, require_redis
from copydesk.stack.roles import ROLES, Role, RoleOptions, lab_token, require_free_ports, role_environment, select_roles
from copydesk.stack.supervise import Supervisor

__all__ = [
    "APP_ROLE",
    "DATABASE",
    "OWNER_ROLE",
    "ROLES",
    "Daemon",
    "PostgresServer",
    "RedisServer",
    "Role",
    "RoleOptions",
    "Stack",
    "Supervisor",
    "VarDir",
    "embedded_stack",
    "lab_token",
    "port_is_free",
    "require_free_port",
    "require_free_ports",
    "require_redis",
    "role_environment",
    "select_roles",
    "spawn",
    "stop",
    "wait_until",
]
