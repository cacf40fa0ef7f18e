"""The deployment on Kubernetes: one file for each kind of thing, joined by a kustomization. Pure.

PostgreSQL and Redis are the cluster's own or somebody's service: their addresses are in the Secret.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from copydesk.kernel import InvalidInput
from copydesk.stack.bundle.parts import PROBE, SECRETS, VAR, Container, Deployment, containers, environment
from copydesk.stack.bundle.pods import (
    DEFAULTS,
    OWNER,
    SECRET_KEYS,
    SETTINGS,
    TENANT,
    config_key,
    key_opener,
    mounts,
    named,
    picked,
    pod_security,
    secured,
    volumes,
)
from copydesk.stack.bundle.reach import ingress, policies, service
from copydesk.stack.bundle.written import yaml_file

MIGRATION = "migrate"
# A ConfigMap holds 1 MiB (Kubernetes, "ConfigMaps"), and pictures grow by a third on the way.
FOLDER_BYTES_MAX = 700_000
_HEAD = "{name}: {what}. Written by `copydesk tenant bundle`; README.md has the steps."


def manifests(deployment: Deployment) -> dict[str, bytes]:
    """Return every file of the folder `kubernetes` by name."""
    made = {
        "namespace.yaml": ("its namespace", [_namespace(deployment)]),
        "config.yaml": ("the brand's folder, defaults and environment", list(_config(deployment))),
        "deployments.yaml": ("its roles", [_deployment(deployment, one) for one in containers()]),
        "services.yaml": ("what is served inside", [service(one) for one in containers() if one.port]),
        "ingress.yaml": ("what is served outside", [ingress(deployment)]),
        "storage.yaml": ("what outlives its roles", [_claim(one) for one in _kept()]),
        "network.yaml": ("who may speak to whom", list(policies(deployment))),
        "disruption.yaml": (
            "how many stay while nodes are emptied",
            [_budget(one) for one in containers() if one.port],
        ),
        "migrate.yaml": ("the migration; apply it before each new version", [_migration(deployment)]),
    }
    files = {
        name: yaml_file(_HEAD.format(name=deployment.name, what=what), *documents)
        for name, (what, documents) in made.items()
    }
    secrets = [_secret_template(name) for name in SECRET_KEYS]
    files["secret.template.yaml"] = yaml_file("Fill in a copy of this, and commit none; README.md says how.", *secrets)
    applied = [name for name in made if name != "migrate.yaml"]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": deployment.slug,
        "labels": [{"pairs": {"app.kubernetes.io/part-of": deployment.slug}}],
        "resources": applied,
    }
    return files | {"kustomization.yaml": yaml_file("kubectl apply -k .", kustomization)}


def _namespace(deployment: Deployment) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": named(deployment.slug, **labels)}


def _config(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """Give the ConfigMaps; a brand's pictures are bytes."""
    size = sum(map(len, deployment.files.values()))
    if size > FOLDER_BYTES_MAX:
        raise InvalidInput(
            f"the brand's folder: expected at most {FOLDER_BYTES_MAX} bytes, which a ConfigMap holds, found {size}; "
            "upload large pictures in the panel instead"
        )
    texts, pictures = {}, {}
    for name, data in sorted(deployment.files.items()):
        if name.endswith((".yaml", ".md", ".txt", ".svg")):
            texts[config_key(name)] = data.decode()
        else:
            pictures[config_key(name)] = base64.b64encode(data).decode()
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": named(TENANT),
        "data": texts,
        **({"binaryData": pictures} if pictures else {}),
    }
    defaults = {"defaults.yaml": deployment.defaults.decode()}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named(DEFAULTS), "data": defaults}
    told = environment(deployment) | {"FORWARDED_ALLOW_IPS": "10.0.0.0/8"}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named(SETTINGS), "data": told}


def _deployment(deployment: Deployment, one: Container) -> dict[str, Any]:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": named(one.name),
        "spec": {
            "replicas": 1 if one.needs.alone else one.needs.replicas,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "Recreate"} if one.needs.alone else rolling,
            "selector": picked(one.name),
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": one.name}},
                "spec": _pod(deployment, one),
            },
        },
    }


