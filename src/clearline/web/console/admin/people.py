"""The provider's people: invite them, change their roles, deactivate them, reset their second factors."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.companies.usecases import list_companies as customers_of_desk
from clearline.identity import PROVIDER_ID, STAFF_ROLES, Role, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queue_usecases
from clearline.sign_in import link_usecases as links
from clearline.sign_in import session_usecases as sessions
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.sign_in.link_domain import NewLink
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets.domain import can_be_assigned
from clearline.web import mail
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import id_in, ids_in
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.person import person_fields, person_in, person_values
from clearline.web.records.section import require_identity
from clearline.web.records.sign_in_links import send_sign_in_link
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class People(AdminSection[User]):
    """The section of the provider's people."""

    noun = "person"
    path = f"{ADMIN}/people"
    scope = Scope.ACCOUNTS_WRITE
    template = "console/admin/people.html"
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("People"),
            "new": gettext("Invite a person"),
            "about": gettext("Choose a person, or invite somebody: a link to choose a password goes out by mail."),
            "save new": gettext("Invite"),
            "done create": gettext("Added. Make a link below, and give it over yourself: this desk sends no mail."),
            "done invite": gettext("Added. The invitation is on its way by mail."),
            "done change": gettext("Saved."),
            "done activate": gettext("Active again."),
            "done deactivate": gettext("Deactivated. The open tickets were handed over."),
            "done sign-out": gettext("All sessions have ended."),
            "done second-factor": gettext("The second factor is reset, and all sessions have ended."),
            "done unlink": gettext(
                "Unlinked. The next sign-in by an identity provider links the person by its address."
            ),
            "done link": gettext("The link is on its way by mail."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            Page("sendSignInLink", "POST", f"{self.path}/{{id}}/link", self._send_link, self.scope),
            self.action("deactivatePerson", "deactivate", _deactivate),
            self.action("activatePerson", "activate", _activate),
            self.action("signPersonOut", "sign-out", _sign_out),
            self.action("unlinkPerson", "unlink", _unlink),
            self.action("resetSecondFactor", "second-factor", _reset_second_factor),
        ]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the people by e-mail address."""
        people = await accounts.list_users(tx, visit.actor, PROVIDER_ID, after=after[0] if after else None, limit=limit)
        return [
            Line(str(user.id), user.name, [user.email], user.email, "" if user.is_active else gettext("inactive"))
            for user in people
        ]

    async def fields(self, visit: Visit, tx: Tx, record: User | None) -> list[Field]:
        """Return the fields of a person."""
        roles = {
            Role.ADMIN: gettext("Admin: an agent who also manages people, queues and settings"),
            Role.AGENT: gettext("Agent: works tickets"),
            Role.VIEWER: gettext("Viewer: reads everything, changes nothing"),
        }
        fields = person_fields(
            {role: roles[role] for role in STAFF_ROLES},
            gettext("Another role signs the person out. A viewer's open tickets go back to their queues."),
        )
        if record is not None:
            hint = gettext("Queues assign no tickets to people who are not available.")
            fields.append(Field("is_available", gettext("Available for automatic assignment"), Kind.CHECK, hint=hint))
            fields += await _limit_fields(visit, tx, record)
        return fields

    def values(self, record: User) -> Values:
        """Return what the fields of a person have."""
        return {
            **person_values(record),
            "is_available": ["on"] if record.is_available else [],
            "only_queues": [str(queue_id) for queue_id in record.only_queues or ()],
            "only_companies": [str(company_id) for company_id in record.only_companies or ()],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new person has."""
        return {"role": [Role.AGENT]}

    def title(self, record: User) -> str:
        """Return the name of a person."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> User:
        """Return a person."""
        return await accounts.get_user(tx, visit.actor, PROVIDER_ID, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> User:
        """Lock a person."""
        return await accounts.lock_user(tx, visit.actor, PROVIDER_ID, record_id)

    async def more(self, visit: Visit, tx: Tx, record: User) -> dict[str, object]:
        """Return who can get the tickets of a person, and whether it has a second factor."""
        people = await accounts.list_users(tx, visit.actor, PROVIDER_ID)
        heirs = [user for user in people if can_be_assigned(user) and user.id != record.id]
        has_second_factor = await second_factors.has_second_factor(tx, visit.actor, record.id)
        identities = await identity_providers.identities_of(tx, visit.actor, record.id)
        return {
            "identities": identities,
            "heirs": sorted(heirs, key=lambda user: user.name.casefold()),
            "has_second_factor": has_second_factor,
            "sends_mail": visit.services.settings.smtp is not None,
        }

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a person, and mail the invitation if there is a mail server."""
        require_identity(visit)
        user = await accounts.add_user(tx, visit.actor, PROVIDER_ID, **person_in(visit.form), now=visit.now)
        if visit.services.settings.smtp is not None:
            await _link(visit, tx, user)
        return user.id

    def created_word(self, visit: Visit) -> str:
        """Return whether the invitation went out by mail."""
        return "create" if visit.services.settings.smtp is None else "invite"

    async def change(self, visit: Visit, tx: Tx, record: User) -> None:
        """Change a person. Another role or address needs that the admin proved lately who it is."""
        form = visit.form
        values = {
            **person_in(form),
            "is_available": form.has("is_available"),
            "only_queues": tuple(ids_in(form, "only_queues")) or None,
            "only_companies": tuple(ids_in(form, "only_companies")) or None,
        }
        if (values["role"], values["email"]) != (record.role, record.email):
            require_identity(visit)
        await hand_over.change_user(tx, visit.actor, PROVIDER_ID, record.id, values, now=visit.now)

    async def _send_link(self, visit: Visit) -> Answer:
        return await send_sign_in_link(self, visit, PROVIDER_ID)


