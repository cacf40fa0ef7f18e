"""`copydesk accounts check`: what the owner of a key reads, at every exchange and for every trouble a key can have."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from copydesk.cli import run
from copydesk.trading import Credentials, Denial
from copydesk.venues import TRAITS, Feature
from copydesk.web.words import exchange_name
from venue_lab import LabAccount, LabProcess

ROOT = Path(__file__).parents[3]
SAFE, HERE = ("read", "trade", "perp"), ("127.0.0.1",)
Check = Callable[..., tuple[int, str, dict]]

TROUBLES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Denial]] = {
    "withdraw": ((*SAFE, "withdraw"), HERE, Denial.KEY_CAN_WITHDRAW),
    "read-only": (("read",), HERE, Denial.KEY_READ_ONLY),
    "unknown": ((*SAFE, "other"), HERE, Denial.KEY_RIGHTS_UNKNOWN),
    "address": (SAFE, ("10.0.0.1",), Denial.KEY_ADDRESS_REFUSED),
}
# What the simulated exchange cannot be: status and body as documented, and the beginning of the paths they answer.
OTHER_ACCOUNT: dict[str, tuple[int, str]] = {
    "okx": (401, '{"msg":"APIKey does not match current environment.","code":"50101"}'),
    "bybit": (200, '{"retCode":10028,"retMsg":"The API can only be accessed by unified account users.","result":{}}'),
}


@pytest.fixture
def check(lab: LabProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Check]:
    """Run the command with a key on standard input; gives the exit code, what was said, and the JSON line."""
    monkeypatch.setenv("COPYDESK_LAB_REST", f"http://127.0.0.1:{lab.rest_port}")

    def check(venue: str, key: Credentials, *more: str, root: Path = ROOT) -> tuple[int, str, dict]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key.api_key}\n{key.secret}\n{key.password}\n"))
        where = ["--root", str(root), "--venue", venue, "--environment", "lab", *more]
        code = run(["accounts", "check", *where, "--json"])
        said = capsys.readouterr()
        assert key.secret not in said.out + said.err
        return code, said.err, json.loads(said.out.splitlines()[-1]) if said.out else {}

    yield check


def test_a_key_is_asked_from_the_address_that_it_is_bound_to(lab: LabProcess, check: Check, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "defaults.yaml").write_text("venues:\n  egress: [127.0.0.2]\n")
    for folder in ("tenants", "themes"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    key = lab.key(account_at(lab, "okx").name, SAFE, ("127.0.0.2",))
    refused(check("okx", key, root=tmp_path), "okx", Denial.KEY_ADDRESS_REFUSED)
    code, _, told = check("okx", key, "--egress", "127.0.0.2", root=tmp_path)
    assert (code, told["ok"]) == (0, True)
    code, said, _ = check("okx", key, "--egress", "127.0.0.3", root=tmp_path)
    assert code != 0
    assert "venues.egress: expected one of 127.0.0.2, found 127.0.0.3" in said


def account_at(lab: LabProcess, venue: str) -> LabAccount:
    return lab.account(venue=venue, permissions=SAFE)


@pytest.mark.parametrize("venue", TRAITS)
def test_a_good_key_is_accepted_with_its_rights(lab: LabProcess, check: Check, venue: str) -> None:
    code, said, told = check(venue, account_at(lab, venue).credentials)
    assert (code, told["ok"], told["reason"]) == (0, True, None)
    assert f"this key of {exchange_name(venue)} may read, trade spot, trade perpetuals" in said
    assert told["rights"]["can_trade"] and not told["rights"]["can_withdraw"]
    assert "not bound to addresses" in said


@pytest.mark.parametrize("venue", TRAITS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_key_with_the_wrong_rights_is_refused_with_what_to_change_where(
    lab: LabProcess, check: Check, venue: str, trouble: str
) -> None:
    rights, addresses, denial = TROUBLES[trouble]
    if denial is Denial.KEY_ADDRESS_REFUSED and not TRAITS[venue].supports(Feature.KEY_ADDRESS_NAMED):
        denial = Denial.KEY_REJECTED
    refused(check(venue, lab.key(account_at(lab, venue).name, rights, addresses)), venue, denial)


@pytest.mark.parametrize("venue", TRAITS)
def test_a_wrong_secret_and_a_wrong_passphrase_are_told_apart(lab: LabProcess, check: Check, venue: str) -> None:
    first, second = (account_at(lab, venue).credentials for _ in range(2))
    refused(check(venue, replace(first, secret=first.secret[::-1])), venue, Denial.KEY_SECRET_WRONG)
    if second.password:
        refused(check(venue, replace(second, password="Another1word")), venue, Denial.KEY_PASSPHRASE_WRONG)


@pytest.mark.parametrize("venue", OTHER_ACCOUNT)
def test_the_wrong_kind_of_account_is_told(lab: LabProcess, check: Check, venue: str) -> None:
    account, (status, body) = account_at(lab, venue), OTHER_ACCOUNT[venue]
    lab.control("POST", "faults", harm="status", account=account.name, status=status, body=body)
    refused(check(venue, account.credentials), venue, Denial.KEY_ACCOUNT_TYPE_WRONG)


@pytest.mark.parametrize("venue", TRAITS)
def test_a_key_is_neither_accepted_nor_refused_while_the_exchange_is_away(
    lab: LabProcess, check: Check, venue: str
) -> None:
    account = account_at(lab, venue)
    lab.control("POST", "faults", harm="maintenance", venue=venue)
    code, said, told = check(venue, account.credentials)
    assert (code, told) == (1, {})
    assert said.startswith("copydesk: ")


def test_no_key_on_standard_input_is_told(check: Check) -> None:
    code, said, _ = check("binance", Credentials(0, "", "unused-secret"))
    assert (code, said) == (1, "copydesk: expected the API key on a line of standard input, found nothing\n")


def refused(answer: tuple[int, str, dict], venue: str, denial: Denial) -> None:
    code, said, told = answer
    assert (code, told["ok"], told["reason"]) == (1, False, denial.value)
    assert told["sentence"] in said and exchange_name(venue) in told["sentence"]
