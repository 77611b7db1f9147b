"""People with passwords, and their sessions."""

from datetime import datetime, timedelta

from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.domain import Device, SessionActor, SignedIn
from clearline.sign_in.usecases import session_actor, sign_in
from tests.builders.people import NOW, new_staff

PASSWORD = "seven violet anchors drift"
DEVICE = Device("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "192.0.2.7")
ELSEWHERE = Device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", "198.51.100.9")


async def new_person_with_password(database: Database, role: Role = Role.AGENT, password: str = PASSWORD) -> User:
    """Add a person to the provider, with a password."""
    user = (await new_staff(database, role)).user
    await passwords.set_password(database, OPERATOR, PROVIDER_ID, user.id, password, now=NOW)
    return user


async def signed_in(
    database: Database, user: User, password: str = PASSWORD, where: Device = DEVICE, *, now: datetime = NOW
) -> SignedIn:
    """Sign a person in who has no second factor."""
    result = await sign_in(database, user.email, password, where, now=now)
    assert isinstance(result, SignedIn)
    return result


async def current(database: Database, token: str, *, after: timedelta = timedelta(0)) -> SessionActor:
    """Return the session of a token, which is in force."""
    found = await session_actor(database, token, address=DEVICE.address, now=NOW + after)
    assert found is not None
    return found


async def is_in_force(database: Database, token: str, *, after: timedelta = timedelta(0)) -> bool:
    """Return whether a token has a session."""
    return await session_actor(database, token, address=DEVICE.address, now=NOW + after) is not None
