"""Passkeys (WebAuthn Level 3): make one known, and check that it answers for this host, this question and this person.

The browser signs for the host that it shows, so that a copied site gets nothing of use; that is why operators must
have one. py_webauthn checks the signature, the origin, the question and the counter.
"""

from __future__ import annotations

from dataclasses import dataclass

import webauthn
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from webauthn.helpers import (
    generate_challenge,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from copydesk.identity.factors.challenges import LIFETIME, Asked, Question, ask
from copydesk.identity.factors.desk import Change, Desk
from copydesk.identity.factors.model import (
    FactorMissing,
    FactorWrong,
    Holder,
    Method,
    must_verify_user,
)
from copydesk.identity.factors.tables import Passkey
from copydesk.kernel import InvalidInput

PASSKEYS_MAX = 10
LABEL_CHARS_MAX = 60
_TIMEOUT_MS = int(LIFETIME.total_seconds() * 1000)
# A malformed answer is a wrong one, in whichever way it breaks the parser.
_BROKEN = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks for a passkey: a host of the brand without its port, the origin that browsers name, the brand's name."""

    rp_id: str
    origin: str
    name: str


def begin_registration(desk: Desk, party: Party, display_name: str) -> str:
    """Return what the browser's `credentials.create` is given, as JSON; the question waits for one answer."""
    known, holder = _own(desk), desk.holder
    if len(known) >= PASSKEYS_MAX:
        raise InvalidInput(f"passkeys: expected at most {PASSKEYS_MAX}; remove one first")
    challenge = generate_challenge()
    ask(desk, Question.REGISTER_PASSKEY, challenge)
    options = webauthn.generate_registration_options(
        rp_id=party.rp_id,
        rp_name=party.name,
        user_id=_handle(holder),
        user_name=holder.email,
        user_display_name=display_name or holder.email,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_verification(holder)
        ),
        exclude_credentials=[_descriptor(one) for one in known],
    )
    return webauthn.options_to_json(options)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser answered, as JSON text, and the question that was taken off and committed before."""

    asked: Asked | None
    text: str


def finish_registration(desk: Desk, party: Party, answer: Answer, label: str) -> None:
    """Store a new passkey; raises `FactorWrong` where the answer does not fit the question, host or person."""
    if answer.asked is None:
        raise FactorWrong("The question is too old.")
    try:
        credential = parse_registration_credential_json(answer.text)
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=answer.asked.value,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            require_user_verification=must_verify_user(desk.holder.role),
        )
    except _BROKEN:
        raise FactorWrong("The passkey does not fit.") from None
    values = desk.own(
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        rp_id=party.rp_id,
        label=_printable(label) or party.rp_id,
        transports=",".join(one.value for one in credential.response.transports or ()),
        created_at=desk.at,
    )
    stored = insert(Passkey).values(values).on_conflict_do_nothing().returning(Passkey.id)
    if desk.session.execute(stored).scalar() is None:
        raise FactorWrong("This passkey is known already.")
    desk.tell(Change("factor.added", "factor_added", {"factor": Method.PASSKEY}))


def begin_authentication(desk: Desk, party: Party) -> str:
    """Return what the browser's `credentials.get` is given, as JSON; `FactorMissing` where none is of this host."""
    known = [one for one in _own(desk) if one.rp_id == party.rp_id]
    if not known:
        raise FactorMissing("There is no passkey for this site.")
    challenge = generate_challenge()
    ask(desk, Question.USE_PASSKEY, challenge)
    options = webauthn.generate_authentication_options(
        rp_id=party.rp_id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=[_descriptor(one) for one in known],
        user_verification=_verification(desk.holder),
    )
    return webauthn.options_to_json(options)


def verify_passkey(desk: Desk, party: Party, answer: Answer) -> None:
    """Check a signed answer; raises `FactorWrong`.

    A counter that did not move forward means that the key was copied, or the answer repeated; zero means that the
    authenticator keeps none.
    """
    if answer.asked is None:
        raise FactorWrong("The question is too old.")
    try:
        credential = parse_authentication_credential_json(answer.text)
        own = Passkey.user_id == desk.holder.user_id, Passkey.credential_id == credential.raw_id
        known = desk.session.scalars(select(Passkey).where(*own, Passkey.rp_id == party.rp_id)).one_or_none()
        if known is None:
            raise FactorWrong("The passkey is not known.")
        proved = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=answer.asked.value,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=must_verify_user(desk.holder.role),
        )
    except _BROKEN:
        raise FactorWrong("The passkey does not fit.") from None
    count = proved.new_sign_count
    moved = update(Passkey).where(Passkey.id == known.id, or_(Passkey.sign_count < count, Passkey.sign_count == 0))
    moved = moved.values(sign_count=count, used_at=desk.at).execution_options(synchronize_session=False)
    if desk.session.execute(moved.returning(Passkey.id)).scalar() is None:
        raise FactorWrong("The passkey was used already.")


def _printable(label: str) -> str:
    return "".join(char for char in label.strip() if char.isprintable())[:LABEL_CHARS_MAX]


def _own(desk: Desk) -> list[Passkey]:
    query = select(Passkey).where(Passkey.user_id == desk.holder.user_id)
    return list(desk.session.scalars(query.order_by(Passkey.id)))


def _descriptor(one: Passkey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in one.transports.split(",") if name]
    return PublicKeyCredentialDescriptor(id=one.credential_id, transports=transports or None)


def _verification(holder: Holder) -> UserVerificationRequirement:
    wanted = UserVerificationRequirement
    return wanted.REQUIRED if must_verify_user(holder.role) else wanted.PREFERRED


def _handle(holder: Holder) -> bytes:
    """Name the person to the authenticator by number alone: it may show this to whoever holds it."""
    return holder.tenant_id.to_bytes(4, "big") + holder.user_id.to_bytes(8, "big")
