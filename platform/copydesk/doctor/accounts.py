"""Do the keys of payment and identity providers hold? Only questions that read are asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from copydesk import kyc, payments
from copydesk.doctor.beside import beside
from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, skip, warn
from copydesk.providers import Given, Outcome, Probe, Provider, probe
from copydesk.tenancy import Gateway


def gateways(case: Case) -> Iterator[Result]:
    """Prove the keys of each payment gateway."""
    asked = case.tenant.config.payments
    yield from beside(lambda gateway: _proved(case, "payments", payments.PROVIDERS, gateway), asked)
    if not case.tenant.config.payments:
        yield skip("payments", "the brand takes no payments")


def identity(case: Case) -> Iterator[Result]:
    """Prove the keys of the provider that checks who people are."""
    provider = case.tenant.config.kyc
    if provider is None:
        yield skip("kyc", "the brand checks nobody's identity")
    else:
        yield _proved(case, "kyc", kyc.PROVIDERS, provider)


def _proved(case: Case, section: str, known: Mapping[str, Provider], gateway: Gateway) -> Result:
    provider = known.get(gateway.provider)
    if provider is None:
        remedy = f"Name one of {', '.join(sorted(known))} under {section}."
        return fail(gateway.provider, "is no provider that this version knows", remedy)
    secrets = {name: case.secret(reference) for name, reference in gateway.secrets.items()}
    if missing := sorted(name for name, value in secrets.items() if not value):
        named = gateway.secrets[missing[0]].removeprefix("secret:")
        return fail(
            provider.title, f"{missing[0]} is not stored", f"copydesk tenant secret set {case.tenant.slug} {named}"
        )
    given = Given(dict(gateway.public), {name: value for name, value in secrets.items() if value})
    return _told(
        provider, probe(provider, given, base_url=case.provider_urls.get(provider.name), timeout_s=case.patience_s)
    )


def _told(provider: Provider, found: Probe) -> Result:
    said = f" ({found.said})" if found.said else ""
    if found.outcome is Outcome.ACCEPTED:
        return ok(provider.title, "takes the keys")
    if found.outcome is Outcome.REFUSED:
        return fail(provider.title, f"refuses the keys{said}", f"Enter the keys anew; see {provider.docs}.")
    if found.outcome is Outcome.UNREACHABLE:
        return fail(provider.title, f"cannot be asked{said}", "Let this machine reach the provider, and try again.")
    return warn(provider.title, f"gives an answer that says nothing of the keys{said}", f"See {provider.docs}.")
