import pytest

from clearline.identity import CUSTOMER_ROLES, STAFF_ROLES, Actor, Role

# fmt: off
ANSWERS = {  # is_staff, works_tickets, is_desk_admin, is_company_admin, is_operator
    Role.CUSTOMER:       (False, False, False, False, False),
    Role.CUSTOMER_ADMIN: (False, False, False, True,  False),
    Role.VIEWER:         (True,  False, False, False, False),
    Role.AGENT:          (True,  True,  False, False, False),
    Role.ADMIN:          (True,  True,  True,  True,  False),
    Role.OPERATOR:       (True,  False, True,  True,  True),
}
# fmt: on


@pytest.mark.parametrize("role", Role)
def test_each_role_has_its_properties(role: Role) -> None:
    answers = (
        role.is_staff,
        role.works_tickets,
        role.is_desk_admin,
        role.is_company_admin,
        role.is_operator,
    )
    assert answers == ANSWERS[role]


@pytest.mark.parametrize("role", Role)
def test_an_actor_has_the_properties_of_its_role(role: Role) -> None:
    actor = Actor(role, "somebody")
    answers = (actor.is_staff, actor.is_desk_admin, actor.is_company_admin, actor.is_operator)
    assert answers == (role.is_staff, role.is_desk_admin, role.is_company_admin, role.is_operator)


def test_every_role_but_the_operator_is_one_of_the_staff_or_of_the_customers() -> None:
    assert sorted((*STAFF_ROLES, *CUSTOMER_ROLES, Role.OPERATOR)) == sorted(Role)
    assert [role.is_staff for role in STAFF_ROLES] == [True] * len(STAFF_ROLES)
