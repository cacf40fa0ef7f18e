"""Outside providers that a brand has an account with: what each needs, and a question that proves its keys.

Knows no provider by name: `payments` and `kyc` hold those as tables of values. A probe only reads; nothing is charged
and nobody identified here.
"""

from copydesk.providers.check import fits, shaped
from copydesk.providers.model import Ask, Field, Given, Misfit, Outcome, Probe, Provider
from copydesk.providers.probing import TIMEOUT_S, probe

__all__ = [
    "TIMEOUT_S",
    "Ask",
    "Field",
    "Given",
    "Misfit",
    "Outcome",
    "Probe",
    "Provider",
    "fits",
    "probe",
    "shaped",
]
