"""Parts of a mail are read as far as they can be: files with the bytes that were received, and all text."""

from base64 import encodebytes
from time import perf_counter

import pytest

from clearline.mail.format.parts import MailUnreadable, parse
from tests.patience import stretched

INNER = (
    b"Received: from a\r\n\tby b with ESMTP;\r\n  Sun, 1 Mar 2026 11:00:00 +0000\r\nSubject: " + b"x" * 200 + b" "
    b"y\r\nX-Blanks:   two  \r\nX-None:x\r\nX-Bytes: Gr\xfc\xdfe\r\nX-Words: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n"
    b'Content-Type: multipart/mixed;\r\n boundary="in"\r\nMIME-Version: 1.0\r\n\r\npreamble \r\n'
    b"--in\r\nContent-Type: text/plain; charset=latin1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"From me: Gr\xfc\xdfe  \r\n.\r\n\r\n"
    b"--in\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\nBB==\r\n\r\n"
    b"--in--\r\nepilogue\r\n"
)
PLAIN = b"Subject: Fibre cut\r\nFrom: noc@example.org\r\n\r\nCut at 10:00. \r\n\r\n\r\nBo\r\n"


@pytest.mark.parametrize("linesep", [b"\r\n", b"\n"])
@pytest.mark.parametrize("inner", [INNER, PLAIN, b"Subject: x\r\n\r\n", b"Subject: x\r\n\r\nno end of the line"])
def test_a_mail_in_a_mail_keeps_its_bytes(inner: bytes, linesep: bytes) -> None:
    outer = (
        b"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: text/plain\r\n\r\nSee the mail.\r\n"
        b"--out\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + inner + b"\r\n--out--\r\n"
    )
    parsed = parse(outer.replace(b"\r\n", linesep))
    [file] = parsed.files
    assert (parsed.text, file.media_type) == ("See the mail.", "message/rfc822")
    assert file.content == inner.replace(b"\r\n", linesep)


def file_with(headers: bytes) -> tuple[str, str, bytes]:
    """Return the only file of a mail whose second part has these headers."""
    [file] = parse(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee the file.\n--b\n"
        + headers
        + b"\n\n"
        b"data\n--b--\n"
    ).files
    return file.name, file.media_type, file.content


@pytest.mark.parametrize("kind", [b"application/ms-tnef", b"application/vnd.ms-tnef"])
def test_the_file_of_outlook_is_kept_under_its_name(kind: bytes) -> None:
    assert file_with(b"Content-Type: " + kind) == ("winmail.dat", "application/octet-stream", b"data")
    named = file_with(b"Content-Type: " + kind + b'; name="Winmail.dat"')
    assert named == ("Winmail.dat", "application/octet-stream", b"data")


@pytest.mark.parametrize(
    "parameters",
    [
        b"filename*=utf-8''K%C3%B6ln.pdf",
        b"filename=Koln.pdf; filename*=UTF-8'de'K%C3%B6ln.pdf",
        b"filename*=utf-8''K%C3%B6ln.pdf; filename=Koln.pdf",
        b"filename*0*=utf-8''K%C3; filename*1*=%B6ln; filename*2=.pdf",
        b'filename="=?utf-8?B?S8O2bG4ucGRm?="',
        b'filename="K\xc3\xb6ln.pdf"',
        b'filename="K\xf6ln.pdf"',
        b"filename*=K%C3%B6ln.pdf",
        b"filename*=unknown''K%C3%B6ln.pdf",
    ],
)
def test_a_name_is_read_in_every_spelling(parameters: bytes) -> None:
    headers = b"Content-Type: application/pdf\nContent-Disposition: attachment; " + parameters
    assert file_with(headers) == ("Köln.pdf", "application/pdf", b"data")


@pytest.mark.parametrize("kind", [b"x/y/z", b"nonsense", b"text", b"\xff\xfe"])
def test_a_file_of_a_type_that_cannot_be_read_has_no_type(kind: bytes) -> None:
    headers = b"Content-Type: " + kind + b"\nContent-Disposition: attachment; filename=a.log"
    assert file_with(headers) == ("a.log", "application/octet-stream", b"data")


def test_a_file_without_a_type_is_text() -> None:
    assert file_with(b"Content-Disposition: attachment; filename=a.log") == ("a.log", "text/plain", b"data")


