"""Erase a person: end its accounts at once, and have the workers rewrite everything else that is stored."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.clock import CLOCK_SECONDS
from clearline.errors import Conflict, InvalidInput, RuleCode, Violation, require_found, require_valid
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.events.store import actor_id
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.privacy import erasure_store, rewrite_store
from clearline.privacy import person_usecases as people
from clearline.privacy.domain import KIND, Person, Subject
from clearline.privacy.erasure_domain import (
    ERASURE,
    SETTLE,
    STEPS,
    Erasure,
    Secret,
    check_others,
    check_reason,
    encode_secret,
)
from clearline.privacy.person_redactor import PersonRedactor, Pseudonym, Words, is_full_name, is_phone
from clearline.privacy.rewrite_store import Known
from clearline.redaction import usecases as redactions
from clearline.tickets import hand_over_usecases as hand_over

HINT_ADDRESS = "Nothing but the address is known of the person: give its name and phone numbers as further words."
HINT_NAME = "A name of one word is replaced only where it stands alone, since it may be a word of other texts."
HINT_PHONE = "A phone number is left in texts, since other accounts have it, too, or since it is too short to be told."
HINT_NAMESAKE = "Other accounts have the same name: texts that name them are rewritten, too; the accounts are not."
HINT_SHARED = "Names are replaced in records of the companies that know the person; its address and phone in all."


async def erase(
    tx: Tx,
    actor: Actor,
    address: str,
    *,
    reason: str,
    others: tuple[str, ...] = (),
    is_dry_run: bool,
    secret_key: str | None,
    now: datetime,
) -> Erasure:
    """Erase the person with an address, or with ``is_dry_run`` count what would be rewritten, and change nothing.

    Its accounts end in this transaction: they lose their name and address, their sessions and keys. The workers go
    through everything else. ``others`` are further words to replace, such as an earlier name.

    Raises:
        Forbidden: the actor is no admin of the provider.
        Conflict: the actor would erase itself.
        LastAdmin: it is the last admin of the provider.
    """
    person = await people.find_person(tx, actor, address, Scope.PEOPLE_ERASE)
    others = tuple(word.strip() for word in others)
    require_valid([*check_reason(reason), *check_others(others)])
    if actor.user is not None and actor.user.id in person.user_ids:
        raise Conflict("nobody can erase itself: another admin can")
    known = await rewrite_store.known_as(tx, person.address, person.user_ids)
    words, hints = await _words(tx, person, known, others)
    if PersonRedactor(words, Pseudonym("")).holds(reason):
        raise InvalidInput([Violation("reason", "must not hold the words that are erased", RuleCode.CHOICE)])
    erasure_id = uuid4()
    erasure = Erasure(
        erasure_id, erasure_id.hex[:8].upper(), tuple(person.user_ids), tuple(hints), is_dry_run, reason.strip(),
        actor_id(actor), actor.name, now, 1, STEPS[0], {}, (),
    )  # fmt: skip
    erasure = replace(erasure, rows={"app_user": len(person.users)} if person.users else {})
    box = await redactions.secret_box(tx, secret_key)
    secret = encode_secret(Secret(words, _companies(person, known)))
    await erasure_store.insert(tx, erasure, box.encrypt(secret.decode()))
    if not is_dry_run:
        await _end_accounts(tx, actor, person, erasure, now=now)
    return erasure


async def _words(tx: Tx, person: Person, known: list[Known], others: tuple[str, ...]) -> tuple[Words, list[str]]:
    """Return the words by which a person is found, and what whoever asked should know about them."""
    names = list(dict.fromkeys(name for each in known if (name := " ".join(each.name.split())) and "@" not in name))
    phones = list(dict.fromkeys(each.phone.strip() for each in known if each.phone.strip()))
    same, shared = await rewrite_store.namesakes(tx, names, phones, person.user_ids)
    own = [phone for phone in phones if phone not in shared and is_phone(phone)]
    hints = [HINT_SHARED]
    if not (names or phones or others):
        hints.append(HINT_ADDRESS)
    if any(not is_full_name(name) for name in names):
        hints.append(HINT_NAME)
    if len(own) < len(phones):
        hints.append(HINT_PHONE)
    if same:
        hints.append(HINT_NAMESAKE)
    return Words(person.address, tuple(names), tuple(own), others), hints


def _companies(person: Person, known: list[Known]) -> tuple[UUID, ...] | None:
    """Return the companies in whose records names are replaced; None for all."""
    companies = {*(user.company_id for user in person.users), *(each.company_id for each in known)}
    return None if PROVIDER_ID in companies else tuple(sorted({*companies, PROVIDER_ID}))


async def _end_accounts(tx: Tx, actor: Actor, person: Person, erasure: Erasure, *, now: datetime) -> None:
    acting = replace(actor, scopes=ALL_SCOPES)  # whoever may erase a person need not be allowed what ends with it
    for user in person.users:
        await hand_over.change_user(tx, acting, user.company_id, user.id, {"is_active": False}, now=now)
    pseudonym = erasure.pseudonym
    await rewrite_store.end_accounts(tx, person.user_ids, name=pseudonym.name, address=pseudonym.address)
    accounts = [str(user_id) for user_id in person.user_ids]
    subject, changes = Subject(erasure.id, pseudonym.name), [Change("accounts", accounts, [])]
    await append_record_event(tx, actor, KIND, "erased", subject, changes, now=now)


async def list_erasures(
    tx: Tx, actor: Actor, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> list[Erasure]:
    """Return erasures and dry runs before a time and an id, newest first. For the provider's admins."""
    _require_admin(actor)
    return await erasure_store.page(tx, after=after, limit=limit)


async def get_erasure(tx: Tx, actor: Actor, erasure_id: UUID) -> Erasure:
    """Return an erasure or a dry run. For the provider's admins."""
    _require_admin(actor)
    return require_found(await erasure_store.get(tx, erasure_id), ERASURE, erasure_id)


async def get_certificate(tx: Tx, actor: Actor, erasure_id: UUID) -> str:
    """Return the JSON of the certificate of an erasure. For the provider's admins.

    Raises:
        NotFound: no such erasure.
        Conflict: it is not done, or a dry run.
    """
    erasure = await get_erasure(tx, actor, erasure_id)
    certificate = await erasure_store.certificate(tx, erasure_id)
    if certificate is None:
        why = "a dry run has no certificate" if erasure.is_dry_run else "the erasure is not done yet"
        raise Conflict(why)
    return certificate


def _require_admin(actor: Actor) -> None:
    permissions.require_whole_desk(actor, Scope.PEOPLE_ERASE)
    permissions.require_desk_admin(actor)


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Do at once what would wait for as long as a clock was ahead; return how much there is."""
    longest = now + max(SETTLE, timedelta(hours=1)) + timedelta(seconds=CLOCK_SECONDS)
    return await erasure_store.shorten_waits(tx, longest=longest, now=now)
