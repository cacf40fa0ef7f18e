"""Does the brand's mail server take its letters?"""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, warn
from copydesk.kernel import CopydeskError
from copydesk.notifications.model import Letter
from copydesk.notifications.smtp import SmtpMailer, named_in_panel


def mail_server(case: Case) -> Iterator[Result]:
    """Greet, turn to TLS and sign in; a letter leaves only where one was asked for."""
    smtp = case.tenant.config.smtp
    if smtp is None:
        yield warn("smtp", "no mail server: letters go into a folder", "Give the brand its own server under smtp.")
        return
    place = f"{smtp.host} port {smtp.port}"
    password = case.secret(smtp.password) if smtp.password else None
    if smtp.password and password is None:
        name = smtp.password.removeprefix("secret:")
        yield fail(
            place, f"its password is not stored: secret {name}", f"copydesk tenant secret set {case.tenant.slug} {name}"
        )
        return
    inside = not named_in_panel(case.tenant)
    mailer = SmtpMailer(smtp, password, trust=case.trust, timeout_s=case.patience_s, inside=inside)
    remedy = "Correct smtp.host, port, security, username or its secret; the server's own words say which."
    try:
        signed_in = mailer.try_out(smtp.from_address.rpartition("@")[2])
    except CopydeskError as error:
        yield fail(place, str(error), remedy)
        return
    yield ok(place, f"answers, {smtp.security}, {'signed in' if signed_in else 'without a sign-in'}")
    if case.mail_to:
        yield _letter(case, mailer, smtp.from_address)


def _letter(case: Case, mailer: SmtpMailer, sender: str) -> Result:
    text = f"{case.tenant.name}: this letter shows that mail of your site arrives."
    letter = Letter(
        id=0,
        to=case.mail_to,
        sender_name=case.tenant.name,
        sender=sender,
        subject=f"{case.tenant.name}: test",
        text=text,
        html=f"<p>{case.tenant.slug}</p>",
        lang="en",
        at=case.now,
    )
    try:
        mailer.send(letter)
    except CopydeskError as error:
        return fail(case.mail_to, str(error), "Correct smtp.from, or write to another address.")
    return ok(case.mail_to, "a test letter was taken")
