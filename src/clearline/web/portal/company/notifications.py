"""What the people of a company are notified of, as its admins set it."""

from typing import Any

from clearline.accounts import permissions
from clearline.identity import Scope
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.preference_usecases import UserPreferences
from clearline.platform.database.transactions import Tx
from clearline.web.account.notifications import Notifications
from clearline.web.area import PORTAL
from clearline.web.fields import known_id
from clearline.web.portal.me import portal_frame
from clearline.web.portal.shell import COMPANY
from clearline.web.visit import Page, Visit


class ColleagueNotifications(Notifications):
    """The page of what a person of the company is notified of."""

    def __init__(self) -> None:
        super().__init__(PORTAL, portal_frame)
        self.here = COMPANY

    def pages(self) -> list[Page]:
        """Return the page and its form for the table."""
        path, scope = f"{COMPANY}/people/{{person}}/notifications", Scope.ACCOUNTS_WRITE
        return [
            Page("notificationsOfPerson", "GET", path, self.show, scope),
            Page("changeNotificationsOfPerson", "POST", path, self.change, scope),
        ]

    def path(self, visit: Visit) -> str:
        """Return the address of the page."""
        return f"{self.back(visit)}/notifications"

    def back(self, visit: Visit) -> str:
        """Return the address of the person."""
        return f"{COMPANY}/people/{known_id('user', visit.path['person'])}"

    async def read(self, visit: Visit, tx: Tx) -> UserPreferences:
        """Return the preferences of the person."""
        person_id = known_id("user", visit.path["person"])
        return await preferences.get_preferences(tx, visit.actor, permissions.own_company(visit.actor).id, person_id)

    async def lock(self, visit: Visit, tx: Tx) -> UserPreferences:
        """Lock and return the preferences of the person."""
        person_id = known_id("user", visit.path["person"])
        return await preferences.lock_preferences(tx, visit.actor, permissions.own_company(visit.actor).id, person_id)

    async def store(self, visit: Visit, tx: Tx, values: dict[str, Any]) -> None:
        """Change the preferences of the person."""
        person_id, company_id = known_id("user", visit.path["person"]), permissions.own_company(visit.actor).id
        await preferences.change_preferences(tx, visit.actor, company_id, person_id, values, now=visit.now)


NOTIFICATION_PAGES = ColleagueNotifications().pages()
