"""A brand from its first day to its last, by the command line, on a real database: each step twice."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.cli.yaml_text import with_values
from copydesk.kernel import utc_now
from copydesk.tenancy.files import keep_file
from tenant_desk import Desk, Sites, acts, held

ROOT = Path(__file__).parents[2]
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.fixture
def desk(
    shipped_brands: Path, owner_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """An installation whose servers run, and whose tables and keys are new."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("TRUNCATE tenant, data_key, installation_key, installation_switch CASCADE")
    monkeypatch.setenv("DATABASE_OWNER_URL", owner_url)
    shutil.rmtree(shipped_brands / "themes")
    (shipped_brands / "themes").symlink_to(ROOT / "themes")
    return Desk(shipped_brands, capsys)


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """The same with sites that run."""
    runtime = Runtime()
    handler = type("RunningSites", (Sites,), {"installation": runtime, "late": 6})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield replace(desk, port=server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()
    runtime.close()


def test_a_new_brand_is_registered_and_waited_for_until_every_process_serves_it(served: Desk) -> None:
    desk = served
    first = desk.new()
    assert (first["created"], first["running"], first["served"]) == (True, True, True)
    assert first["urls"] == [f"http://dawn.localhost:{desk.port}/"]
    again = desk.new()
    assert (again["created"], again["served"]) == (False, True)
    assert acts("dawn") == ["tenant.created"]
    assert desk.apply("--set", "brand.tagline=Nuevo")["served"] is True
    (line,) = [one for one in desk.json("list")["tenants"] if one["tenant"] == "dawn"]
    assert (line["status"], line["hosts"], line["followers"], line["strategies"]) == (
        "active",
        ["dawn.localhost"],
        0,
        0,
    )


def test_values_are_set_by_revisions_and_adopted_into_the_file(desk: Desk) -> None:
    desk.new()
    changes = [
        "--set",
        "brand.colors.brand=#0f766e",
        "--set",
        "locales=es,en",
        "--set",
        "smtp={host: m.example, from: a@b.example}",
    ]
    shown = desk.apply(*changes, "--dry-run")
    assert (shown["changed"], shown["served"]) == (False, None)
    done = desk.apply(*changes)
    assert (done["changed"], done["revision"], done["served"]) == (True, 1, None)
    assert desk.apply(*changes)["changed"] is False
    differences = {one["key"]: one for one in desk.json("diff", "dawn")["differences"]}
    assert differences["locales"] | {"at": ""} == {
        **{"key": "locales", "file": ["es"], "filed": True, "panel": ["es", "en"]},
        **{"revision": 1, "author": "command line", "at": ""},
    }
    assert differences["smtp.host"]["filed"] is False
    before = desk.json("show", "dawn")["values"]
    assert before["brand.colors.brand"]["layer"] == "panel"
    assert desk.json("adopt", "dawn", "--dry-run")["changed"] is False
    assert "m.example" not in desk.file.read_text()
    assert desk.json("adopt", "dawn")["revision"] == 2
    assert desk.json("adopt", "dawn")["changed"] is False
    after = desk.json("show", "dawn")["values"]
    assert {key: one["value"] for key, one in before.items()} == {key: one["value"] for key, one in after.items()}
    assert {one["layer"] for one in after.values()} == {"tenant file"}
    assert "# Dawn. Every key" in desk.file.read_text()
    assert desk.json("diff", "dawn")["differences"] == []
    assert acts("dawn") == ["tenant.created", "settings.published", "settings.published"]


def test_an_adoption_that_was_cut_off_changed_no_value_and_is_ended_by_the_next(desk: Desk) -> None:
    desk.new()
    desk.apply("--set", "brand.colors.brand=#0f766e")
    before = desk.json("show", "dawn")["values"]["brand.colors.brand"]["value"]
    desk.file.write_text(with_values(desk.file.read_text(), {"brand.colors.brand": "#0f766e"}))
    between = desk.json("show", "dawn")["values"]["brand.colors.brand"]
    assert (between["value"], between["layer"]) == (before, "panel")
    assert desk.json("adopt", "dawn")["changed"] is True
    after = desk.json("show", "dawn")["values"]["brand.colors.brand"]
    assert (after["value"], after["layer"]) == (before, "tenant file")


def test_an_uploaded_picture_is_adopted_beside_the_file(desk: Desk) -> None:
    desk.new()
    runtime = Runtime()
    number = runtime.tenant_ids["dawn"]
    with runtime.db.tenant(number) as session:
        name = keep_file(session, number, SVG, ".svg", utc_now())
        change = {"brand.logo": f"stored:{name}"}
        told: dict[str, Any] = {"actor": OPERATOR, "author": "Mara", "reason": "a logo", "at": utc_now()}
        tenant = runtime.directory.by_slug("dawn")
        assert tenant is not None
        runtime.settings_desk.change(session, tenant, change, **told)
    runtime.close()
    desk.json("adopt", "dawn")
    value = desk.json("show", "dawn")["values"]["brand.logo"]["value"]
    assert (desk.file.parent / value).read_bytes() == SVG


def test_a_file_of_changes_is_applied_and_a_key_taken_back(desk: Desk) -> None:
    desk.new()
    (desk.root / "changes.yaml").write_text("brand:\n  tagline: Nuevo\nfeatures.desk: false\n")
    assert desk.apply("--from", "changes.yaml")["changes"] == ["brand.tagline", "features.desk"]
    assert desk.apply("--unset", "features.desk")["changed"] is True
    assert desk.apply("--unset", "features.desk")["changed"] is False
    assert [one["key"] for one in desk.json("diff", "dawn")["differences"]] == ["brand.tagline"]


def test_a_brand_goes_back_to_an_earlier_revision(desk: Desk) -> None:
    desk.new()
    desk.apply("--set", "brand.tagline=One")
    desk.apply("--set", "brand.tagline=Two", "--set", "brand.name=D")
    assert desk.apply("--rollback", "1", "--dry-run")["changes"] == ["brand.name", "brand.tagline"]
    assert desk.apply("--rollback", "1")["revision"] == 3
    assert desk.apply("--rollback", "1")["changed"] is False
    assert desk.json("show", "dawn")["values"]["brand.tagline"]["value"] == "One"
    assert "There is no revision 9" in desk.said("apply", "dawn", "--rollback", "9", code=1)
    assert "expected it alone" in desk.said("apply", "dawn", "--rollback", "1", "--unset", "brand.name", code=1)
    assert desk.apply("--rollback", "0")["changes"] == ["brand.tagline"]


def test_values_that_do_not_go_with_the_file_any_more_can_be_taken_back(desk: Desk) -> None:
    desk.new()
    desk.apply("--set", "locales=es,en", "--set", "locale_default=en")
    desk.json("adopt", "dawn")
    desk.apply("--set", "locale_default=es")
    desk.file.write_text(desk.file.read_text().replace("[es, en]", "[en]"))
    for look in ("apply", "check"):
        assert "panel revision 3: locale_default: expected" in desk.said(look, "dawn", code=1)
    assert [one["key"] for one in desk.json("diff", "dawn")["differences"]] == ["locale_default"]
    assert desk.apply("--unset", "locale_default")["changed"] is True
    assert desk.json("show", "dawn")["values"]["locale_default"] == {
        **{"value": "en", "layer": "tenant file", "source": "tenants/dawn/tenant.yaml:14"}
    }


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--set", "brand.colors.brand=red"], "brand.colors.brand: expected a color"),
        (["--set", "brand.hosts=aurora.localhost"], "expected a host that no other brand serves"),
        (["--set", "brand.colour=#fff"], "found the unknown key brand.colour"),
        (["--set", "locales"], "--set: expected KEY=VALUE, found 'locales'"),
        (["--set", "locales=[es"], "--set locales: expected a value as YAML has it"),
        (["--from", "missing.yaml"], "missing.yaml:1: expected a readable file"),
    ],
)
def test_a_wrong_value_is_refused_whole(desk: Desk, argv: list[str], said: str) -> None:
    desk.new()
    assert said in desk.said("apply", "dawn", *argv, "--set", "brand.tagline=X", "--port", str(desk.port), code=1)
    assert desk.json("diff", "dawn")["differences"] == []


