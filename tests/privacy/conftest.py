"""A desk with a person in many places."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import serving
from tests.builders.databases import new_database
from tests.builders.mail.inbound_rig import new_inbound_rig
from tests.builders.privacy.scene import Scene, new_scene
from tests.builders.redaction.desk import Desk
from tests.builders.webhooks.receiver import LOOPBACK


@pytest.fixture
async def scene(postgres: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Return a desk in which a person left traces everywhere."""
    async with new_database(postgres) as url:
        settings = Settings(
            database_url=url, rate_limit=0, access_log=False, workers=False, attachments=str(tmp_path / "files"),
            smtp="smtp://127.0.0.1:9", mail_from="Support <support@example.net>", webhook_networks=LOOPBACK,
            mail_listen="smtp://127.0.0.1:9",
        )  # fmt: skip
        database = await Database.open(url)
        async with serving(settings) as client:
            yield await new_scene(Desk(settings, database, client, await new_inbound_rig(database, tmp_path / "files")))
        await database.close()
