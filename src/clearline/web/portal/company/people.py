"""The people of a customer in the portal: invite them, change their roles, end their access."""

from collections.abc import Mapping
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import account_limits
from clearline.identity import User
from clearline.platform.database.transactions import Tx
from clearline.sign_in import link_usecases as links
from clearline.web import mail
from clearline.web.portal.company.section import OWN_COMPANY, PortalSection
from clearline.web.records.people import CompanyPeople
from clearline.web.records.section import require_identity
from clearline.web.records.sign_in_links import send_sign_in_link
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class Colleagues(PortalSection[User], CompanyPeople):
    """The people of a company. One whose address nobody has proven gets an invitation first, then a password."""

    noun = "person"
    template = "portal/company/people.html"

    def __init__(self, company_id: UUID) -> None:
        super().__init__(company_id)
        self._created = ""

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "back": gettext("Back to the company"),
            "new": gettext("Invite a person"),
            "about": gettext("Who can see and raise the tickets of %(company)s.") % {"company": self.company_name},
            "save new": gettext("Invite"),
            "done create": gettext("Added. This desk sends no mail: make a link below, and give it over yourself."),
            "done invite": gettext("Invited. A link to choose a password is on its way by mail."),
            "done confirm": gettext(
                "Invited. A mail is on its way. Who confirms the address there can choose a password and sign in."
            ),
            "done invite-again": gettext("The invitation is sent again."),
            "done link": gettext("A link to choose a password is on its way by mail."),
            "done deactivate": gettext("Deactivated. The person is signed out, and its API keys do not work any more."),
            "done activate": gettext("Active again."),
            "done sign-out": gettext("All sessions of the person have ended."),
        }

    async def more(self, visit: Visit, tx: Tx, record: User) -> dict[str, object]:  # noqa: ARG002
        """Return whether mail goes out, and whether the person is the one who is signed in."""
        return {
            "sends_mail": visit.services.settings.smtp is not None,
            "is_self": visit.actor.user is not None and visit.actor.user.id == record.id,
        }

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a person, and mail the invitation: to confirm the address first, unless a mail domain proves it."""
        require_identity(visit)
        user = await self.add(visit, tx)
        self._created = "create"
        if visit.services.settings.smtp is not None:
            self._created = "invite" if user.is_confirmed else "confirm"
            if user.is_confirmed:
                await links.invite(
                    tx, visit.actor, user.id, company_ref=self.company_id, settings=visit.services.settings,
                    render=mail.render, now=visit.now,
                )  # fmt: skip
        return user.id

    def created_word(self, visit: Visit) -> str:  # noqa: ARG002
        """Return the name of the words that say how the person was invited."""
        return self._created or "change"

    async def send_link(self, visit: Visit) -> Answer:
        """Send the person a link to choose a password."""
        return await send_sign_in_link(self, visit, self.company_id)

    async def handle_invite(self, visit: Visit) -> Answer:
        """Send the invitation of an unconfirmed address again."""

        async def invite(visit: Visit, tx: Tx, user: User) -> None:
            limits = account_limits(visit.services.settings)
            await accounts.invite_user(tx, visit.actor, self.company_id, user.id, limits=limits, now=visit.now)

        return await self.handle_action(visit, "invite-again", invite)

    async def handle_deactivate(self, visit: Visit) -> Answer:
        """End the access of a person."""

        async def deactivate(visit: Visit, tx: Tx, user: User) -> None:
            await self.set(visit, tx, user, {"is_active": False})

        return await self.handle_action(visit, "deactivate", deactivate)

    async def handle_activate(self, visit: Visit) -> Answer:
        """Give a person its access back."""

        async def activate(visit: Visit, tx: Tx, user: User) -> None:
            await self.set(visit, tx, user, {"is_active": True})

        return await self.handle_action(visit, "activate", activate)


PEOPLE_PAGES = OWN_COMPANY.of(
    Colleagues,
    "People",
    {
        "link": ("sendSignInLink", Colleagues.send_link),
        "invite": ("invitePersonAgain", Colleagues.handle_invite),
        "deactivate": ("deactivatePerson", Colleagues.handle_deactivate),
        "activate": ("activatePerson", Colleagues.handle_activate),
        "sign-out": ("signPersonOut", Colleagues.sign_out),
    },
)