def test_a_file_that_turned_bad_is_named_and_not_waited_for(desk: Desk) -> None:
    desk.new()
    desk.file.write_text(desk.file.read_text().replace("theme: obsidian", "theme: obsidan"))
    said = desk.said("apply", "dawn", "--port", str(desk.port), code=1)
    assert "tenants/dawn/tenant.yaml:9: brand.theme: expected an installed theme" in said


def test_a_file_of_the_first_schema_is_rewritten(desk: Desk) -> None:
    desk.new()
    older = desk.file.read_text().replace("schema: 2", "schema: 1").replace("theme: obsidian", "theme: boreal  # dark")
    desk.file.write_text(older)
    assert [one["key"] for one in desk.json("migrate", "dawn", "--dry-run")["changes"]] == ["schema", "brand.theme"]
    assert desk.file.read_text() == older
    assert desk.json("migrate", "dawn")["changed"] is True
    assert desk.file.read_text() == older.replace("schema: 1", "schema: 2").replace("boreal", "obsidian")
    assert desk.json("migrate", "dawn")["changed"] is False


def test_a_suspended_brand_opens_nothing_until_it_is_resumed(desk: Desk) -> None:
    desk.new()
    assert desk.json("suspend", "dawn", "--reason", "unpaid", "--dry-run")["changed"] is False
    assert desk.json("suspend", "dawn", "--reason", "unpaid")["changed"] is True
    assert desk.json("suspend", "dawn", "--reason", "unpaid")["changed"] is False
    assert run(["risk", "switch", "list", "--json"]) == 0
    (switch,) = json.loads(desk.capsys.readouterr().out.splitlines()[-1])["switches"]
    assert (switch["reach"], switch["stops"], switch["reason"]) == ("tenant", "opens", "the brand is suspended: unpaid")
    shown = desk.json("show", "dawn")
    assert (shown["status"], shown["reason"]) == ("suspended", "unpaid")
    assert desk.json("resume", "dawn")["changed"] is True
    assert desk.json("resume", "dawn")["changed"] is False
    assert run(["risk", "switch", "list", "--json"]) == 0
    assert json.loads(desk.capsys.readouterr().out.splitlines()[-1])["switches"] == []
    found = acts("dawn")
    assert [one for one in found if one.startswith("tenant.")] == [
        "tenant.created",
        "tenant.suspended",
        "tenant.resumed",
    ]


