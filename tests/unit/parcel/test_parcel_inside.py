"""The inside of a parcel is read strictly: its sections, its files, and the hosts of a brand's file."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from copydesk.kernel import InvalidInput
from copydesk.parcel import ParcelBroken
from copydesk.parcel.folder import folder_lines, packed_files, with_hosts
from copydesk.parcel.lines import SectionReader, SectionWriter
from copydesk.parcel.model import Head, Manifest

HEAD = Head("0123456789abcdef", "aurora", datetime(2026, 11, 23, tzinfo=UTC), "1.7", "0015", 3)


def whole(**sections: list[bytes]) -> bytes:
    out = io.BytesIO()
    writer = SectionWriter(out, HEAD)
    for name, lines in sections.items():
        writer.section(name, lines)
    writer.end(audit_seq=7, audit_hash="ab", key="k")
    return out.getvalue()


def read(content: bytes) -> tuple[dict[str, list[bytes]], Manifest | None]:
    reader = SectionReader(io.BytesIO(content))
    return {name: list(lines) for name, lines in reader.sections()}, reader.manifest


def test_sections_come_back_in_order_with_a_manifest_of_their_hashes() -> None:
    found, manifest = read(whole(one=[b'{"a":1}', b'{"b":2}'], two=[]))
    assert found == {"one": [b'{"a":1}', b'{"b":2}'], "two": []}
    assert manifest is not None
    assert (manifest.head, manifest.audit_seq) == (HEAD, 7)
    assert manifest.sections[0].sha256 == hashlib.sha256(b'{"a":1}\n{"b":2}\n').hexdigest()


def test_what_a_reader_leaves_of_a_section_is_passed_over() -> None:
    reader = SectionReader(io.BytesIO(whole(one=[b"{}", b"{}"], two=[b"{}"])))
    assert [name for name, _ in reader.sections()] == ["one", "two"]
    assert reader.manifest is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"a":1}', b'{"a":2}'),
        (b'{"a":1}\n', b""),
        (b'"lines":1', b'"lines":2'),
        (b'#{"begin":"one"}\n', b""),
        (b'{"parcel":1', b'{"parcel":2'),
        (b'"audit_hash":"ab"', b'"audit_hash":"ab"}}\n#{"x":{"y":1'),
    ],
)
def test_a_file_that_only_looks_like_one_is_refused(old: bytes, new: bytes) -> None:
    content = whole(one=[b'{"a":1}'])
    # The format stands behind other words in the head.
    content = content.replace(b'"parcel":1', b'"parcel":2') if b"parcel" in old else content.replace(old, new, 1)
    with pytest.raises(ParcelBroken):
        read(content)


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "../../etc"), ("slug", 7), ("number", "../x"), ("number", ""), ("revision", "a b"), ("tenant_id", True)],
)
def test_a_head_that_leads_elsewhere_is_refused(field: str, value: object) -> None:
    first, _, rest = whole(one=[]).partition(b"\n")
    head = json.loads(first[1:]) | {field: value}
    with pytest.raises(ParcelBroken, match="head"):
        read(b"#" + json.dumps(head).encode() + b"\n" + rest)


def test_a_file_that_ends_too_early_is_refused() -> None:
    content = whole(one=[b'{"a":1}'])
    for length in range(len(content)):
        with pytest.raises((ParcelBroken, ValueError)):
            read(content[:length])


def test_a_folder_comes_back_without_links_and_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "legal").mkdir()
    for name, text in {"tenant.yaml": "a", "legal/terms.md": "b", ".draft": "c"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    assert packed_files(folder_lines(tmp_path)) == {"legal/terms.md": b"b", "tenant.yaml": b"a"}


@pytest.mark.parametrize("name", ["../up", "/root", "a/../b", "", "a//b", ".hidden", "a/.b", 7, "a\\b", "a\nb"])
def test_a_file_never_leads_out_of_its_folder(name: object) -> None:
    line = json.dumps({"name": name, "data": base64.b64encode(b"x").decode()}).encode()
    with pytest.raises(ParcelBroken):
        packed_files([line])


@pytest.mark.parametrize(
    "hosts",
    ["hosts: [a.test, b.test]  # both", "hosts: [a.test,\n    b.test]", "hosts:\n    - a.test\n    - b.test  # two"],
)
def test_hosts_are_replaced_and_the_rest_stays(hosts: str) -> None:
    before = f"# A brand.\nschema: 2\nbrand:\n  name: Ünit\n  {hosts}\n  theme: aurora  # kept\nlocales: [en]\n"
    after = with_hosts(before.encode(), ("c.test",)).decode()
    assert yaml.safe_load(after) == yaml.safe_load(before) | {
        "brand": {"name": "Ünit", "hosts": ["c.test"], "theme": "aurora"}
    }
    assert after.startswith("# A brand.\n")
    assert "theme: aurora  # kept\nlocales: [en]\n" in after


@pytest.mark.parametrize("content", [b"schema: 2\n", b"brand: {hosts: a.test}\n", b"brand: [", b"\xff"])
def test_a_file_without_a_list_of_hosts_says_so(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"brand\.hosts"):
        with_hosts(content, ("c.test",))
