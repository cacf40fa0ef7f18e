"""Parcels: one whole brand as one encrypted file, which another installation unpacks; and what erases a brand.

Owns the format of the file and what travels in it: the brand's folder, its secrets, the record of who did what, and all
rows of every table that has a `tenant_id`. Tables are read from the database's own catalog, so that a new one travels
without being named here. Nothing of a parcel is ever written to a disk unencrypted.
"""

from copydesk.parcel.arriving import Address
from copydesk.parcel.depot import Depot
from copydesk.parcel.erase import Erased, erase_tenant
from copydesk.parcel.model import Arrival, Manifest, ParcelBroken, PassphraseWrong
from copydesk.parcel.receive import import_tenant, try_import
from copydesk.parcel.send import export_tenant
from copydesk.parcel.verify import verify_parcel

__all__ = [
    "Address",
    "Arrival",
    "Depot",
    "Erased",
    "Manifest",
    "ParcelBroken",
    "PassphraseWrong",
    "erase_tenant",
    "export_tenant",
    "import_tenant",
    "try_import",
    "verify_parcel",
]
