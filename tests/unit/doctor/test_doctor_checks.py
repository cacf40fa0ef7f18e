"""Each check against the real thing on loopback: what it finds, and what it tells the operator to do."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer, StreamRequestHandler, ThreadingTCPServer
from types import SimpleNamespace

import pytest
from copydesk.doctor import CHECKS, Level, accounts, examine, exchanges, ground, hosts, letters, seals
from copydesk.doctor.settings import BACKUP_MAX_AGE_H, PUBLIC_ADDRESSES
from copydesk.kernel import ConfigError, utc_now
from copydesk.keys.settings import EGRESS_SHOWN
from copydesk.tenancy import Exchange, Gateway, LayerValues, Smtp
from copydesk.venues.lab.tls import Authority, open_authority
from copydesk.venues.settings import EGRESS
from doctor_case import brand, case
from tiny_smtp import TinySmtp, tiny_smtp


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("tls"))


@contextmanager
def serving(server: BaseServer) -> Iterator[int]:
    """Serve until the block ends, and give the port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(StreamRequestHandler):
    """Take a connection and hang up."""


class Clock(BaseHTTPRequestHandler):
    """Answer with a date that is off by what the server says, and a status."""

    off_s = 0
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(utc_now().timestamp() + self.off_s)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answering(**how: int) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (Clock,), how))


def told(**settings: object) -> LayerValues:
    return LayerValues("defaults.yaml", settings)  # type: ignore[arg-type]


def test_a_name_of_this_machine_needs_no_name_server() -> None:
    assert [one.level for one in hosts.names(case())] == [Level.PASS]


def test_a_host_points_where_the_installation_is_or_the_record_is_named() -> None:
    tenant = brand(hosts=("desk.example.com", "other.example.com"))
    defaults = told(**{PUBLIC_ADDRESSES.key: ["203.0.113.7"]})

    def resolve(host: str) -> list[str]:
        return ["203.0.113.7"] if host == "desk.example.com" else ["198.51.100.9"]

    found = list(hosts.names(case(tenant, defaults=defaults, resolve=resolve)))
    assert [one.level for one in found] == [Level.PASS, Level.FAIL]
    assert found[1].found == "points to 198.51.100.9"
    assert found[1].remedy == "Create an A or AAAA record for other.example.com that points to 203.0.113.7."


