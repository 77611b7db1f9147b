"""House API v1: companies, users and API keys, exactly as they travel."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.accounts.conflict_store import HolderKind
from clearline.accounts.domain import CODE_MAX, LIMITS_MAX, NAME_MAX, NOTICE_ADDRESSES_MAX, TIME_ZONE_MAX
from clearline.accounts.mail_domain import NAME_MAX as DOMAIN_MAX
from clearline.accounts.mail_domain import DomainState, Proof
from clearline.accounts.tiers import domain as tier
from clearline.identity import CUSTOMER_ROLES, STAFF_ROLES, Role, Scope
from clearline.language.languages import LANGUAGES
from clearline.wires.house.wire import CompanyRef, FieldValues, Id, Moment, Name, PageQuery, Phone, Ref
from clearline.wires.http.fields import Email, characters
from clearline.wires.http.one_of import OneOf

Code = Annotated[str, characters(1, CODE_MAX)]
PersonRole = OneOf[str, (*CUSTOMER_ROLES, *STAFF_ROLES)]
Language = OneOf[str, LANGUAGES]
TierKey = Annotated[
    str,
    Meta(
        pattern=f"^{tier.KEY_PATTERN}$",
        extra={"rule": "must be lower-case letters, digits and underscores, and begin with a letter"},
    ),
]
TierLabel = Annotated[str, characters(1, tier.LABEL_MAX)]
TierHelp = Annotated[str, characters(0, tier.HELP_MAX)]
Position = Annotated[int, Meta(ge=0, le=tier.POSITION_MAX)]
TimeZone = Annotated[str, characters(1, TIME_ZONE_MAX)]
Addresses = Annotated[list[Email], Meta(max_length=NOTICE_ADDRESSES_MAX)]
Limit = Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=LIMITS_MAX)]
CLAIM_DECISIONS = ("confirm", "refuse")
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]


class CompanyQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which companies to list."""

    named: (
        Annotated[
            str,
            Meta(min_length=1, max_length=NAME_MAX, description="Only the one with this name or customer code."),
        ]
        | None
    ) = None


class NoticeAddressesIn(Struct, forbid_unknown_fields=True):
    """The addresses for notices of each subject. In a merge-patch, subjects that are absent keep theirs."""

    incidents: Addresses | UnsetType | None = UNSET
    maintenance: Addresses | UnsetType | None = UNSET
    billing: Addresses | UnsetType | None = UNSET


class NoticeAddressesOut(Struct, frozen=True):
    """The addresses for notices of each subject, besides what the people of the company get themselves."""

    incidents: list[str]
    maintenance: list[str]
    billing: list[str]


class CompanyIn(Struct, forbid_unknown_fields=True):
    """A customer to add. ``code`` is its customer number. Name and code are unique, ignoring case.

    ``language`` is that of its pages and mail; null is that of the desk, which is the provider's. ``tier`` is the key
    of an active tier. ``time_zone`` is in which its people see times until they set one themselves; null is UTC.
    ``parent_id`` is the id of another customer, such as a reseller; with ``shares_with_parent`` its people see and
    raise the tickets of this one.
    """

    name: Name
    code: Code
    language: Language | None = None
    tier: TierKey | None = None
    time_zone: TimeZone | None = None
    notice_addresses: NoticeAddressesIn | None = None
    parent_id: UUID | None = None
    shares_with_parent: bool = False
    fields: FieldValues | None = None


class CompanyPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    name: Name | UnsetType = UNSET
    code: Code | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    tier: TierKey | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    notice_addresses: NoticeAddressesIn | UnsetType | None = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    shares_with_parent: bool | UnsetType = UNSET
    fields: FieldValues | UnsetType | None = UNSET


class CompanyOut(Struct, frozen=True):
    """A customer, or the provider itself.

    One that is not ``is_active`` can do nothing: its users and webhooks ended at ``deactivated_at``. If it
    ``shares_with_parent``, the people of its parent see and raise its tickets. ``fields`` has the values of own
    fields, for the company itself of those that customers see.
    """

    id: Id
    name: str
    code: str
    is_provider: bool
    is_active: bool
    deactivated_at: Moment | None
    language: Language | None
    tier: str | None
    time_zone: str | None
    notice_addresses: NoticeAddressesOut
    parent_id: Id | None
    shares_with_parent: bool
    fields: FieldValues


class TierIn(Struct, forbid_unknown_fields=True):
    """A tier to add: how the provider classes customers and services. Without a ``position`` it comes last."""

    key: TierKey
    label: TierLabel
    help: TierHelp = ""
    position: Position | None = None


class TierPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). A tier that is not active can be set no more; what has it keeps it."""

    label: TierLabel | UnsetType = UNSET
    help: TierHelp | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class TierOut(Struct, frozen=True):
    """A tier. Its ``key`` never changes, and it is never deleted."""

    key: str
    label: str
    help: str
    position: int
    is_active: bool


class DeactivateIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class DeactivationOut(Struct, frozen=True):
    """The company, and what its deactivation ended: how many active users, keys in force and active webhooks.

    ``mails_contacts`` says whether its contacts got mail until then. The ``open_tickets`` stay.
    """

    company: CompanyOut
    users: int
    keys: int
    webhooks: int
    mails_contacts: bool
    open_tickets: int


class ActivateIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class ActivationOut(Struct, frozen=True):
    """The company, and what its activation brought back: users, webhooks, and whether its contacts get mail.

    The ``refused_webhooks`` stay off: their URL may no longer be reached.
    """

    company: CompanyOut
    users: int
    webhooks: int
    refused_webhooks: int
    mails_contacts: bool


class UserIn(Struct, forbid_unknown_fields=True):
    """A user to add.

    The roles of the provider's users are viewer, agent and admin, those of a customer's customer and customer_admin.
    The default is the one with the fewest rights: viewer or customer. ``language`` is that of the user's pages and
    mail; null is that of the company.
    """

    name: Name
    email: Email
    phone: Phone = ""
    role: PersonRole | None = None
    language: Language | None = None


class UserPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). The keys of a user who is made inactive stop working at once.

    Only the provider's people may set ``is_confirmed``. Another ``email`` that a customer sets has to be confirmed
    again, unless it is within a verified mail domain of the company. ``hand_over_to`` is the id of the agent who gets
    the open tickets of one who stops working tickets.

    ``only_queues`` and ``only_companies`` are the ids of the only queues and customers whose tickets an agent or viewer
    of the provider sees; null is all. Its open tickets beyond them lose their assignee.
    """

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    role: PersonRole | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_available: bool | UnsetType = UNSET
    is_confirmed: bool | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    hand_over_to: UUID | UnsetType = UNSET
    only_queues: Limit | UnsetType | None = UNSET
    only_companies: Limit | UnsetType | None = UNSET


class UserOut(Struct, frozen=True):
    """A user of a company. Queues assign tickets automatically only to the provider's users who are available.

    Until ``is_confirmed`` the address gets nothing but one invitation, and mail from it is not the user's. One of the
    provider's people, who alone have these members, sees only the tickets of ``only_queues`` and of ``only_companies``;
    null is all.
    """

    id: Id
    company_id: Id
    name: str
    email: str
    phone: str
    role: Role
    is_active: bool
    is_available: bool
    is_confirmed: bool
    language: Language | None
    only_queues: list[Id] | UnsetType | None = UNSET
    only_companies: list[Id] | UnsetType | None = UNSET


class InviteIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class ClaimDecisionIn(Struct, forbid_unknown_fields=True):
    """What becomes of the claim of an address: ``confirm`` it for the user's company, or ``refuse`` it."""

    decision: OneOf[str, CLAIM_DECISIONS]


class HolderOut(Struct, frozen=True):
    """A company that has an address: by a ``user`` with the address confirmed, or by mail that was released for it.

    ``since`` is when the user was added, or when the first such mail was received.
    """

    company: CompanyRef
    kind: HolderKind
    since: Moment
    user_id: Id | None
    is_active: bool


class AddressConflictOut(Struct, frozen=True):
    """An address that a company claims with a user, without a proof, and that others have."""

    address: str
    company: CompanyRef
    user: Ref
    claimed_at: Moment
    holders: list[HolderOut]


class MailDomainIn(Struct, forbid_unknown_fields=True):
    """A domain to add, in any case, in Unicode or Punycode.

    ``verify_by`` is how it is verified: a TXT record of the domain, or the provider's admins, who may also
    ``allow_public`` the domain of a public mail service.
    """

    name: Annotated[str, characters(3, DOMAIN_MAX)]
    includes_subdomains: bool = False
    verify_by: OneOf[str, Proof] = Proof.DNS.value
    allow_public: bool = False


class VerifyDomainIn(Struct, forbid_unknown_fields=True):
    """How to verify a domain: by its TXT record, or by the provider's admins."""

    verify_by: OneOf[str, Proof] = Proof.DNS.value


class MailDomainOut(Struct, frozen=True):
    """A domain whose addresses are those of the company once it is ``verified``. ``name`` is in Punycode.

    ``record`` is the TXT record that the domain needs to be verified by DNS. ``reason`` says why it is not found, or no
    more. ``checked_at`` is when it was looked for last.
    """

    id: Id
    company_id: Id
    name: str
    includes_subdomains: bool
    state: DomainState
    verified_by: Proof | None
    reason: str | None
    record: str
    created_at: Moment
    verified_at: Moment | None
    checked_at: Moment | None


class ApiKeyIn(Struct, forbid_unknown_fields=True):
    """A key to issue.

    The default ``scopes`` are all that its user's role and the issuing key have. Without ``expires_at`` the key is
    valid until it is revoked.
    """

    user_id: UUID
    name: Name
    scopes: Scopes | None = None
    expires_at: Moment | None = None


class ApiKeyOut(Struct, frozen=True):
    """A key without its secret; ``prefix`` is how the secret begins. ``last_used_at`` is up to 30 seconds late."""

    id: Id
    company_id: Id
    user_id: Id
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class ApiKeyMade(Struct, frozen=True):
    """A new key. ``key`` is shown only now: it is null when the answer is repeated for an Idempotency-Key."""

    id: Id
    company_id: Id
    user_id: Id
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None
    key: str | None


class MeOut(Struct, frozen=True):
    """The user of the key, and what the key may do: ``scopes`` are those of the key that the user's role has.

    ``children`` are the companies that share their tickets with yours, their parent.
    """

    id: Id
    name: str
    email: str
    phone: str
    role: Role
    company: CompanyRef
    scopes: list[Scope]
    key_id: Id
    key_expires_at: Moment | None
    language: Language | None
    children: list[CompanyRef]


class MePatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). ``language`` is that of your pages and mail; null is that of your company.

    Your ``name`` is what others see of you; notes that you wrote keep the name from before.
    """

    name: Name | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
