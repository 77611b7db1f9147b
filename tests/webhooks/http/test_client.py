"""Requests to URLs of users, with real servers on the loopback."""

import asyncio
import ipaddress
import ssl
import threading
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clearline.platform.network.connections import Unreachable
from clearline.platform.network.resolver import Resolver
from clearline.webhooks.http.client import BODY_READ_MAX, WebhookClient
from tests.builders.processes import free_port
from tests.builders.webhooks.receiver import LOOPBACK, ReceivedRequest, Receiver, answer, receiving
from tests.patience import patient, stretched

HEADERS = {"webhook-id": "1", "user-agent": "Clearline"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def http() -> AsyncIterator[WebhookClient]:
    client = WebhookClient(seconds=patient(1), networks=LOOPBACK)
    yield client
    await client.close()


class Names:
    """Resolves names to the given answers in turn, and to the last one from then on."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.lookups: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.lookups.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_a_body_arrives_unchanged_and_the_response_is_returned(http: WebhookClient, receiver: Receiver) -> None:
    receiver.script = [answer(201, b"accepted", Retry_After="7")]
    response = await http.post(receiver.url, HEADERS, b'{"a": 1}')
    assert (response.status, response.retry_after, response.body) == (201, "7", "accepted")
    [request] = receiver.requests
    assert (request.path, request.body) == ("/hook?token=abc", b'{"a": 1}')
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}", "webhook-id": "1", "user-agent": "Clearline", "content-length": "8"
    }  # fmt: skip


async def test_a_connection_is_reused(http: WebhookClient, receiver: Receiver) -> None:
    for _ in range(5):
        await http.post(receiver.url, HEADERS, b"{}")
    assert (receiver.connections, len(receiver.requests)) == (1, 5)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(http: WebhookClient, receiver: Receiver, status: int) -> None:
    receiver.script = [answer(status, Location=f"http://127.0.0.1:{receiver.port}/elsewhere")]
    assert (await http.post(receiver.url, HEADERS, b"{}")).status == status
    assert len(receiver.requests) == 1


async def test_of_a_huge_response_only_the_beginning_is_read(http: WebhookClient, receiver: Receiver) -> None:
    sent = 0

    async def respond(_request: ReceivedRequest) -> bytes:
        return answer(200, b"x" * 50_000_000)

    receiver.respond = respond
    began = time.monotonic()
    response = await http.post(receiver.url, HEADERS, b"{}")
    assert (response.status, response.body, sent) == (200, "x" * BODY_READ_MAX, 0)
    assert time.monotonic() - began < stretched(0.9)
    receiver.respond = None
    await http.post(receiver.url, HEADERS, b"{}")
    assert receiver.connections == 2, "the remaining body is not read, so the connection cannot be reused"


async def test_a_body_that_never_ends_does_not_change_the_status(receiver: Receiver) -> None:
    receiver.script = [b"HTTP/1.1 204 Done\r\ncontent-length: 10\r\n\r\nabc"]
    http = WebhookClient(seconds=patient(5), networks=LOOPBACK)
    response = await http.post(receiver.url, HEADERS, b"{}")
    assert response.status == 204
    await http.close()


async def test_bytes_that_are_no_text_can_be_stored(http: WebhookClient, receiver: Receiver) -> None:
    receiver.script = [answer(500, b"a\x00\xff\xedz")]
    assert (await http.post(receiver.url, HEADERS, b"{}")).body == "a\ufffd\ufffd\ufffdz"


async def test_a_receiver_that_takes_too_long_is_unreachable(receiver: Receiver) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        await asyncio.sleep(9)
        return answer()

    receiver.respond = respond
    http = WebhookClient(seconds=1, networks=LOOPBACK)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer within 1 s"):
        await http.post(receiver.url, HEADERS, b"{}")
    assert 0.9 < time.monotonic() - began < stretched(2)
    await http.close()


async def test_a_receiver_that_never_completes_the_tls_handshake_is_disconnected() -> None:
    disconnected = asyncio.Event()

    async def read_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        disconnected.set()

    http = WebhookClient(seconds=0.3, networks=LOOPBACK)
    async with await asyncio.start_server(read_only, "127.0.0.1", 0) as server:
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await http.post(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", HEADERS, b"{}")
        await asyncio.wait_for(disconnected.wait(), patient(5))
    await http.close()


async def test_a_refused_connection_is_reported(http: WebhookClient) -> None:
    with pytest.raises(Unreachable, match="the connection was refused"):
        await http.post(f"http://127.0.0.1:{free_port()}/", HEADERS, b"{}")


@pytest.mark.parametrize(
    "response", [b"", b"SSH-2.0-hello\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 x\r\na" + b"b" * 200_000]
)
async def test_a_receiver_that_does_not_speak_http_is_unreachable(
    http: WebhookClient, receiver: Receiver, response: bytes
) -> None:
    receiver.script = [response]
    with pytest.raises(Unreachable, match=r"broke off|no answer"):
        await http.post(receiver.url, HEADERS, b"{}")


async def test_an_unknown_name_is_unreachable() -> None:
    http = WebhookClient(seconds=patient(5))
    with pytest.raises(Unreachable, match=r"not known|public"):
        await http.post("https://nobody.invalid/", HEADERS, b"{}")
    await http.close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",  # noqa: S104
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_this_machine_is_reached(receiver: Receiver, host: str, scheme: str) -> None:
    http = WebhookClient(seconds=1)
    with pytest.raises(Unreachable, match=r"public address|not known"):
        await http.post(f"{scheme}://{host}:{receiver.port}/", HEADERS, b"{}")
    assert receiver.connections == 0
    await http.close()


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["fe80::1%eth0"], []],
)
async def test_a_name_with_one_forbidden_address_is_refused(receiver: Receiver, addresses: list[str]) -> None:
    http = WebhookClient(seconds=1, networks=("127.0.0.0/8",), resolve=Names(addresses))
    with pytest.raises(Unreachable, match="may not be reached"):
        await http.post(f"https://hooks.example.com:{receiver.port}/", HEADERS, b"{}")
    assert receiver.connections == 0
    await http.close()


async def test_a_name_that_changes_after_the_check_changes_nothing(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    http = WebhookClient(seconds=1, networks=("127.0.0.0/8",), resolve=names)
    url = f"http://hooks.example.com:{receiver.port}/"
    assert (await http.post(url, HEADERS, b"{}")).status == 200
    assert names.lookups == ["hooks.example.com"], "one lookup, and the connection is to the checked address"
    assert (await http.post(url, HEADERS, b"{}")).status == 200, "an open connection keeps its address"
    await http.close()
    with pytest.raises(Unreachable, match="may not be reached"):
        await http.post(url, HEADERS, b"{}")
    assert receiver.connections == 1


async def test_the_next_address_is_tried_when_the_first_does_not_answer(receiver: Receiver) -> None:
    http = WebhookClient(seconds=patient(1), networks=LOOPBACK, resolve=Names(["::1", "127.0.0.1"]))
    assert (await http.post(f"http://hooks.example.com:{receiver.port}/", HEADERS, b"{}")).status == 200
    assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"
    await http.close()


async def test_plain_http_reaches_only_allowed_networks(receiver: Receiver) -> None:
    http = WebhookClient(seconds=1, networks=("10.0.0.0/8",), resolve=Names(["8.8.8.8"]))
    with pytest.raises(Unreachable, match="may not be reached"):
        await http.post(f"http://hooks.example.com:{receiver.port}/", HEADERS, b"{}")
    await http.close()


async def test_unused_connections_are_closed(receiver: Receiver) -> None:
    http = WebhookClient(seconds=1, networks=LOOPBACK, origins_max=1)
    async with receiving() as other:
        for _ in range(2):
            await http.post(receiver.url, HEADERS, b"{}")
            await http.post(other.url, HEADERS, b"{}")
    assert receiver.connections == 2
    await http.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://" + "a" * 64 + ".example.com/",
        "https://a..example.com/",
        "https://.example.com/",
        "https://h\u00f6oks.example.com/",
        "https://hooks.example.com:99999/",
        "https://[::1/",
    ],
)
async def test_an_invalid_name_is_unreachable(url: str) -> None:
    http = WebhookClient(seconds=1)
    with pytest.raises(Unreachable, match=r"the name is not (valid|known)"):
        await http.post(url, HEADERS, b"{}")
    await http.close()


async def test_the_time_to_resolve_a_name_does_not_count_for_the_receiver(receiver: Receiver) -> None:
    unit = stretched(1)

    async def slow(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(0.6 * unit)
        return ["127.0.0.1"]

    async def respond(_request: ReceivedRequest) -> bytes:
        await asyncio.sleep(0.3 * unit)
        return answer()

    receiver.respond = respond
    http = WebhookClient(seconds=0.5 * unit, networks=LOOPBACK, resolve=slow)
    assert (await http.post(f"http://hooks.example.com:{receiver.port}/", HEADERS, b"{}")).status == 200
    await http.close()


async def test_a_name_that_hangs_is_not_reached_and_blocks_no_other(receiver: Receiver) -> None:
    hangs = threading.Event()
    lookups: list[str] = []

    def look(host: str, _port: int) -> Sequence[str]:
        lookups.append(host)
        if host.endswith("hangs.example"):
            hangs.wait(20)
        return ["127.0.0.1"]

    resolver = Resolver(look, seconds=stretched(0.3))
    http = WebhookClient(seconds=patient(1), networks=LOOPBACK, resolve=resolver)
    hanging = [
        asyncio.create_task(http.post(f"http://{index % 40}.hangs.example:{receiver.port}/", HEADERS, b"{}"))
        for index in range(80)
    ]
    try:
        await asyncio.sleep(stretched(0.1))
        assert (len(lookups), len(set(lookups))) == (2, 2), "two names of a domain, each once"
        began = time.monotonic()
        assert (await http.post(f"http://hooks.example.com:{receiver.port}/", HEADERS, b"{}")).status == 200
        assert time.monotonic() - began < stretched(0.2)
        done, _ = await asyncio.wait(hanging, timeout=stretched(0.5))
        assert {str(task.exception()) for task in done} == {"the name was not resolved in time"}
        assert len(done) == 4, "the requests to the two names; the others wait for their turn"
    finally:
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        hangs.set()
        await resolver.close()
        await http.close()


def certificate(folder: Path, name: str, *, days: int = 1) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS context of a server with a certificate for a name, and that of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=2))
        .not_valid_after(at + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "one.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.load_cert_chain(file)
    trusts = ssl.create_default_context(cafile=str(file))
    return shows, trusts


@pytest.mark.parametrize(
    ("host", "days", "is_trusted", "error"),
    [
        ("hooks.example.com", 1, True, None),
        ("other.example.com", 1, True, "the certificate is not good"),
        ("hooks.example.com", -1, True, "the certificate is not good"),
        ("hooks.example.com", 1, False, "the certificate is not good"),
    ],
)
async def test_a_certificate_is_checked_for_the_name_and_not_the_address(
    tmp_path: Path, host: str, days: int, error: str | None, *, is_trusted: bool
) -> None:
    shows, trusts = certificate(tmp_path, "hooks.example.com", days=days)
    http = WebhookClient(
        seconds=patient(2), networks=LOOPBACK, resolve=Names(["127.0.0.1"]), trust=trusts if is_trusted else None
    )
    async with receiving(shows) as receiver:
        url = f"https://{host}:{receiver.port}/"
        if error is None:
            assert (await http.post(url, HEADERS, b"{}")).status == 200
        else:
            with pytest.raises(Unreachable, match=error):
                await http.post(url, HEADERS, b"{}")
            assert receiver.requests == []
        await http.close()


def test_the_loopback_of_the_tests_is_the_loopback() -> None:
    assert all(ipaddress.ip_network(network).is_loopback for network in LOOPBACK)
