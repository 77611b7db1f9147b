"""What a mail server verified of the sender of a mail."""

import pytest

from clearline.mail.format.authentication import is_authentic
from clearline.mail.format.headers import read_headers

SERVER = "mx.example.net"
SENDER = "ben@provider.example.org"
PASS = "mx.example.net; dmarc=pass header.from=provider.example.org"


def verified(*values: str, sender: str = SENDER) -> bool:
    fields = "".join(f"Authentication-Results: {value}\r\n" for value in values)
    return is_authentic(read_headers(f"{fields}From: Ben Ito <{sender}>\r\n\r\nHello\r\n".encode()), SERVER)


@pytest.mark.parametrize(
    "value",
    [
        PASS,
        "MX.Example.NET 1; DMARC=Pass (p=reject dis=none) header.from=Provider.Example.ORG",
        '"mx.example.net"; dmarc=pass header.from="provider.example.org"',
        'mx.example.net (a \\) " (b));\r\n dmarc = pass (p=NONE; sp=NONE)\r\n header.from = provider.example.org',
        ("mx.example.net; dkim=pass header.i=@provider.example.org header.s=a header.b=abc/d==; spf=pass (ok) "
        'smtp.mailfrom=ben@provider.example.org; dmarc=pass reason="a; b (c" header.from=provider.example.org;'),
        "mx.example.net; auth=pass smtp.auth=ben@provider.example.org smtp.mailfrom=ben@provider.example.org",
    ],
)  # fmt: skip
def test_a_sender_whom_the_server_verified_is_authentic(value: str) -> None:
    assert verified(value)


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        ("mx.example.net",),
        ("mx.example.net; none",),
        ("dmarc=pass header.from=provider.example.org",),
        ("mx.example.com; dmarc=pass header.from=provider.example.org",),
        ("mx.example.net.evil.example.com; dmarc=pass header.from=provider.example.org",),
        ("mx.example.net; dmarc=pass",),
        ("mx.example.net; dmarc=pass header.from=example.org",),
        ("mx.example.net; dmarc=pass header.from=sub.provider.example.org",),
        ("mx.example.net; dmarc=none header.from=provider.example.org",),
        ("mx.example.net; dmarc=fail header.from=provider.example.org",),
        ("mx.example.net; dmarc=bestguesspass header.from=provider.example.org",),
        ("mx.example.net; spf=pass smtp.mailfrom=provider.example.org; dkim=pass header.d=provider.example.org",),
        ("mx.example.net; (dmarc=pass header.from=provider.example.org)",),
        ('mx.example.net; spf=fail reason="x; dmarc=pass header.from=provider.example.org"',),
        ('mx.example.net; spf=fail smtp.mailfrom="a; dmarc=pass header.from=provider.example.org; b"@example.com',),
        ('mx.example.net; spf=fail smtp.mailfrom="a\\"; dmarc=pass header.from=provider.example.org"@example.com',),
        ("mx.example.net; spf=fail (a; dmarc=pass header.from=provider.example.org)",),
        ("mx.example.net; spf=fail smtp.mailfrom==?utf-8?q?=22=3B_dmarc=3Dpass_header.from=3Dprovider.example.org?=",),
        ("mx.example.net; dmarc=pass header.from=example.com header.from=provider.example.org",),
        ("mx.example.net; auth=pass smtp.auth=mara@provider.example.org",),
        ("mx.example.net; auth=fail smtp.auth=ben@provider.example.org",),
        ("mx.example.net; dmarc=none; auth=pass smtp.auth=ben@provider.example.org",),
        ("mx.example.net; dmarc=none header.from=provider.example.org", PASS),
        (PASS, "mx.example.net; dmarc=pass header.from=example.com"),
        ("mx.example.net; spf=fail smtp.mailfrom=(@example.com", PASS),
        ('mx.example.net; spf=fail smtp.mailfrom="@example.com', PASS),
        ("mx.example.net; spf=fail smtp.mailfrom=)@example.com", PASS),
        ("mx.example.net; spf=fail smtp.mailfrom=a b", PASS),
        ('mx.example.net; spf=fail (") ; dmarc=none header.from=a (")', PASS),
        (PASS, "a (b"),
    ],
)  # fmt: skip
def test_a_sender_is_not_authentic_if_there_is_any_doubt(values: tuple[str, ...]) -> None:
    assert not verified(*values)


def test_the_results_of_other_servers_do_not_count() -> None:
    assert verified(PASS, "mx.example.com; dmarc=fail header.from=provider.example.org")
    assert not is_authentic(read_headers(f"Authentication-Results: {PASS}\r\n\r\nHello\r\n".encode()), SERVER)


@pytest.mark.parametrize("part", ["(", "((", "\\", '"', "()", "a=b ", "; ", "=", "a.b=c;"])
def test_a_hostile_header_takes_time_in_proportion_to_it(part: str) -> None:
    assert not verified("mx.example.net; " + part * 100_000)