def test_the_owner_is_invited_once(desk: Desk) -> None:
    desk.new()
    assert desk.json("admin", "invite", "dawn", "--email", "Mara@Example.com", "--dry-run")["changed"] is False
    first = desk.json("admin", "invite", "dawn", "--email", "Mara@Example.com")
    assert (first["email"], first["roles"], first["changed"]) == ("mara@example.com", ["owner"], True)
    assert desk.json("admin", "invite", "dawn", "--email", "mara@example.com")["changed"] is False
    assert "expected one of owner" in desk.said(
        "admin", "invite", "dawn", "--email", "a@b.example", "--role", "x", code=1
    )


def test_a_secret_is_stored_replaced_and_never_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.new()
    desk.apply("--set", "smtp={host: m.example, from: a@b.example, password: 'secret:smtp_password'}")
    assert desk.json("secret", "list", "dawn")["missing"] == ["smtp_password"]
    assert "has no secret smtp_password to replace" in desk.said("secret", "rotate", "dawn", "smtp_password", code=1)
    changed = []
    for verb, value in (("set", "first"), ("set", "first"), ("rotate", "second-canary")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{value}\n"))
        changed.append(desk.json("secret", verb, "dawn", "smtp_password")["changed"])
    assert changed == [True, False, True]
    listed = desk.json("secret", "list", "dawn")
    assert (listed["names"], listed["missing"]) == (["smtp_password"], [])
    assert listed["used_by"] == {"smtp_password": ["smtp.password"]}
    assert "second-canary" not in desk.said("show", "dawn", "--all")


def test_a_brand_whose_followers_hold_something_stays(desk: Desk) -> None:
    desk.new()
    runtime = Runtime()
    held(runtime.tenant_ids["dawn"], runtime)
    runtime.close()
    (desk.root / "pass").write_text("a passphrase of some length\n")
    command = ("remove", "dawn", "--passphrase-file", "pass", "--yes-remove", "dawn", "--port", "9")
    assert "followers hold BTC/USDT on okx-lab, which nobody would close" in desk.said(*command, code=1)
    assert desk.file.exists()
    done = desk.json(*command, "--force-detached")
    assert (done["rows"]["book"], done["rows"]["subscription"]) == (1, 1)
    assert not desk.file.exists()


def test_a_removed_brand_leaves_its_archive_and_nothing_else(desk: Desk, owner_url: str) -> None:
    desk.new()
    (desk.root / "pass").write_text("a passphrase of some length\n")
    command = ("remove", "dawn", "--passphrase-file", "pass", "--port", str(desk.port))
    assert desk.json(*command, "--dry-run")["changed"] is False
    assert "expected dawn, to remove it, found aurora" in desk.said(*command, "--yes-remove", "aurora", code=1)
    done = desk.json(*command, "--yes-remove", "dawn")
    assert done["rows"]["audit_entry"] >= 1
    assert Path(done["archive"]).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (desk.root / "tenants").iterdir() if path.name[0] != "_") == [
        "aurora",
        "boreal",
    ]
    with psycopg.connect(owner_url) as connection:
        left = connection.execute("SELECT count(*) FROM tenant WHERE slug = 'dawn'").fetchone()
        switches = connection.execute("SELECT count(*) FROM installation_switch WHERE lifted_at IS NULL").fetchone()
    assert (left, switches) == ((0,), (0,))
    assert desk.json(*command, "--yes-remove", "dawn")["changed"] is False
    assert "there is no tenant noon" in desk.said("remove", "noon", "--yes-remove", "noon", code=1)
