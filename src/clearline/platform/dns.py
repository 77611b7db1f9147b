"""Look up TXT records of domains."""

from collections.abc import Sequence

LOOKUP_SECONDS = 5.0
"""How long one lookup may take, with its retries."""


class LookupFailed(Exception):
    """The name servers gave no answer that counts; the text says why."""


async def txt_records(
    name: str, *, servers: Sequence[str] = (), port: int = 53, seconds: float = LOOKUP_SECONDS
) -> list[str]:
    """Return the texts of the TXT records of a domain; none when it has none, or does not exist.

    Args:
        name: the domain, in ASCII.
        servers: the addresses of name servers, instead of those of this machine.
        port: their port.
        seconds: how long the lookup may take.

    Raises:
        LookupFailed: there was no answer in time, or the name servers refused.
    """
    from dns.asyncresolver import Resolver  # noqa: PLC0415 - slow to import, and most processes look nothing up
    from dns.exception import DNSException  # noqa: PLC0415
    from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415

    try:
        resolver = Resolver(configure=not servers)
        if servers:
            resolver.nameservers, resolver.port = list(servers), port
        answer = await resolver.resolve(f"{name}.", "TXT", lifetime=seconds, search=False)
    except (NXDOMAIN, NoAnswer):
        return []
    except DNSException as error:
        raise LookupFailed(type(error).__name__) from error
    except OSError as error:
        raise LookupFailed(str(error)) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
