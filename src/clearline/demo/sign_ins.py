"""Passwords of the demo: new random ones at each load, so that a demo that is reachable has no known ones."""

import secrets
from datetime import datetime
from typing import NamedTuple

from clearline.accounts import usecases as accounts
from clearline.demo.companies import COMPANIES
from clearline.demo.desk import ADMIN, AGENT, find_staff, user_of
from clearline.identity import OPERATOR, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


class DemoSignIn(NamedTuple):
    """A person of the demo, and its password."""

    user: User
    password: str


async def set_passwords(database: Database, *, now: datetime) -> list[DemoSignIn]:
    """Give a person of each customer, an agent and the admin of the demo new passwords, which ends their sessions."""
    async with database.transaction() as tx:
        staff = await find_staff(tx)
        customers = [
            await accounts.get_user(tx, OPERATOR, company.code, company.people[0].email) for company in COMPANIES
        ]
    users = [*customers, *(user_of(staff[name]) for name in (AGENT, ADMIN))]
    sign_ins = [DemoSignIn(user, _password()) for user in users]
    for user, password in sign_ins:
        await passwords.set_password(database, OPERATOR, user.company_id, user.id, password, now=now)
    return sign_ins


def _password() -> str:
    """Return 16 random characters that are easy to type, with 79 random bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
