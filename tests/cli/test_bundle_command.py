"""A bundle is a whole deployment for one brand: well formed, without a secret, and the same bytes every time."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from copydesk.cli import run
from copydesk.kernel import ConfigError, InvalidInput
from copydesk.stack import ROLES
from copydesk.stack.bundle import NEEDS, Deployment, containers, files_of
from copydesk.stack.bundle.kubernetes import FOLDER_BYTES_MAX
from copydesk.stack.bundle.parts import PROBE, ROOT, USER, VAR
from copydesk.vault import FileKeyStore
from copydesk.venues.lab.tls import open_authority

PROJECT = Path(__file__).parents[2]
HOSTS = ("desk.example.com", "www.desk.example.com")
# What each kind must say besides apiVersion, kind and metadata.name.
SHAPES = {
    "ConfigMap": ("data",),
    "Deployment": ("spec.selector", "spec.template.spec.containers", "spec.replicas"),
    "Ingress": ("spec.rules", "spec.tls"),
    "Job": ("spec.template.spec.containers", "spec.template.spec.restartPolicy"),
    "Kustomization": ("resources",),
    "Namespace": (),
    "NetworkPolicy": ("spec.podSelector", "spec.policyTypes"),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.resources.requests.storage"),
    "PodDisruptionBudget": ("spec.minAvailable", "spec.selector"),
    "Secret": ("stringData",),
    "Service": ("spec.selector", "spec.ports"),
}


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """A brand with two hosts, a picture and a folder of its own."""
    proxy = PROJECT / "config" / "proxy"
    return Deployment(
        slug="desk",
        name="Desk & Sons: a brand",
        hosts=HOSTS,
        image="registry.example.com/copydesk:1.7",
        version="1.7",
        files={"tenant.yaml": b"schema: 2\n", "logo.png": b"\x89PNG\0", "legal/terms.md": b"# Terms\n"},
        defaults=b"replication:\n  shards: 1\n",
        nginx=(proxy / "nginx.conf").read_text(),
        caddy=(proxy / "Caddyfile").read_text(),
    )


@pytest.fixture(scope="module")
def files(deployment: Deployment) -> dict[str, bytes]:
    return files_of(deployment)


@cache
def _parsed(data: bytes) -> list[dict[str, Any]]:
    return list(yaml.load_all(data, Loader=yaml.CSafeLoader))


def documents(files: dict[str, bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, data in files.items():
        if name.startswith("kubernetes/"):
            for one in _parsed(data):
                yield name, one


def at(document: dict[str, Any], path: str) -> Any:
    found: Any = document
    for name in path.split("."):
        found = found[name]
    return found


def pods(files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Return the pod of each Deployment and Job by name."""
    kinds = ("Deployment", "Job")
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for _, one in documents(files) if one["kind"] in kinds
    }


def compose(files: dict[str, bytes]) -> dict[str, Any]:
    return _parsed(files["compose.yaml"])[0]


def test_every_role_of_an_installation_is_in_both_deployments(files: dict[str, bytes]) -> None:
    roles = {role.name for role in ROLES if role.wanted}
    assert set(NEEDS) == roles == {one.name for one in containers()}
    assert roles <= set(compose(files)["services"])
    assert set(pods(files)) == roles | {"migrate"}


def test_roles_run_what_copydesk_up_runs(files: dict[str, bytes]) -> None:
    services = compose(files)["services"]
    assert services["web"]["command"] == ["web", "--host", "0.0.0.0", "--port", "8000", "--live-port", "8001"]
    assert services["replicator"]["command"] == ["work", "replicate"]
    for one in containers():
        assert pods(files)[one.name]["containers"][0]["args"] == services[one.name]["command"] == list(one.argv)


def test_manifests_have_the_shape_of_their_kind_and_a_name_of_their_own(files: dict[str, bytes]) -> None:
    seen = set()
    for name, one in documents(files):
        assert re.fullmatch(r"(v1|[a-z.]+(\.k8s\.io)?/v1(beta1)?)", one["apiVersion"]), name
        for path in SHAPES[one["kind"]]:
            assert at(one, path) is not None, f"{name}: {one['kind']} {path}"
        if one["kind"] != "Kustomization":
            key = one["kind"], one["metadata"]["name"]
            assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", key[1]), key
            assert key not in seen
            seen.add(key)
    assert {kind for kind, _ in seen} == set(SHAPES) - {"Kustomization"}


def test_what_pods_mount_and_read_is_there(files: dict[str, bytes]) -> None:
    named = {(one["kind"], one["metadata"]["name"]) for _, one in documents(files) if "metadata" in one}
    for name, pod in pods(files).items():
        volumes = {one["name"]: one for one in pod["volumes"]}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert {one["name"] for one in container["volumeMounts"]} <= set(volumes), name
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in named
        for one in volumes.values():
            if "configMap" in one:
                assert ("ConfigMap", one["configMap"]["name"]) in named
            if "secret" in one:
                assert ("Secret", one["secret"]["secretName"]) in named
            if "persistentVolumeClaim" in one:
                assert ("PersistentVolumeClaim", one["persistentVolumeClaim"]["claimName"]) in named