def test_a_host_that_no_server_knows_fails() -> None:
    def resolve(_host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    found = next(hosts.names(case(brand(hosts=("desk.example.com",)), resolve=resolve)))
    assert (found.level, found.found) == (Level.FAIL, "does not resolve: Name or service not known")


def shaken(authority: Authority, host: str, *, days_on: int = 0) -> tuple[Level, str]:
    """Look at a host that is served with the authority's certificate."""
    with ThreadingTCPServer(("127.0.0.1", 0), Quiet) as server:
        server.socket = authority.context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        with serving(server) as port:
            found = next(
                hosts.certificates(
                    case(
                        brand(hosts=(host,)),
                        site_url=f"https://localhost:{port}",
                        trust=ssl.create_default_context(cafile=authority.ca_file),
                        now=utc_now() + timedelta(days=days_on),
                    )
                )
            )
    return found.level, found.found


def test_a_certificate_is_trusted_for_its_own_name_and_time(authority: Authority) -> None:
    level, said = shaken(authority, "desk.lab.test")
    assert (level, said.startswith("TLSv1.3, certificate good for 39")) == (Level.PASS, True)
    level, said = shaken(authority, "desk.lab.test", days_on=390)
    assert level is Level.WARN
    level, said = shaken(authority, "desk.example.com")
    assert (level, "not trusted" in said) == (Level.FAIL, True)


def test_plain_pages_are_warned_about_outside_this_machine_only(free_port: int) -> None:
    local, outside = brand(), brand(hosts=("desk.example.com",))
    assert next(hosts.certificates(case(local, site_url="http://{host}:8000"))).level is Level.SKIP
    assert next(hosts.certificates(case(outside, site_url="http://{host}:8000"))).level is Level.WARN
    nobody = next(hosts.certificates(case(outside, site_url=f"https://127.0.0.1:{free_port}")))
    assert (nobody.level, "refused" in nobody.found) == (Level.FAIL, True)


def mail(server: TinySmtp, *, password: str = "", **given: object) -> list[tuple[Level, str]]:
    named = {"username": "aurora", "password": "secret:smtp"} if server.user else {}
    security = "starttls" if server.offers_starttls else "none"
    smtp = Smtp.model_validate(
        {"host": "localhost", "port": server.port, "security": security, "from": "desk@aurora.test", **named}
    )
    secrets = {"smtp": password} if password else {}
    found = letters.mail_server(case(brand(smtp=smtp), secrets=secrets, **given))
    return [(one.level, one.found) for one in found]


def test_a_mail_server_is_greeted_and_signed_in_to_and_gets_no_letter(authority: Authority) -> None:
    server = TinySmtp(tls=authority.context, offers_starttls=True, user="aurora", password="right")
    trust = ssl.create_default_context(cafile=authority.ca_file)
    with tiny_smtp(server):
        assert mail(server, password="right", trust=trust) == [(Level.PASS, "answers, starttls, signed in")]
        assert mail(server, password="wrong", trust=trust)[0][0] is Level.FAIL
        assert mail(server, trust=trust) == [(Level.FAIL, "its password is not stored: secret smtp")]
        assert server.messages == []


def test_a_test_letter_goes_where_it_was_asked_for() -> None:
    with tiny_smtp(TinySmtp()) as server:
        found = mail(server, mail_to="me@example.com")
        assert found[1] == (Level.PASS, "a test letter was taken")
        assert server.recipients == ["<me@example.com>"]


def test_a_brand_without_a_mail_server_is_warned_and_one_that_is_away_fails(free_port: int) -> None:
    assert next(letters.mail_server(case(brand(smtp=None)))).level is Level.WARN
    level, said = mail(TinySmtp(port=free_port))[0]
    assert (level, f"port {free_port}" in said) == (Level.FAIL, True)


@pytest.mark.parametrize(
    ("off_s", "level", "said"), [(0, Level.PASS, "agrees"), (-60, Level.WARN, "-60"), (90, Level.WARN, "+90")]
)
def test_an_exchanges_clock_is_held_to_ours(off_s: int, level: Level, said: str) -> None:
    with serving(answering(off_s=off_s, status=404)) as port:
        urls = SimpleNamespace(rest={"spot": f"http://127.0.0.1:{port}", "perp": f"http://127.0.0.1:{port}"})
        found = list(exchanges.reached(case(urls=lambda *_: urls)))
    # The answer's date has whole seconds.
    assert {one.level for one in found} == {level}
    assert said in found[0].found.replace("-61", "-60").replace("+89", "+90")


def test_an_exchange_that_gives_no_answer_fails(free_port: int) -> None:
    urls = SimpleNamespace(rest={"spot": f"http://127.0.0.1:{free_port}"})
    found = next(exchanges.reached(case(urls=lambda *_: urls)))
    assert (found.level, "gives no answer: Connection refused" in found.found) == (Level.FAIL, True)


def test_several_that_hang_cost_the_patience_of_one_and_each_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        urls = SimpleNamespace(rest={"spot": f"http://127.0.0.1:{mute.getsockname()[1]}"})
        began = time.monotonic()
        found = list(exchanges.reached(case(urls=lambda *_: urls, patience_s=0.5)))
        took_s = time.monotonic() - began
        names = [one.venue for one in brand().config.exchanges]
    assert [one.about for one in found] == [f"{name}-lab" for name in names]
    assert {one.found.rpartition(": ")[2] for one in found} == {"timed out"}
    assert took_s < 0.5 * len(names)


def test_an_exchange_that_has_no_address_is_the_checks_own_failure() -> None:
    def nowhere(*_: object) -> SimpleNamespace:
        raise ConfigError("there is no exchange of this name")

    found = examine(case(urls=nowhere), [check for check in CHECKS if check.name == "exchanges"])
    assert [(one.level, one.found) for one in found] == [(Level.FAIL, "there is no exchange of this name")]


def test_only_a_live_exchange_wants_a_broker_id() -> None:
    live = {"venue": "okx", "environment": "live", "markets": ["BTC/USDT"]}
    offered = [Exchange.model_validate(live), Exchange.model_validate(live | {"venue": "bybit", "broker_id": "abc123"})]
    found = list(exchanges.brokers(case(brand(exchanges=tuple(offered)))))
    assert [(one.about, one.level) for one in found] == [("okx-live", Level.WARN), ("bybit-live", Level.PASS)]
    assert list(exchanges.brokers(case())) == []


def gateway(status: int, **secrets: str) -> tuple[Level, str]:
    paying = Gateway.model_validate({"provider": "stripe", "secrets": {"secret_key": "secret:stripe"}})
    with serving(answering(status=status)) as port:
        urls = {"stripe": f"http://127.0.0.1:{port}"}
        found = next(accounts.gateways(case(brand(payments=(paying,)), secrets=secrets, provider_urls=urls)))
    return found.level, found.found


def test_a_payment_gateway_takes_the_keys_or_says_why_not() -> None:
    assert gateway(200, stripe="sk_test_1") == (Level.PASS, "takes the keys")
    assert gateway(401, stripe="sk_test_1") == (Level.FAIL, "refuses the keys")
    assert gateway(500, stripe="sk_test_1")[0] is Level.WARN
    assert gateway(200) == (Level.FAIL, "secret_key is not stored")


def test_what_a_brand_does_not_have_is_skipped_and_a_strange_provider_fails() -> None:
    assert next(accounts.gateways(case(brand(payments=())))).level is Level.SKIP
    assert next(accounts.identity(case(brand(kyc=None)))).level is Level.SKIP
    strange = Gateway.model_validate({"provider": "seashells"})
    found = next(accounts.gateways(case(brand(payments=(strange,)))))
    assert (found.level, "stripe" in found.remedy) == (Level.FAIL, True)


def test_each_missing_secret_is_named_with_the_command_that_stores_it() -> None:
    paying = Gateway.model_validate({"provider": "stripe", "secrets": {"secret_key": "secret:stripe"}})
    tenant = brand(payments=(paying,), smtp=None, kyc=None)
    found = list(seals.secrets(case(tenant)))
    assert [(one.level, one.remedy) for one in found] == [(Level.FAIL, "copydesk tenant secret set aurora stripe")]
    assert [one.found for one in seals.secrets(case(tenant, secrets={"stripe": "x"}))] == ["1 of 1 stored"]


def stamped(var: Path, content: str) -> Level:
    (var / "backup").mkdir(exist_ok=True)
    (var / "backup" / "last.json").write_text(content)
    return next(ground.backups(case(var=var, defaults=told(**{BACKUP_MAX_AGE_H.key: 26})))).level


def test_a_backup_is_young_enough_or_warned_about(tmp_path: Path) -> None:
    assert next(ground.backups(case(var=tmp_path))).level is Level.WARN
    assert stamped(tmp_path, json.dumps({"at": utc_now().isoformat()})) is Level.PASS
    assert stamped(tmp_path, json.dumps({"at": datetime.now(UTC).replace(tzinfo=None).isoformat()})) is Level.PASS
    assert stamped(tmp_path, json.dumps({"at": (utc_now() - timedelta(hours=27)).isoformat()})) is Level.WARN
    for broken in ("", "[]", '{"at": 7}', '{"at": "yesterday"}'):
        assert stamped(tmp_path, broken) is Level.WARN


def test_an_outgoing_address_must_be_one_of_this_machine() -> None:
    found = list(ground.egress(case(defaults=told(**{EGRESS.key: ["127.0.0.1", "203.0.113.7"]}))))
    assert [one.level for one in found] == [Level.PASS, Level.FAIL]
    assert [one.level for one in ground.egress(case())] == [Level.PASS]


def test_people_with_real_accounts_are_told_which_addresses_to_bind_keys_to() -> None:
    live = Exchange.model_validate({"venue": "okx", "environment": "live", "markets": ["BTC/USDT"]})
    tenant = brand(exchanges=(live,))
    assert next(ground.shown_addresses(case())).level is Level.SKIP
    assert next(ground.shown_addresses(case(tenant))).level is Level.WARN
    shown = told(**{EGRESS_SHOWN.key: ["203.0.113.7"]})
    assert next(ground.shown_addresses(case(tenant, defaults=shown))).level is Level.PASS


def test_the_disk_is_looked_at(tmp_path: Path) -> None:
    assert next(ground.disk(case(var=tmp_path))).found.endswith("GB free")


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
