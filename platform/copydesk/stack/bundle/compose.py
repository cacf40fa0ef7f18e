"""The deployment on one machine: a Compose file with its own PostgreSQL, Redis and Caddy. Pure."""

from __future__ import annotations

from typing import Any

from copydesk.stack.bundle.parts import (
    APP,
    DATABASE,
    EXCHANGE_KEY,
    FRONT_SUBNET,
    LAB_EXAMPLE,
    NEEDS,
    OPERATOR,
    OWNER,
    PAGES_KEY,
    PARCELS,
    PROBE,
    ROOT,
    SECRETS,
    USER,
    VAR,
    Container,
    Deployment,
    Needs,
    containers,
    environment,
)
from copydesk.stack.bundle.written import yaml_file

POSTGRES_IMAGE, REDIS_IMAGE, CADDY_IMAGE = "postgres:16-bookworm", "redis:7-bookworm", "caddy:2.8"
SECRET_FILES = ("owner_password", "app_password", "database_url", "database_owner_url", "exchange_key", "pages_key")
_IMAGE = "${COPYDESK_IMAGE:?copy .env.example to .env}"
_HEAD = """{name} alone, on one machine. Written by `copydesk tenant bundle`; README.md has the steps.
Root file systems are read-only, secrets are files, and a role gets the keys that it needs and no others."""


def compose_file(deployment: Deployment) -> bytes:
    """Return `compose.yaml`."""
    roles = {one.name: _role(deployment, one) for one in containers()}
    services = {
        "postgres": _postgres(),
        "redis": _redis(),
        "migrate": _migration(),
        **roles,
        "proxy": _proxy(),
        "operator": _operator(deployment),
    }
    kept = sorted({folder for needs in (*NEEDS.values(), OPERATOR) for folder in needs.kept})
    volumes: dict[str, None] = dict.fromkeys(["postgres", "caddy_data", "caddy_config", *kept])
    return yaml_file(
        _HEAD.format(name=deployment.name),
        {
            "name": deployment.slug,
            "services": services,
            "networks": {
                "front": {"ipam": {"config": [{"subnet": FRONT_SUBNET}]}},
                "back": {"internal": True},
                "out": {},
            },
            "volumes": volumes,
            "secrets": {name: {"file": f"./secrets/{name}"} for name in SECRET_FILES},
        },
    )


def _role(deployment: Deployment, one: Container) -> dict[str, Any]:
    served = {"ports": [f"127.0.0.1:{one.port}:{one.port}"]} if one.port else {}
    return _ours(deployment, one.needs) | {
        "command": list(one.argv),
        "healthcheck": {
            "test": ["CMD", *PROBE],
            "interval": "15s",
            "timeout": "12s",
            "start_period": "20s",
            "retries": 3,
        },
        **served,
        # Who is behind the proxy reaches the outside over its network, too: then nobody else's address is believed.
        "networks": ["back", "front" if one.port else "out"],
        "depends_on": {
            "migrate": {"condition": "service_completed_successfully"},
            "redis": {"condition": "service_healthy"},
        },
        "restart": "unless-stopped",
        "stop_grace_period": "30s",
    }


def _ours(deployment: Deployment, needs: Needs) -> dict[str, Any]:
    """Return what every container of our image has."""
    keys = [("exchange_key", EXCHANGE_KEY, needs.exchange_key), ("pages_key", PAGES_KEY, needs.pages_key)]
    return {
        "image": _IMAGE,
        "user": f"{USER}:{USER}",
        "environment": _asked(environment(deployment))
        | {
            "DATABASE_URL_FILE": f"{SECRETS}/database_url",
            "REDIS_URL": "redis://redis:6379/0",
            "FORWARDED_ALLOW_IPS": FRONT_SUBNET,
        },
        "secrets": [
            "database_url",
            *({"source": source, "target": target} for source, target, wanted in keys if wanted),
        ],
        "volumes": [
            f"./tenants:{ROOT}/tenants:ro",
            f"./config/defaults.yaml:{ROOT}/config/defaults.yaml:ro",
            *(f"{folder}:{VAR}/{folder}" for folder in needs.kept),
        ],
        "read_only": True,
        "tmpfs": ["/tmp", f"{VAR}:uid={USER},gid={USER},mode=0700"],  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": f"{needs.memory_mb}m",
        "pids_limit": 256,
    }


