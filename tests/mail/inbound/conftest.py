"""Inbound mail with a mailbox, customers and the provider's people."""

from datetime import timedelta
from pathlib import Path

import pytest

from clearline.platform.database.transactions import Database
from tests.builders.mail.inbound_rig import InboundMailRig, new_inbound_rig


@pytest.fixture(scope="module")
async def rig(database: Database, tmp_path_factory: pytest.TempPathFactory) -> InboundMailRig:
    return await new_inbound_rig(database, Path(tmp_path_factory.mktemp("blobs")))


@pytest.fixture
async def fresh_day(rig: InboundMailRig) -> None:
    """Let two days pass, so that no limit of a day counts what earlier tests did."""
    rig.at += timedelta(days=2)
