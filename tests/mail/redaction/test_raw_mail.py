"""Raw mails lose words and files, and stay as they were otherwise."""

import base64
import hashlib
import quopri
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from clearline.mail.redaction.raw_mail import UNREADABLE, redact_mail
from clearline.redactor import MARK, Redactor

SECRET = "Zwölf&Käse 42!"
TEXT = f"Hello,\r\nthe password is {SECRET}\r\nas before.\r\n"
HEAD = (
    b"From: Ada <ada@example.com>\r\nTo: support@example.net\r\nMessage-ID: <1@example.com>\r\nX-Odd:  spaces  kept\r\n"
)


def encodings() -> dict[str, tuple[str, bytes]]:
    """Return the headers and the body of a text part in each encoding."""
    utf_8, latin = TEXT.encode(), TEXT.encode("latin-1")
    return {
        "8bit": ("text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", utf_8),
        "latin 1": ("text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit", latin),
        "no charset": ("text/plain", utf_8),
        "base64": ("text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", base64.encodebytes(utf_8)),
        "quoted-printable": (
            "text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable",
            quopri.encodestring(latin.replace(b"\r\n", b"\n")),
        ),
        "HTML": (
            "text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
            quopri.encodestring(b"<p>the password is <b>Zw&ouml;lf</b>&amp;K&#228;se&nbsp;42!</p>"),
        ),
        "UTF-16": (
            "text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64",
            base64.encodebytes(TEXT.encode("utf-16")),
        ),
    }


def text_of(raw: bytes) -> str:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain", "html"))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("name", encodings())
@pytest.mark.parametrize("is_nested", [False, True], ids=["alone", "in parts"])
def test_words_are_redacted_in_every_encoding(name: str, *, is_nested: bool) -> None:
    kind, body = encodings()[name]
    part = f"Content-Type: {kind}\r\n\r\n".encode() + body
    raw = HEAD + b"MIME-Version: 1.0\r\n" + part
    if is_nested:
        raw = (
            HEAD
            + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_a"\r\n\r\nOld readers see this.\r\n'
            + b'--=_a\r\nContent-Type: multipart/alternative; boundary="=_a-b"\r\n\r\n--=_a-b\r\n'
            + part
            + b"\r\n--=_a-b--\r\n\r\n--=_a\r\nContent-Type: application/pdf; name=x.pdf\r\n"
            + b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--=_a--\r\nThe end.\r\n"
        )
    redactor = Redactor([SECRET])
    redacted = redact_mail(raw, redactor)
    assert redacted is not None
    assert redacted.startswith(HEAD)
    text = text_of(redacted)
    assert MARK in text
    assert "the password is" in text
    assert not redactor.holds(text)
    if name != "HTML":
        assert "as before." in text
    if is_nested:
        assert redacted.endswith(raw[raw.index(b"\r\n--=_a-b--") :])
        assert b"Old readers see this." in redacted
    assert redact_mail(redacted, Redactor([SECRET])) is None


def test_a_mail_without_the_words_is_not_touched() -> None:
    raw = HEAD + b"Subject: Port\r\n\r\nNothing here.\r\n"
    assert redact_mail(raw, Redactor([SECRET])) is None


@pytest.mark.parametrize(
    "field",
    [
        b"Subject: About =?utf-8?q?Zw=C3=B6lf=26K=C3=A4se_42!?= again",
        b"Subject: About =?utf-8?b?" + base64.b64encode(SECRET.encode()) + b"?= again",
        "Subject: About Zwölf&Käse\r\n 42! again".encode(),
        b'From: "=?utf-8?q?Zw=C3=B6lf=26K=C3=A4se_42!?=" <ada@example.com>',
        b"Content-Type: text/plain; name*=utf-8''Zw%C3%B6lf%26K%C3%A4se%2042!.txt",
        b'Content-Disposition: attachment; filename="=?utf-8?q?Zw=C3=B6lf=26K=C3=A4se_42!?="',
    ],
    ids=["quoted", "base64", "folded", "name", "parameter", "file name"],
)
def test_words_in_headers_are_redacted(field: bytes) -> None:
    redacted = redact_mail(field + b"\r\nX-Other: stays\r\n\r\nHello\r\n", Redactor([SECRET]))
    assert redacted is not None
    message = message_from_bytes(redacted, policy=policy.default)
    assert message["X-Other"] == "stays"
    name = field.partition(b":")[0].decode()
    assert MARK in str(message[name])
    assert "42!" not in str(message[name])
    if name == "Subject":
        assert str(message[name]) == f"About {MARK} again"
    if name == "From":
        assert message["From"].addresses[0].addr_spec == "ada@example.com"
    assert message.get_payload() == "Hello\r\n"


def test_a_forwarded_mail_in_a_mail_is_redacted() -> None:
    inner = HEAD + b"Subject: Old\r\n\r\n" + TEXT.encode()
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner + b"\r\n--b--\r\n"
    )  # fmt: skip
    redacted = redact_mail(raw, Redactor([SECRET]))
    assert redacted == raw.replace(SECRET.encode(), MARK.encode())


def test_a_file_that_holds_the_words_is_removed_as_a_whole() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Config"
    mail.set_content("See the file.")
    mail.add_attachment(
        b"\x00\x01" + SECRET.encode() + b"\x02", maintype="application", subtype="x-router", filename="r"
    )
    redacted = redact_mail(mail.as_bytes(), Redactor([SECRET]))
    assert redacted is not None
    message = message_from_bytes(redacted, policy=policy.default)
    first, second = message.iter_parts()
    assert first.get_content() == "See the file.\n"
    assert second.get_content().strip() == MARK
    assert second.get_filename() is None


@pytest.mark.parametrize("content", [b"\x00binary\xff" * 1000, b"plain text\nof a file\n"], ids=["binary", "text"])
def test_a_file_is_removed_by_its_content(content: bytes) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Config"
    mail.set_content("See the file.")
    kind = "text" if content.startswith(b"plain") else "image"
    if kind == "text":
        mail.add_attachment(content.decode(), filename="passwords.txt")
    else:
        mail.add_attachment(content, maintype=kind, subtype="png", filename="passwords.png")
    raw = mail.as_bytes(policy=policy.SMTP)
    parsed = list(message_from_bytes(raw).walk())[-1].get_payload(decode=True)
    assert isinstance(parsed, bytes)
    digest = hashlib.sha256(parsed).digest()
    redacted = redact_mail(raw, Redactor(["passwords"]), [digest])
    assert redacted is not None
    assert b"passwords" not in redacted
    parts = [*message_from_bytes(redacted, policy=policy.default).iter_parts()]
    assert [part.get_content().strip() for part in parts] == ["See the file.", MARK]


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n" + SECRET.encode() + b"\r\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(b"1" + SECRET.encode()) + b"*** broken " + base64.encodebytes(TEXT.encode()) + b"\r\n--b",
        HEAD + b"\r\n\r\n" + base64.encodebytes(TEXT.encode()),
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xff\xfe" + SECRET.encode("utf-16-le"),
    ],
    ids=["unknown encoding", "broken base64", "base64 in text", "UTF-16 in UTF-8"],
)  # fmt: skip
def test_a_mail_that_cannot_be_rewritten_is_replaced(raw: bytes) -> None:
    redactor = Redactor([SECRET])
    redacted = redact_mail(raw, redactor)
    assert redacted is not None
    assert not redactor.is_in_bytes(redacted)
    assert redactor.count
    if UNREADABLE in redacted.decode():
        assert message_from_bytes(redacted)["Message-ID"] == "<1@example.com>"
        assert redact_mail(redacted, Redactor([SECRET])) is None
