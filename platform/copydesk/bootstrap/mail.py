"""Who carries a brand's mail: its own mail server, or, where it names none, a folder of the installation."""

from __future__ import annotations

from copydesk.bootstrap.runtime import Runtime
from copydesk.kernel import Unavailable
from copydesk.notifications import Mailer


def open_mailer(runtime: Runtime, tenant_id: int) -> Mailer:
    """Return a brand's mailer as its file says now.

    Raises `ConfigError` where the brand's file is gone, `Unavailable` while the password that it refers to is not set.
    """
    # Only who sends mail pays for these imports.
    from copydesk.notifications.console import ConsoleMailer
    from copydesk.notifications.smtp import SmtpMailer, named_in_panel

    tenant = runtime.tenant(tenant_id)
    smtp = tenant.config.smtp
    if smtp is None:
        return ConsoleMailer(runtime.places.var / "mail" / tenant.slug)
    inside = not named_in_panel(tenant)
    if smtp.password is None:
        return SmtpMailer(smtp, None, inside=inside)
    name = smtp.password.removeprefix("secret:")
    password = runtime.secrets.get(tenant.slug, name)
    if password is None:
        raise Unavailable(f"smtp.password: the secret {name} is not set (copydesk tenant secret set)")
    return SmtpMailer(smtp, password, inside=inside)