def _asked(told: dict[str, str]) -> dict[str, str]:
    """Have `.env` say what differs from place to place."""
    return {name: f"${{{name}:?}}" if name in LAB_EXAMPLE else value for name, value in told.items()}


def _migration() -> dict[str, Any]:
    return {
        "image": _IMAGE,
        "user": f"{USER}:{USER}",
        "command": ["migrate"],
        "environment": {"DATABASE_OWNER_URL_FILE": f"{SECRETS}/database_owner_url"},
        "secrets": ["database_owner_url"],
        "read_only": True,
        "tmpfs": ["/tmp", f"{VAR}:uid={USER},gid={USER},mode=0700"],  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "networks": ["back"],
        "depends_on": {"postgres": {"condition": "service_healthy"}},
        "restart": "no",
    }


def _operator(deployment: Deployment) -> dict[str, Any]:
    """Return where commands run: `docker compose run --rm operator tenant doctor …`."""
    found = _ours(deployment, OPERATOR)
    found["environment"]["DATABASE_OWNER_URL_FILE"] = f"{SECRETS}/database_owner_url"
    found["secrets"].append("database_owner_url")
    tenants, *rest = found["volumes"]
    found["volumes"] = [tenants.removesuffix(":ro"), *rest, f"./{PARCELS}:/{PARCELS}"]
    return found | {"command": ["status"], "networks": ["back", "out"], "profiles": ["operator"], "restart": "no"}


def _postgres() -> dict[str, Any]:
    return {
        "image": POSTGRES_IMAGE,
        "environment": {
            "POSTGRES_USER": OWNER,
            "POSTGRES_DB": DATABASE,
            "POSTGRES_PASSWORD_FILE": f"{SECRETS}/owner_password",
            "APP_ROLE": APP,
        },
        "secrets": ["owner_password", "app_password"],
        "volumes": [
            "postgres:/var/lib/postgresql/data",
            "./postgres/10-roles.sh:/docker-entrypoint-initdb.d/10-roles.sh:ro",
        ],
        "read_only": True,
        "tmpfs": ["/tmp", "/run/postgresql"],  # noqa: S108 - inside the container
        "shm_size": "256m",
        "healthcheck": {
            "test": ["CMD", "pg_isready", "--username", OWNER, "--dbname", DATABASE],
            "interval": "5s",
            "timeout": "5s",
            "start_period": "30s",
            "retries": 12,
        },
        "networks": ["back"],
        "restart": "unless-stopped",
        "stop_grace_period": "60s",
    }


def _redis() -> dict[str, Any]:
    return {
        "image": REDIS_IMAGE,
        "command": ["redis-server", "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"],
        "read_only": True,
        "tmpfs": ["/data", "/tmp"],  # noqa: S108 - inside the container
        "healthcheck": {"test": ["CMD", "redis-cli", "ping"], "interval": "5s", "timeout": "3s", "retries": 12},
        "networks": ["back"],
        "restart": "unless-stopped",
    }


def _proxy() -> dict[str, Any]:
    return {
        "image": CADDY_IMAGE,
        "environment": {"ACME_EMAIL": "${ACME_EMAIL:?}"},
        "ports": ["80:80", "443:443"],
        "volumes": [
            "./proxy/Caddyfile:/etc/caddy/Caddyfile:ro",
            "caddy_data:/data",
            "caddy_config:/config",
        ],
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": ["NET_BIND_SERVICE"],
        "networks": ["front"],
        "depends_on": {"web": {"condition": "service_healthy"}, "live": {"condition": "service_healthy"}},
        "restart": "unless-stopped",
    }
