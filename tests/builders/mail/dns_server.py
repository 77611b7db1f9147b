"""A DNS server on this machine that answers TXT queries."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from clearline.platform.dns import LOOKUP_SECONDS, txt_records

Records = Mapping[str, Sequence[str] | dns.rcode.Rcode | None]
"""The texts of each name; a code that refuses, or None for no answer at all. Other names do not exist."""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, records: Records) -> None:
        self._records = records
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = str(query.question[0].name).removesuffix(".").lower()
        texts = self._records.get(name, dns.rcode.NXDOMAIN)
        if texts is None:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if isinstance(texts, dns.rcode.Rcode):
            answer.set_rcode(texts)
        elif texts:
            quoted = ['"' + text.replace('"', '\\"') + '"' for text in texts]
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", "TXT", quoted))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def dns_server(records: Records, *, seconds: float = LOOKUP_SECONDS) -> AsyncIterator[Callable[[str], Any]]:
    """Yield a look-up of TXT records at a server with these records, which may change meanwhile."""
    loop = asyncio.get_running_loop()
    transport, _server = await loop.create_datagram_endpoint(lambda: _Server(records), local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]

    async def look_up(name: str) -> Sequence[str]:
        return await txt_records(name, servers=["127.0.0.1"], port=port, seconds=seconds)

    try:
        yield look_up
    finally:
        transport.close()