def _pod(deployment: Deployment, one: Container) -> dict[str, Any]:
    keyed = one.needs.exchange_key or one.needs.pages_key
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": pod_security(),
        **({"initContainers": [key_opener(deployment, one.needs)]} if keyed else {}),
        "containers": [_container(deployment, one)],
        "volumes": volumes(one.needs, slug=deployment.slug, files=sorted(deployment.files)),
    }


def _container(deployment: Deployment, one: Container) -> dict[str, Any]:
    memory = f"{one.needs.memory_mb}Mi"
    return {
        "name": one.name,
        "image": deployment.image,
        "args": list(one.argv),
        "env": [
            {"name": name.upper() + "_FILE", "value": f"{SECRETS}/{name}"} for name in ("database_url", "redis_url")
        ],
        "envFrom": [{"configMapRef": {"name": SETTINGS}}],
        **({"ports": [{"name": "http", "containerPort": one.port}]} if one.port else {}),
        **_probes(one),
        "resources": {
            "requests": {"cpu": "100m", "memory": f"{one.needs.memory_mb // 2}Mi"},
            "limits": {"memory": memory},
        },
        "securityContext": secured(),
        "volumeMounts": mounts(one.needs),
    }


def _probes(one: Container) -> dict[str, Any]:
    """Ask /health where there is one; other roles are healthy while they reach the servers that they work with."""
    if one.port:
        asked: dict[str, Any] = {"httpGet": {"path": "/health", "port": "http"}}
        listens = {"tcpSocket": {"port": "http"}}
        return {
            "startupProbe": asked | {"periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 30},
            "readinessProbe": asked | {"periodSeconds": 5, "timeoutSeconds": 5},
            # A database that is away is no reason to start pages anew.
            "livenessProbe": listens | {"periodSeconds": 15, "timeoutSeconds": 5, "failureThreshold": 4},
        }
    reaches = {"exec": {"command": list(PROBE)}, "periodSeconds": 30, "timeoutSeconds": 12}
    return {
        "startupProbe": reaches | {"periodSeconds": 5, "failureThreshold": 24},
        "readinessProbe": reaches,
        "livenessProbe": reaches | {"failureThreshold": 10},
    }


def _kept() -> list[str]:
    return sorted({folder for one in containers() for folder in one.needs.kept})


def _claim(folder: str) -> dict[str, Any]:
    # Pages run on several nodes; whoever has one node, or one page process, may ask for ReadWriteOnce.
    shared = any(folder in one.needs.kept and not one.needs.alone for one in containers())
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": named(folder),
        "spec": {
            "accessModes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _budget(one: Container) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": named(one.name),
        "spec": {"minAvailable": 1, "selector": picked(one.name)},
    }


def _migration(deployment: Deployment) -> dict[str, Any]:
    container = {
        "name": MIGRATION,
        "image": deployment.image,
        "args": ["migrate"],
        "env": [{"name": "DATABASE_OWNER_URL_FILE", "value": f"{SECRETS}/database_owner_url"}],
        "securityContext": secured(),
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [
            {"name": OWNER, "mountPath": SECRETS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
            {"name": "var", "mountPath": VAR},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": named(MIGRATION) | {"namespace": deployment.slug},
        "spec": {
            "backoffLimit": 2,
            "ttlSecondsAfterFinished": 86_400,
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": MIGRATION}},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "securityContext": pod_security(),
                    "containers": [container],
                    "volumes": [
                        {"name": OWNER, "secret": {"secretName": OWNER, "defaultMode": 0o440}},
                        {"name": "tmp", "emptyDir": {}},
                        {"name": "var", "emptyDir": {}},
                    ],
                },
            },
        },
    }


def _secret_template(name: str) -> dict[str, Any]:
    """Return a Secret whose values somebody else fills in."""
    empty = dict.fromkeys(SECRET_KEYS[name], "")
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": named(name), "stringData": empty}
