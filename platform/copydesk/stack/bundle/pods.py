"""What the pods of a deployment share: who they run as, which volumes they have, and how they get their keys. Pure."""

from __future__ import annotations

from typing import Any

from copydesk.stack.bundle.parts import EXCHANGE_KEY, PAGES_KEY, ROOT, SECRETS, USER, VAR, Deployment, Needs

# Names of what the manifests hold.
TENANT, DEFAULTS, SETTINGS = "tenant", "defaults", "environment"
SERVERS, OWNER, EXCHANGE, PAGES = "servers", "owner", "exchange-key", "pages-key"
# By name of the Secret, the values that are to be filled in.
SECRET_KEYS = {
    SERVERS: ("database_url", "redis_url"),
    OWNER: ("database_owner_url",),
    EXCHANGE: ("key",),
    PAGES: ("key",),
}
_SEALED = "/run/keys"
_READ = 0o440


def named(name: str, **labels: str) -> dict[str, Any]:
    """Return the metadata of a thing of this name."""
    return {"name": name, "labels": {"app.kubernetes.io/name": name} | labels}


def picked(name: str) -> dict[str, Any]:
    """Return a selector of the pods of this name."""
    return {"matchLabels": {"app.kubernetes.io/name": name}}


def pod_security() -> dict[str, Any]:
    """Return what holds for a whole pod: nobody is root."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def secured() -> dict[str, Any]:
    """Return what holds for each container: its root file system stays as the image has it."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def key_opener(deployment: Deployment, needs: Needs) -> dict[str, Any]:
    """Copy key files where only their owner reads them: a mounted Secret is readable by its group, which is refused."""
    wanted = _keys(needs)
    copies = [f"install -D -m 0600 {_SEALED}/{name}/key {place}" for name, place in wanted]
    return {
        "name": "keys",
        "image": deployment.image,
        "command": ["sh", "-ceu", "\n".join(["umask 077", *copies]) + "\n"],
        "securityContext": secured(),
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "volumeMounts": [
            {"name": "var", "mountPath": VAR},
            *({"name": name, "mountPath": f"{_SEALED}/{name}", "readOnly": True} for name, _ in wanted),
        ],
    }


def mounts(needs: Needs) -> list[dict[str, Any]]:
    """Return where a role finds its volumes."""
    return [
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
        {"name": "var", "mountPath": VAR},
        {"name": TENANT, "mountPath": f"{ROOT}/tenants", "readOnly": True},
        {"name": DEFAULTS, "mountPath": f"{ROOT}/config/defaults.yaml", "subPath": "defaults.yaml", "readOnly": True},
        {"name": SERVERS, "mountPath": SECRETS, "readOnly": True},
        *({"name": folder, "mountPath": f"{VAR}/{folder}"} for folder in needs.kept),
    ]


def volumes(needs: Needs, *, slug: str, files: list[str]) -> list[dict[str, Any]]:
    """Return a role's volumes; the brand's files lie in a folder of its name."""
    placed = [{"key": config_key(name), "path": f"{slug}/{name}"} for name in files]
    return [
        {"name": "tmp", "emptyDir": {}},
        {"name": "var", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        {"name": TENANT, "configMap": {"name": TENANT, "items": placed}},
        {"name": DEFAULTS, "configMap": {"name": DEFAULTS}},
        _secret_volume(SERVERS),
        *(_secret_volume(name) for name, _ in _keys(needs)),
        *({"name": folder, "persistentVolumeClaim": {"claimName": folder}} for folder in needs.kept),
    ]


def config_key(name: str) -> str:
    """Return under which key of a ConfigMap a file lies: there are no folders in one."""
    return name.replace("/", "__")


def _keys(needs: Needs) -> list[tuple[str, str]]:
    every = [(EXCHANGE, EXCHANGE_KEY, needs.exchange_key), (PAGES, PAGES_KEY, needs.pages_key)]
    return [(name, place) for name, place, wanted in every if wanted]


def _secret_volume(name: str) -> dict[str, Any]:
    return {"name": name, "secret": {"secretName": name, "defaultMode": _READ}}
