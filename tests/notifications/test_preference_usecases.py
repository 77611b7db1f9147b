"""Notification preferences: who may change them, and what is stored."""

import json
from datetime import time
from typing import Any
from uuid import uuid4

import pytest

from clearline.demo.desk import load_desk
from clearline.demo.notifications import set_preferences, turn_off_contact_mail
from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, PROVIDER_ID, Role, Scope
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode, NotificationPreferences
from clearline.platform.database.transactions import Database
from tests.builders.databases import Undone, undo
from tests.builders.people import NOW, Tenant, id_of, new_person


async def test_preferences_are_stored_as_they_were_set(database: Database, tenant: Tenant) -> None:
    changes: dict[str, Any] = {
        "time_zone": "Asia/Tokyo", "quiet_from": time(22), "quiet_to": time(6, 30), "quiet_days": (6, 7),
        "digest_at": time(9, 15), "critical_breaks_quiet": True, "rules": {NotificationKind.RESOLVED: DeliveryMode.OFF},
    }  # fmt: skip
    async with database.transaction() as tx:
        user, stored = await preferences.change_own(tx, tenant.actor, changes, now=NOW)
        assert stored == NotificationPreferences(version=2, **changes)
        assert await preferences.get_own(tx, tenant.actor) == (user, stored)
        assert await preferences.change_own(tx, tenant.actor, changes, now=NOW) == (user, stored)
        _user, more = await preferences.change_own(
            tx, tenant.actor, {"rules": {NotificationKind.REOPENED: DeliveryMode.DIGEST}}, now=NOW
        )
        assert more.rules == {
            NotificationKind.RESOLVED: DeliveryMode.OFF,
            NotificationKind.REOPENED: DeliveryMode.DIGEST,
        }
        _user, less = await preferences.change_own(
            tx, tenant.actor, {"rules": {NotificationKind.RESOLVED: None}}, now=NOW
        )
        assert less.rules == {NotificationKind.REOPENED: DeliveryMode.DIGEST}


async def test_the_operator_has_no_preferences(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Forbidden):
            await preferences.get_own(tx, OPERATOR)
        with pytest.raises(Forbidden):
            await preferences.change_own(tx, OPERATOR, {}, now=NOW)


async def test_only_managers_of_a_company_change_the_preferences_of_its_users(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    company, user = tenant.company.id, tenant.user.id
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
        boss = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        colleague = await new_person(tx, role=Role.CUSTOMER, company=tenant.company.code)
        foreign = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=other_tenant.company.code)
        for may in (OPERATOR, admin, boss):
            await preferences.change_preferences(tx, may, company, user, {}, now=NOW)
        for may_not, error in ((agent, Forbidden), (colleague, Forbidden), (foreign, NotFound)):
            with pytest.raises(error):
                await preferences.get_preferences(tx, may_not, company, user)
            with pytest.raises(error):
                await preferences.change_preferences(tx, may_not, company, user, {}, now=NOW)
            with pytest.raises(error):
                await preferences.change_contact_mail(tx, may_not, company, mails=False, now=NOW)
        with pytest.raises(NotFound):
            await preferences.change_preferences(tx, admin, company, uuid4(), {}, now=NOW)


async def test_only_the_operator_and_admins_list_pending_notifications(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
        assert await preferences.list_pending(tx, admin, limit=5) == []
        for may_not in (agent, tenant.actor):
            with pytest.raises(Forbidden):
                await preferences.list_pending(tx, may_not, limit=5)


async def test_a_key_that_only_reads_changes_nothing(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        reader = await new_person(
            tx, role=Role.CUSTOMER, company=tenant.company.code, scopes=frozenset({Scope.TICKETS_READ})
        )
        await preferences.get_own(tx, reader)
        with pytest.raises(ScopeMissing):
            await preferences.change_own(tx, reader, {"digest_at": time(9)}, now=NOW)


async def test_everybody_turns_on_replies_by_mail_alone_and_others_may_turn_them_off(
    database: Database, tenant: Tenant
) -> None:
    on, off = {"replies_by_mail": True}, {"replies_by_mail": False}
    async with database.transaction() as tx:
        agent, admin, viewer = (
            await new_person(tx),
            await new_person(tx, role=Role.ADMIN),
            await new_person(tx, role=Role.VIEWER),
        )
        for other in (OPERATOR, admin):
            with pytest.raises(Forbidden, match="only the person can turn on replies by mail"):
                await preferences.change_preferences(tx, other, PROVIDER_ID, id_of(agent), on, now=NOW)
            assert (await preferences.change_own(tx, agent, on, now=NOW)).preferences.replies_by_mail
            again = await preferences.change_preferences(tx, other, PROVIDER_ID, id_of(agent), on, now=NOW)
            assert again.preferences.replies_by_mail
            changed = await preferences.change_preferences(tx, other, PROVIDER_ID, id_of(agent), off, now=NOW)
            assert not changed.preferences.replies_by_mail
        own = await preferences.change_preferences(tx, admin, PROVIDER_ID, id_of(admin), on, now=NOW)
        assert own.preferences.replies_by_mail
        data = await tx.fetchval("select data from event where type = 'user.changed' order by id desc limit 1")
        assert json.loads(data)["changes"] == [
            {"field": "notifications.replies_by_mail", "before": False, "after": True}
        ]
        with pytest.raises(InvalidInput, match="replies_by_mail is not available to the role customer"):
            await preferences.change_own(tx, tenant.actor, on, now=NOW)
        with pytest.raises(ScopeMissing):
            await preferences.change_own(tx, viewer, on, now=NOW)


async def test_the_demo_sets_preferences_of_its_users(database: Database, tenant: Tenant) -> None:
    with pytest.raises(Undone):  # noqa: PT012 - the changes of the demo are rolled back
        async with database.transaction() as tx:
            await load_desk(tx, OPERATOR, now=NOW)
            await set_preferences(tx, OPERATOR, now=NOW)
            await turn_off_contact_mail(tx, OPERATOR, tenant.company.id, now=NOW)
            _mara, wants = await preferences.get_preferences(
                tx, OPERATOR, PROVIDER_ID, "mara.lindqvist@provider.example.org"
            )
            assert wants.critical_breaks_quiet
            assert (
                await preferences.get_contact_mail(tx, OPERATOR, tenant.company.id)
            ).settings.mails_contacts is False
            undo()