@pytest.mark.parametrize("linesep", [b"\r\n", b"\n"])
def test_a_mail_in_a_mail_that_is_encoded_is_decoded(linesep: bytes) -> None:
    encoded = encodebytes(PLAIN).replace(b"\n", linesep)
    head = linesep.join((b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: base64", b"", encoded))
    [file] = parse(linesep.join((b"Content-Type: multipart/mixed; boundary=b", b"", b"--b", head, b"--b--", b""))).files
    assert (file.name, file.content) == ("Fibre cut.eml", PLAIN)


def test_a_mail_in_a_mail_that_only_says_that_it_is_encoded_keeps_its_bytes() -> None:
    name, _, content = file_with(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: x\n\n!")
    assert (name, content) == ("x.eml", b"Subject: x\n\n!\n\ndata")


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: text/plain" + b";" * 500_000,
        b"Content-Type: text/plain; " + b"a=b; " * 100_000,
        b"Content-Type: text/plain; " + b"name*0=a; " * 50_000,
        b"Content-Disposition: inline" + b"; " * 250_000,
        b"Reply-To: " + b"a@b," * 120_000,
        b"From: " + b"a@b," * 120_000,
    ],
)
def test_headers_that_are_made_to_take_long_do_not(header: bytes) -> None:
    began = perf_counter()
    assert parse(header + b"\nMIME-Version: 1.0\n\nHello\n").text == "Hello"
    assert perf_counter() - began < stretched(2)


def test_a_mail_with_too_many_headers_is_not_parsed() -> None:
    with pytest.raises(MailUnreadable):
        parse(b"X: y\n" * 10_100 + b"\nHello\n")
    assert parse(b"X: y\n" * 9_000 + b"\nHello\n").text == "Hello"


BASE64 = encodebytes("Grüße, Port 7 ist gestört, seit 10:00. ".encode() * 4).decode()
FOOTER = "_______________________________________________\nlist mailing list\nlist@example.com"
RULE = "-" * 30 + "\nScanned for viruses"


@pytest.mark.parametrize("footer", [FOOTER, RULE, "This mail was scanned.\n\nExample Networks", "-- \nlist, archive"])
@pytest.mark.parametrize("gap", ["", "\n"])
def test_text_below_base64_is_kept_below_the_text(footer: str, gap: str) -> None:
    head = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    text = parse(f"{head}{BASE64}{gap}{footer}\n".encode()).text
    assert text == ("Grüße, Port 7 ist gestört, seit 10:00. " * 4) + f"\n\n{footer}"


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("Port 7 is down, since 10:00.", "Port 7 is down, since 10:00."),
        ("UG9ydCA3IGlzIGRvd24!!", "Port 7 is down"),
        ("UG9ydCA3\nIGlzIGRvd24", "Port 7 is down"),
        ("UG9ydA==\nIDcgaXM=\nIGRvd24=", "Port 7 is down"),
        ("UG9ydCA3 IGlz IGRvd24=", "Port 7 is down"),
        ("UG9ydCA3IGlzIGRvd24=\n=09", "Port 7 is down"),
    ],
)
def test_broken_base64_is_decoded_as_far_as_it_can_be(encoded: str, text: str) -> None:
    head = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    assert parse(f"{head}{encoded}\n".encode()).text.startswith(text)


def test_a_footer_below_a_file_in_base64_is_not_in_the_file() -> None:
    headers = b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
    assert file_with(headers + encodebytes(b"PK" * 90) + b"\nThis mail was scanned.\n")[2] == b"PK" * 90


@pytest.mark.parametrize("kind", ["text/markdown", "text/enriched", "text/x-log", "text/anything; charset=utf-8"])
def test_text_of_any_type_is_the_text_of_a_mail_that_has_no_other(kind: str) -> None:
    mail = parse(f"Content-Type: {kind}\n\nPort 7 is down".encode())
    assert (mail.text, mail.files) == ("Port 7 is down", ())


@pytest.mark.parametrize(
    "headers", ["text/calendar", "text/rtf", "text/x-log; name=a.log", "text/x-log\nContent-Disposition: attachment"]
)
def test_text_of_another_type_is_a_file_if_it_is_meant_as_one(headers: str) -> None:
    mail = parse(f"Content-Type: {headers}\n\nPort 7 is down".encode())
    assert (mail.text, [file.content for file in mail.files]) == ("", [b"Port 7 is down"])


WORDS = "Port 7 in rack 12 has been down since ten, please send a technician with a new optic."


@pytest.mark.parametrize(
    ("plain", "html", "text"),
    [
        ("Your program cannot show HTML.", f"<p>{WORDS}</p>", f"Your program cannot show HTML.\n\n{WORDS}"),
        ("Port 7 in rack 12", f"<p>{WORDS}</p>", WORDS),
        (WORDS, f"<p>{WORDS}</p>", WORDS),
        (WORDS, f'<p>{WORDS}</p><img alt="Logo of Example Networks"><a href="https://example.com/a">us</a>', WORDS),
        (WORDS, "<p>Please view this mail in plain text.</p>", WORDS),
        (
            "端口七自上午十点起中断\n请派技术人员更换光模块",
            "<p>端口七自上午十点起中断请派技术人员更换光模块</p>",
            "端口七自上午十点起中断\n请派技术人员更换光模块",
        ),
    ],
)
def test_an_alternative_with_more_words_is_not_left_out(plain: str, html: str, text: str) -> None:
    mail = parse(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n"
        f"{plain}\n--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--\n".encode()
    )
    assert mail.text == text