def test_services_lead_to_the_ports_that_roles_serve_and_the_ingress_to_services(files: dict[str, bytes]) -> None:
    served = {one.name: one.port for one in containers() if one.port}
    services = {one["metadata"]["name"]: one for _, one in documents(files) if one["kind"] == "Service"}
    assert {name: one["spec"]["ports"][0]["port"] for name, one in services.items()} == served
    for name, port in served.items():
        assert pods(files)[name]["containers"][0]["ports"] == [{"name": "http", "containerPort": port}]
    ingress = next(one for _, one in documents(files) if one["kind"] == "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == list(HOSTS) == ingress["spec"]["tls"][0]["hosts"]
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            assert served[backend["name"]] == backend["port"]["number"]


def test_exchanges_can_be_reached_on_the_ports_that_they_have(files: dict[str, bytes], deployment: Deployment) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for _, one in documents(files) if one["kind"] == "NetworkPolicy"}
    ports = {port["port"] for rule in policies["out"]["egress"] for port in rule["ports"]}
    # Binance's market stream and OKX's are not on 443.
    assert {53, 443, 5432, 6379, 8443, 9443} <= ports
    assert policies["nobody-in"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert 2525 not in ports
    assert 2525 in replace(deployment, mail_port=2525).ports_out
    assert {8010, 8011} <= set(replace(deployment, lab=True).ports_out)


def test_nobody_is_root_and_no_root_file_system_can_be_written(files: dict[str, bytes]) -> None:
    for pod in pods(files).values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= set(container["resources"])
    for name, one in compose(files)["services"].items():
        assert one["read_only"] is True, name
        if name not in ("postgres", "redis", "proxy"):
            assert one["user"] == f"{USER}:{USER}"


def test_a_role_gets_the_keys_that_it_needs_and_no_others(files: dict[str, bytes]) -> None:
    services = compose(files)["services"]
    for one in containers():
        given = {found["source"] for found in services[one.name]["secrets"] if isinstance(found, dict)}
        wanted = {"exchange_key": one.needs.exchange_key, "pages_key": one.needs.pages_key}
        assert given == {name for name, needed in wanted.items() if needed}
        mounted = {volume["name"] for volume in pods(files)[one.name]["volumes"]}
        assert ("exchange-key" in mounted, "pages-key" in mounted) == (one.needs.exchange_key, one.needs.pages_key)
        assert "owner" not in mounted
    assert "database_owner_url" not in services["web"]["secrets"]


def test_every_health_check_is_one_that_the_role_can_pass(files: dict[str, bytes]) -> None:
    for one in containers():
        container = pods(files)[one.name]["containers"][0]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert ("httpGet" in container["readinessProbe"]) == (one.port is not None)
        assert compose(files)["services"][one.name]["healthcheck"]["test"] == ["CMD", *PROBE]


def test_compose_names_no_network_volume_or_secret_that_is_not_declared(files: dict[str, bytes]) -> None:
    told = compose(files)
    for name, one in told["services"].items():
        assert set(one.get("networks", [])) <= set(told["networks"]), name
        assert set(one.get("depends_on", {})) <= set(told["services"]), name
        for secret in one.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in told["secrets"]
        for volume in one.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in told["volumes"] or source.removeprefix("./") in {*files, "tenants", "parcels"}, volume


def test_the_image_is_what_the_manifests_say_of_it() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert f"--uid {USER} " in text
    assert f"COPYDESK_ROOT={ROOT} COPYDESK_VAR={VAR}" in text
    assert 'ENTRYPOINT ["copydesk"]' in text
    assert json.dumps(list(PROBE)).replace(", ", ", ") in text
    line = next(line for line in text.splitlines() if "install -d" in line)
    assert {folder for needs in NEEDS.values() for folder in needs.kept} <= set(line.split())


def test_no_file_holds_a_secret_and_the_template_is_empty(files: dict[str, bytes]) -> None:
    for _, one in documents(files):
        if one["kind"] == "Secret":
            assert set(one["stringData"].values()) == {""}
    for name, data in files.items():
        assert not re.search(rb"copydesk-key-1:[A-Za-z0-9+/]{20}|postgresql://[a-z_]+:[A-Za-z0-9]", data), name


def test_the_brands_folder_is_in_both_as_it_is(files: dict[str, bytes], deployment: Deployment) -> None:
    config = next(
        one for _, one in documents(files) if one["metadata"]["name"] == "tenant" and one["kind"] == "ConfigMap"
    )
    assert config["data"] == {"tenant.yaml": "schema: 2\n", "legal__terms.md": "# Terms\n"}
    assert base64.b64decode(config["binaryData"]["logo.png"]) == b"\x89PNG\0"
    placed = next(one for one in pods(files)["web"]["volumes"] if one["name"] == "tenant")["configMap"]["items"]
    assert {"key": "legal__terms.md", "path": "desk/legal/terms.md"} in placed
    assert files["tenants/desk/logo.png"] == b"\x89PNG\0"
    large = replace(deployment, files={"logo.png": bytes(FOLDER_BYTES_MAX + 1)})
    with pytest.raises(InvalidInput, match="ConfigMap"):
        files_of(large)


def test_nginx_takes_its_configuration_with_the_brands_hosts(files: dict[str, bytes], tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    text = files["proxy/nginx.conf"].decode()
    assert f"server_name {' '.join(HOSTS)};" in text
    if nginx is None:
        pytest.skip("nginx is not installed: its configuration was read, not run")
    open_authority(tmp_path)
    for name in ("fullchain.pem", "privkey.pem"):
        shutil.copy(tmp_path / "server.pem", tmp_path / name)
    text = text.replace("/etc/ssl/copydesk", str(tmp_path)).replace("/run/nginx.pid", f"{tmp_path}/nginx.pid")
    (tmp_path / "nginx.conf").write_text(text.replace("include mime.types;", ""))
    command = [nginx, "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_caddy_gets_the_brands_hosts_and_the_containers_names(files: dict[str, bytes], deployment: Deployment) -> None:
    text = files["proxy/Caddyfile"].decode()
    assert f"\n{', '.join(HOSTS)} {{\n" in text
    assert "reverse_proxy web:8000 {" in text and "reverse_proxy live:8001 {" in text
    assert "email {$ACME_EMAIL}" in text and "brand.example" not in text
    with pytest.raises(ConfigError, match="Caddyfile: expected"):
        files_of(replace(deployment, caddy="respond 200\n"))


def test_a_brand_on_simulated_exchanges_says_where_they_are(deployment: Deployment) -> None:
    found = files_of(replace(deployment, lab=True))
    assert b"COPYDESK_LAB_REST=http://lab.example:8010" in found[".env.example"]
    assert compose(found)["services"]["web"]["environment"]["COPYDESK_LAB_REST"] == "${COPYDESK_LAB_REST:?}"
    assert b"COPYDESK_LAB" not in files_of(deployment)[".env.example"]


def test_the_script_makes_secrets_once_that_the_vault_reads(files: dict[str, bytes], tmp_path: Path) -> None:
    script = files["secrets.sh"].decode().replace(f"chown -R {USER}:{USER}", "true")
    (tmp_path / "secrets.sh").write_text(script)
    for name in ("secrets.sh", "postgres/10-roles.sh"):
        (tmp_path / "checked.sh").write_bytes(files[name])
        assert subprocess.run(["sh", "-n", str(tmp_path / "checked.sh")], check=False).returncode == 0
    found = []
    for _ in range(2):
        done = subprocess.run(["sh", str(tmp_path / "secrets.sh")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.append({path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()})
    assert found[0] == found[1]
    assert set(found[0]) == set(compose(files)["secrets"])
    password = found[0]["app_password"].decode()
    assert found[0]["database_url"].decode() == f"postgresql://copydesk_app:{password}@postgres/copydesk"
    assert FileKeyStore(tmp_path / "secrets" / "exchange_key").newest() == 1


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with aurora alone, as the current folder."""
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    shutil.copytree(PROJECT / "tenants" / "aurora", tmp_path / "tenants" / "aurora")
    (tmp_path / "themes" / "aurora").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert run(["tenant", "bundle", *words, "--json"]) == code
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_a_second_run_finds_nothing_to_do(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rehearsed = told(capsys, "aurora", "--to", "out", "--dry-run")
    assert {one["change"] for one in rehearsed["files"]} == {"new"}
    assert not (installed / "out").exists()
    told(capsys, "aurora", "--to", "out")
    assert {one["change"] for one in told(capsys, "aurora", "--to", "out")["files"]} == {"same"}
    (installed / "out" / "README.md").write_text("mine")
    (installed / "out" / "notes.txt").write_text("mine")
    changed = told(capsys, "aurora", "--to", "out", "--dry-run")["files"]
    assert [one["file"] for one in changed if one["change"] != "same"] == ["README.md"]
    assert (installed / "out" / "notes.txt").read_text() == "mine"
    assert (installed / "out" / "secrets.sh").stat().st_mode & 0o111


def test_a_wrong_brand_or_folder_is_refused(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tenant", "bundle", "aurorra", "--to", "out"]) == 1
    assert "did you mean aurora" in capsys.readouterr().err
    assert run(["tenant", "bundle", "aurora", "--to", "."]) == 1
    assert "the installation itself" in capsys.readouterr().err
    (installed / "tenants" / "aurora" / "tenant.yaml").write_text("schema: 2\nbrand: 7\n")
    assert run(["tenant", "bundle", "aurora", "--to", "out"]) == 1
    assert "copydesk tenant check aurora" in capsys.readouterr().err
