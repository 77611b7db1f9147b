"""Forms are kept in the memory of each process, and create no statement of their own."""

from collections.abc import AsyncIterator

import pytest

from clearline.accounts.key_ring import KeyRing
from clearline.fields.domain import FieldAudience
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.presence.presence_board import PresenceBoard
from clearline.schedule import ServerListener
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import ALWAYS, FormField
from tests.builders.house import no_forms
from tests.builders.people import NOW


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no form behind."""
    await no_forms(database)
    yield
    await no_forms(database)


@pytest.fixture
async def listening(database: Database) -> AsyncIterator[Database]:
    """Yield a database whose process is notified of changes."""
    listener = ServerListener(database, KeyRing(database), PresenceBoard(), lambda: None)
    assert await listener.connect() == 1
    yield database
    await listener.close()


async def test_a_process_with_notifications_reads_the_forms_once_and_after_each_change(listening: Database) -> None:
    async with listening.statement() as tx:
        first = await forms.current_forms(tx)
    async with listening.share("a company").statement() as tx:
        assert await forms.current_forms(tx) is first
    fields = [*map(FormField, ALWAYS), FormField("cc")]
    async with listening.transaction() as tx:
        set_one = await forms.set_form(tx, OPERATOR, "Others", FieldAudience.CUSTOMER, fields, now=NOW)
    async with listening.statement() as tx:
        assert (await forms.current_forms(tx)).all == (set_one,)
        assert [field.name for field in (await forms.form_of(tx, "Others", FieldAudience.CUSTOMER)).fields] == [
            *ALWAYS, "cc",
        ]  # fmt: skip
