"""Setting and changing passwords."""

import unicodedata

import pytest

from clearline.errors import Forbidden, InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.domain import SignInRefused
from clearline.sign_in.password_domain import check_password
from clearline.sign_in.usecases import sign_in
from tests.builders.people import NOW, Tenant
from tests.builders.sign_in.sessions import DEVICE, PASSWORD, current, is_in_force, new_person_with_password, signed_in

NEW = "nine copper lanterns hum"
SHORT = Violation("password", "must have 12 to 1024 characters", RuleCode.LENGTH)
OWN = Violation("password", "must not be your e-mail address", RuleCode.CHOICE)
COMMON = Violation(
    "password",
    "must not be a common password or easy to guess: use several words, or a password manager",
    RuleCode.CHOICE,
)


@pytest.fixture
async def ada(database: Database) -> User:
    return await new_person_with_password(database)


@pytest.mark.parametrize(
    ("password", "violations"),
    [
        ("", [SHORT]),
        ("x7Kq!m2zRt9", [SHORT]),
        ("x7Kq!m2zRt9w" * 86, [SHORT]),
        ("x7Kq!m2zRt9w", []),
        ("x7Kq!m2zRt9w" * 85, []),
        ("ada.okoro@long.example.net", [OWN]),
        (" ADA.Okoro@long.example.net ", [OWN]),
        ("password1234", [COMMON]),
        ("Password123!", [COMMON]),
        ("P@ssw0rd2024", [COMMON]),
        ("qwertyuiop12", [COMMON]),
        ("123456789012", [COMMON]),
        ("aaaaaaaaaaaa", [COMMON]),
        ("abcdefghijkl", [COMMON]),
        ("iloveyou1234", [COMMON]),
        ("letmeinletmein", [COMMON]),
        ("ada.okoro1234", [COMMON]),
        ("Ada Okoro 123", [COMMON]),
        ("clearline123", [COMMON]),
        ("Clearline2026!", [COMMON]),
        ("correct horse battery", []),
        ("пять зелёных огурцов", []),
    ],
)
def test_a_password_is_long_and_not_easy_to_guess(password: str, violations: list[Violation]) -> None:
    user = User(PROVIDER_ID, PROVIDER_ID, "Ada Okoro", "ada.okoro@long.example.net", "", Role.AGENT)
    assert check_password(user, password) == violations


async def test_a_changed_password_ends_every_other_session(database: Database, ada: User) -> None:
    first, second = await signed_in(database, ada), await signed_in(database, ada)
    await passwords.change_password(database, await current(database, first.token), PASSWORD, NEW, now=NOW)
    assert await is_in_force(database, first.token)
    assert not await is_in_force(database, second.token)
    with pytest.raises(SignInRefused):
        await sign_in(database, ada.email, PASSWORD, DEVICE, now=NOW)
    await signed_in(database, ada, NEW)


async def test_a_password_is_changed_with_the_old_one_only(database: Database, ada: User) -> None:
    actor = await current(database, (await signed_in(database, ada)).token)
    for old in ("wrong", "", "a" * 2000):
        with pytest.raises(SignInRefused):
            await passwords.change_password(database, actor, old, NEW, now=NOW)
    with pytest.raises(InvalidInput, match="common"):
        await passwords.change_password(database, actor, PASSWORD, "password1234", now=NOW)
    await signed_in(database, ada)


async def test_only_who_manages_a_user_sets_its_password(database: Database, ada: User, tenant: Tenant) -> None:
    agent = await current(database, (await signed_in(database, ada)).token)
    for actor, error in ((agent.actor, Forbidden), (tenant.actor, NotFound)):
        with pytest.raises(error):
            await passwords.set_password(database, actor, PROVIDER_ID, ada.id, NEW, now=NOW)
    token = (await signed_in(database, ada)).token
    await passwords.set_password(database, OPERATOR, PROVIDER_ID, ada.email, NEW, now=NOW)
    assert not await is_in_force(database, token)
    await signed_in(database, ada, NEW)


async def test_an_equal_password_typed_on_another_keyboard_is_the_same(database: Database, ada: User) -> None:
    composed = "gr\u00fcne \u00c4pfel f\u00fcr \u00c5ngstr\u00f6m"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    await passwords.set_password(database, OPERATOR, PROVIDER_ID, ada.id, composed, now=NOW)
    await signed_in(database, ada, decomposed)
