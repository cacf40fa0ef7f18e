"""What no module may use, so that a whole class of weaknesses is not there to be looked for."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

import pytest
import yaml
from copydesk.identity.tokens import draw_token
from project import PACKAGE, ROOT, files, module_name, modules, setup

OUTSIDERS = ("copydesk.venues.lab", "copydesk.demo", "copydesk.bench", "copydesk.faults")
RULES = sorted((ROOT / "config" / "semgrep").glob("*.yaml"))
# Text, not syntax trees: to parse eight hundred files takes longer than everything else in this folder.
TEXTS = {module_name(path): path.read_text() for path in modules()}


def hits(pattern: str) -> list[str]:
    """Name our modules in whose code a pattern stands, comments left out."""
    wanted = re.compile(pattern)
    lines = {name: (line.partition("  # ")[0] for line in text.splitlines()) for name, text in TEXTS.items()}
    return [name for name, code in lines.items() if any(wanted.search(line) for line in code)]


def imported(*names: str) -> list[str]:
    """Name our modules that import one of these, or anything inside it."""
    return hits(rf"^\s*(?:import|from) (?:{'|'.join(map(re.escape, names))})(?:[. ,]|$)")


def test_no_code_is_made_while_the_program_runs() -> None:
    assert hits(r"(?<![\w.`])(?:eval|exec|compile|__import__)\(") == []


def test_nothing_is_read_that_could_carry_code() -> None:
    assert imported("pickle", "cPickle", "marshal", "shelve", "dill", "joblib") == []
    assert hits(r"yaml\.(?:load|unsafe_load|full_load)\(") == []


def test_a_job_is_carried_as_json() -> None:
    # A bench reads the queue's names and lengths.
    ours = [name for name in imported("rq") if not name.startswith(OUTSIDERS)]
    queues = [name for name in ours if "JSONSerializer" not in TEXTS[name]]
    assert [name for name in queues if re.search(r"(?<!\w)(?:Queue|Worker|Job)\(", TEXTS[name])] == []
    assert "JSONSerializer" in TEXTS["copydesk.workers.wake"]


def test_no_xml_of_strangers_is_parsed() -> None:
    # The operator's own logo is looked at before a brand is made; one with a document type is refused unread.
    assert imported("xml", "lxml", "defusedxml") == ["copydesk.cli.tenant_draft"]
    # Our own supervisor answers over a socket that only this user may open.
    assert imported("xmlrpc") == ["copydesk.stack.supervise"]


def test_no_template_is_made_of_text() -> None:
    assert hits(r"render_template_string|\.from_string\(") == []
    # A Markup is escaped where it is filled in; anything but a constant would be taken for safe as it is.
    # What renders legal texts is the exception: its Markdown has HTML off, and a test tries to get some through.
    assert hits(r"(?<!\w)Markup\((?![\"'])") == ["copydesk.web.legal.markdown"]


def test_no_hash_or_cipher_is_used_that_is_broken_or_unguarded() -> None:
    assert hits(r"(?i)hashlib\.(?:md5|sha1|new)\(|\b(?:modes\.(?:ECB|CBC|CTR|OFB|CFB)|TripleDES|ARC4|Blowfish)\b") == []
    # PKCS#1 v1.5 signs requests for exchanges whose RSA keys know no other padding; nothing is encrypted with it.
    signing = {"copydesk.venues.client.signatures", "copydesk.venues.lab.signatures"}
    assert set(hits(r"PKCS1v15")) <= signing
    assert hits(r"\.encrypt\(.*PKCS1v15") == []


def test_chance_that_can_be_repeated_is_for_simulations_only() -> None:
    assert [name for name in imported("random") if not name.startswith(OUTSIDERS)] == []


def test_no_certificate_goes_unchecked() -> None:
    pattern = r"CERT_NONE|_create_unverified_context|verify\s*=\s*False|\bssl\s*=\s*False|check_hostname\s*=\s*False"
    assert [name for name in hits(pattern) if not name.startswith(OUTSIDERS)] == []


def test_no_command_goes_through_a_shell() -> None:
    assert hits(r"\bos\.(?:system|popen)\(|create_subprocess_shell|shell\s*=\s*True") == []


def test_no_pattern_is_made_of_input() -> None:
    # A pattern is text without holes, a constant, or built of escaped words.
    makes = re.compile(r"\bre\.(?:compile|match|search|fullmatch|sub|split|findall)\(\s*(?:rf|fr|f)[\"'](.*)")
    holes = [(name, said) for name, text in TEXTS.items() for said in makes.findall(text) if re.search(r"\{\D", said)]
    constant = re.compile(r"\{(?:[A-Z_]+|['\"]\|['\"]\.join\(.*)\}|\{_[A-Z_]+\}|re\.escape")
    assert [(name, said) for name, said in holes if not constant.search(said)] == []


def test_no_format_string_comes_from_input() -> None:
    # `.format` stands behind a text of our own: a literal, or a constant in capitals.
    called = re.compile(r"([\w.)\[\]\"']+)\.format(?:_map)?\(")
    ours = re.compile(r".*[\"')]|(?:\w+\.)?_?[A-Z][A-Z0-9_]*(?:\.text|\[[\w.]+\])?")
    found = [(name, one) for name, text in TEXTS.items() for one in called.findall(text) if not ours.fullmatch(one)]
    known = {"copydesk.stack.roles", "copydesk.replication.flattening"}  # Fill in constants of their own tables.
    assert {name for name, _ in found if not name.startswith(OUTSIDERS)} <= known


def test_no_view_reads_a_parameter_from_anywhere() -> None:
    # The way back and the kind of factor may stand in the address or in the form; each is judged by its own list.
    anywhere = re.compile(r"request\.(?:values|params)\b(.*)")
    lines = {name: anywhere.findall(text) for name, text in TEXTS.items()}
    odd = [(name, said) for name, found in lines.items() for said in found]
    assert [(name, said) for name, said in odd if not re.match(r"\.get\(\"(?:next|method)\"", said)] == []


def test_a_token_has_at_least_128_random_bits() -> None:
    drawn = {draw_token() for _ in range(100)}
    assert len(drawn) == 100
    assert min(len(urlsafe_b64decode(token + "=" * (-len(token) % 4))) for token in drawn) * 8 >= 128


def test_a_password_field_is_masked_and_open_to_password_managers() -> None:
    macro = (ROOT / "themes" / "core" / "templates" / "forms.html").read_text().partition("macro password_field")[2]
    field = re.search(r"<input[^>]*>", macro)
    assert field
    assert 'type="password"' in field[0] and 'autocomplete="{{ autocomplete }}"' in field[0]
    pages = files(".html", under=ROOT / "themes")
    bare = re.compile(r"<input(?![^>]*type=\"password\")[^>]*name=\"\w*(?:password|passphrase|secret)\w*\"")
    assert [path.name for path in pages if bare.search(path.read_text())] == []
    assert [path.name for path in SCRIPTS if "paste" in path.read_text()] == []


def test_every_page_of_somebody_who_is_signed_in_offers_to_sign_out() -> None:
    themes = ROOT / "themes"
    assert (
        'action="/account/sign-out"' in (themes / "core" / "templates" / "partials" / "account_menu.html").read_text()
    )
    assert "partials/header.html" in (themes / "core" / "templates" / "layout.html").read_text()
    headers = sorted(themes.glob("*/templates/partials/header.html"))
    assert headers
    assert [path for path in headers if "partials/account_menu.html" not in path.read_text()] == []
    layouts = sorted(themes.glob("*/templates/layout.html"))
    assert [path for path in layouts if "partials/header.html" not in path.read_text()] == []


SCRIPTS = files(".js", under=ROOT / "themes" / "core" / "static" / "js")


@pytest.mark.parametrize("word", ["eval(", "new Function", "document.write", "postMessage", "__proto__", "outerHTML ="])
def test_no_script_makes_code_or_listens_to_strangers(word: str) -> None:
    assert SCRIPTS
    assert [path.name for path in SCRIPTS if word in path.read_text()] == []


def test_only_the_color_scheme_is_kept_in_the_browser() -> None:
    keeping = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie")
    assert [path.name for path in SCRIPTS if keeping.search(path.read_text())] == ["scheme.js"]
    assert set(re.findall(r"[sg]etItem\(\"(\w+)\"", (SCRIPTS[0].parent / "scheme.js").read_text())) == {"scheme"}


def test_every_scanner_rule_is_proved_by_a_planted_violation_and_by_what_it_lets_pass() -> None:
    assert len(RULES) >= 4
    for path in RULES:
        planted = path.with_suffix(".py").read_text()
        for rule in yaml.safe_load(path.read_text())["rules"]:
            assert f"# ruleid: {rule['id']}\n" in planted, rule["id"]
            assert f"# ok: {rule['id']}\n" in planted, rule["id"]


def test_every_question_that_a_scanner_does_not_ask_has_a_reason() -> None:
    skips = [line for line in (ROOT / "config" / "bandit.yaml").read_text().splitlines() if line.startswith("  - ")]
    assert skips
    assert [line for line in skips if not re.fullmatch(r"  - B\d{3} # .{20,}", line)] == []


def test_the_check_runs_every_scanner() -> None:
    check = (ROOT / "scripts" / "check").read_text()
    assert ".venv/bin/bandit" in check
    assert "scripts/scan" in check
    assert "--test config/semgrep" in (ROOT / "scripts" / "scan").read_text()


def test_every_scanner_library_has_one_exact_pin() -> None:
    lines = (ROOT / "config" / "constraints-scan.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==\S+", line)] == []
    assert any(line.startswith("semgrep==") for line in pins)


def test_types_are_checked_strictly() -> None:
    assert setup()["mypy"].getboolean("strict")
    assert PACKAGE.joinpath("py.typed").is_file()