_CHOICES_MAX = 500
"""The most queues and customers to choose from, besides those that are chosen: the API limits to any."""


async def _limit_fields(visit: Visit, tx: Tx, record: User) -> list[Field]:
    """Return the fields of what an agent or viewer sees."""
    queues = [
        Choice(str(queue.id), queue.name)
        for queue, _is_mine in await queue_usecases.name_queues(tx, visit.actor, limit=_CHOICES_MAX)
    ]
    known = {choice.value for choice in queues}
    deleted = [str(queue_id) for queue_id in record.only_queues or () if str(queue_id) not in known]
    queues += [Choice(queue_id, gettext("Deleted queue %(id)s") % {"id": queue_id}) for queue_id in deleted]
    customers = {company.id: company.name for company in await customers_of_desk(tx, visit.actor, limit=_CHOICES_MAX)}
    for company_id in record.only_companies or ():
        if company_id not in customers:
            customers[company_id] = (await accounts.get_company(tx, visit.actor, company_id)).name
    companies = [Choice(str(company_id), name) for company_id, name in customers.items()]
    about = gettext("For agents and viewers. None chosen is no limit. Open tickets beyond it lose their agent.")
    return [
        Field("only_queues", gettext("Sees only the tickets of these queues"), Kind.CHECKS, queues, about),
        Field("only_companies", gettext("Sees only these customers"), Kind.CHECKS, companies, about),
    ]


async def _link(visit: Visit, tx: Tx, user: User) -> NewLink:
    return await links.invite(
        tx, visit.actor, user.id, settings=visit.services.settings, render=mail.render, now=visit.now
    )


async def _deactivate(visit: Visit, tx: Tx, user: User) -> None:
    heir_id = id_in(visit.form, hand_over.HAND_OVER_TO)
    values: dict[str, object] = {"is_active": False}
    if heir_id is not None:
        values[hand_over.HAND_OVER_TO] = heir_id
    await hand_over.change_user(tx, visit.actor, PROVIDER_ID, user.id, values, now=visit.now)


async def _activate(visit: Visit, tx: Tx, user: User) -> None:
    require_identity(visit)
    await accounts.change_user(tx, visit.actor, PROVIDER_ID, user.id, {"is_active": True}, now=visit.now)


async def _sign_out(visit: Visit, tx: Tx, user: User) -> None:
    await sessions.revoke_sessions_of(tx, visit.actor, PROVIDER_ID, user.id, now=visit.now)


async def _unlink(visit: Visit, tx: Tx, user: User) -> None:
    require_identity(visit)
    await identity_providers.unlink(tx, visit.actor, user.id, now=visit.now)


async def _reset_second_factor(visit: Visit, tx: Tx, user: User) -> None:
    require_identity(visit)
    await second_factors.reset(tx, visit.actor, user.id, now=visit.now)


PEOPLE = People()
