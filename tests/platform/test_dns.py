"""TXT records are read from a real name server."""

import dns.rcode
import pytest

from clearline.platform.dns import LookupFailed, txt_records
from tests.builders.mail.dns_server import dns_server


async def test_txt_records_are_read() -> None:
    records = {"example.com": ["v=spf1 -all", "clearline-verification=abc"], "empty.example.com": []}
    async with dns_server(records) as look_up:
        assert sorted(await look_up("example.com")) == ["clearline-verification=abc", "v=spf1 -all"]
        assert await look_up("empty.example.com") == []
        assert await look_up("missing.example.com") == []


async def test_a_name_server_that_refuses_gives_no_answer() -> None:
    async with dns_server({"example.com": dns.rcode.SERVFAIL}) as look_up:
        with pytest.raises(LookupFailed):
            await look_up("example.com")


async def test_a_silent_name_server_gives_no_answer() -> None:
    async with dns_server({"example.com": None}, seconds=0.3) as look_up:
        with pytest.raises(LookupFailed):
            await look_up("example.com")


async def test_a_name_server_that_cannot_be_reached_gives_no_answer() -> None:
    with pytest.raises(LookupFailed):
        await txt_records("example.com", servers=["127.0.0.1"], port=1, seconds=0.3)
