"""Second factors of people."""

from datetime import datetime

from pyotp import TOTP

from clearline.identity import User
from clearline.platform.database.transactions import Database
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.sign_in.usecases import session_actor
from tests.builders.sign_in.sessions import DEVICE, signed_in


async def enrol(database: Database, user: User, *, secret_key: str | None, now: datetime) -> list[str]:
    """Set up the second factor of a person with a password; return its recovery codes."""
    token = (await signed_in(database, user, now=now)).token
    session = await session_actor(database, token, address=DEVICE.address, now=now)
    assert session is not None
    async with database.transaction() as tx:
        enrolment = await second_factors.begin_enrolment(tx, session, secret_key=secret_key, now=now)
    code = TOTP(enrolment.secret).at(now)
    enrolled = await second_factors.confirm_enrolment(database, session, code, secret_key=secret_key, now=now)
    return enrolled.recovery_codes
