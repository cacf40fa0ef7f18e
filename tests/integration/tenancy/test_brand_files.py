"""What a brand uploads is kept under a name made of its content, for this brand alone."""

from __future__ import annotations

import pytest
from copydesk.kernel import InvalidInput
from copydesk.tenancy import keep_file, read_file
from settings_office import Office

LOGO = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


def test_an_upload_serves_as_the_brand_s_logo_and_the_same_content_is_kept_once(office: Office) -> None:
    with office.db.tenant(office.tenant_id) as session:
        name = keep_file(session, office.tenant_id, LOGO, ".svg", office.at)
        assert keep_file(session, office.tenant_id, LOGO, ".svg", office.at) == name
    office.change({"brand.logo": f"stored:{name}"})
    with office.db.tenant(office.tenant_id) as session:
        assert read_file(session, name) == (LOGO, "image/svg+xml")
    logo = office.tenant.config.brand.logo
    assert logo is not None
    assert office.tenant.asset(logo).stored == name


def test_another_brand_cannot_read_it_and_an_unknown_name_is_nothing(office: Office) -> None:
    with office.db.tenant(office.tenant_id) as session:
        name = keep_file(session, office.tenant_id, LOGO, ".svg", office.at)
    with office.db.tenant(office.other_id) as session:
        assert read_file(session, name) is None
        assert read_file(session, "../logo.svg") is None


@pytest.mark.parametrize(("data", "ending"), [(b"", ".svg"), (LOGO, ".html"), (LOGO, "")])
def test_nothing_and_unknown_endings_are_refused(office: Office, data: bytes, ending: str) -> None:
    with pytest.raises(InvalidInput, match="a file that ends in"), office.db.tenant(office.tenant_id) as session:
        keep_file(session, office.tenant_id, data, ending, office.at)
