"""Which brands have anything to look at, asked of all in one round trip: most brands are quiet most of the time.

What is looked at several times a second would otherwise cost as many transactions as there are brands.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import Database, number_array

_SIGNS = text(
    "SELECT brand, busy, crowd, copy_id, adjustment_id, paid_at FROM brand_signs(CAST(CAST(:ids AS text) AS int[]))"
)


class BrandSign(NamedTuple):
    """How a brand stands. `busy`: a delivery, a copy, an errand or a resting order is not done with yet.

    The others grow: with who copies and how (`crowd`), with copies, with what was adjusted and what was paid.
    """

    busy: bool
    crowd: int
    copy_id: int
    adjustment_id: int
    paid_at: datetime | None


def read_signs(db: Database, tenant_ids: Collection[int]) -> dict[int, BrandSign]:
    """Return the sign of each brand. It reads every brand's tables as that brand, one after the other."""
    with db.installation() as session:
        rows = session.execute(_SIGNS, {"ids": number_array(sorted(tenant_ids))})
        return {int(brand): BrandSign(*sign) for brand, *sign in rows}
