"""Composed messages are parsed by other code: the standard library's older parser, and by hand."""

import email
import re
from email.header import decode_header, make_header
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.mail.outbound.compose import ComposedMail, compose, decode
from clearline.mail.outbound.domain import MailSettings, NewMail, read_reply_address
from tests.builders.people import NOW

SETTINGS = MailSettings("Example Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
KEY = UUID(int=7)


def composed(*, thread: tuple[str, ...] = (), settings: MailSettings = SETTINGS, **values: Any) -> ComposedMail:
    usual: dict[str, Any] = {
        "recipient": "ada@example.com",
        "subject": "Port down",
        "text": "Hello\n",
        "html": None,
        "kind": "notification",
        "company_id": UUID(int=1),
        "ticket_number": 42,
    }
    return compose(NewMail(**(usual | values)), KEY, thread, settings=settings, now=NOW)


def parsed(mail: ComposedMail) -> email.message.Message:
    return email.message_from_bytes(mail.message)


def decoded(message: email.message.Message, name: str) -> str:
    return str(make_header(decode_header(re.sub(r"\r?\n(?=[ \t])", "", message[name]))))


def test_a_mail_about_a_ticket_has_every_header_it_needs() -> None:
    mail = composed(thread=("<first@example.com>", "<last@example.net>"), html="<p>Hello</p>")
    message = parsed(mail)
    assert mail.message_id == message["Message-ID"] == "<00000000000000000000000000000007.INC000000000042@example.net>"
    assert parsedate_to_datetime(message["Date"]) == NOW.replace(microsecond=0)
    assert message["From"] == "Example Support <support@example.net>"
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == mail.subject == "[INC000000000042] Port down"
    assert message["Thread-Topic"] == "Port down"
    assert message["In-Reply-To"] == "<last@example.net>"
    assert message["References"].split() == [
        "<inc000000000042@example.net>",
        "<first@example.com>",
        "<last@example.net>",
    ]
    assert read_reply_address(parseaddr(message["Reply-To"])[1], b"secret") == 42
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["MIME-Version"] == "1.0"
    assert message["List-Unsubscribe"] is message["Precedence"] is None
    assert message.get_content_type() == "multipart/alternative"
    parts: Any = message.get_payload()
    text, html = parts
    assert [text.get_content_type(), html.get_content_type()] == ["text/plain", "text/html"]
    assert text.get_payload(decode=True).replace(b"\r\n", b"\n") == b"Hello\n"
    assert html.get_payload(decode=True).strip() == b"<p>Hello</p>"


def test_a_mail_without_a_ticket_has_no_thread() -> None:
    mail = composed(ticket_number=None, kind="digest", unsubscribe="https://desk.example.net/settings/notifications")
    message = parsed(mail)
    for name in ("Reply-To", "References", "In-Reply-To", "Thread-Topic", "Thread-Index"):
        assert message[name] is None
    assert message["Subject"] == "Port down"
    assert message["Precedence"] == "bulk"
    assert message["List-Unsubscribe"] == "<https://desk.example.net/settings/notifications>"
    assert message.get_content_type() == "text/plain"


def test_the_first_mail_of_a_ticket_replies_to_the_root() -> None:
    message = parsed(composed())
    assert message["In-Reply-To"] == message["References"] == "<inc000000000042@example.net>"


NASTY = [
    "Down\r\nBcc: eve@example.org",
    "Down\n\nBody of mine",
    "Down\x0bBcc: eve@example.org\x0c\x1c\x1d\x1e\x85\u2028\u2029End",
    "=?utf-8?q?Down=0D=0ABcc:_eve@example.org?=",
    "=?utf-8?b?RG93bg==?= is not what it means",
    "Störung am Anschluß in Zürich und in Genève: kein Licht, kein Link, keine Antwort seit heute früh " * 2,
    "光ファイバー断線のお知らせ" * 15,
    "🔥" * 60,
    "x" * 255,
    "word " * 50,
    "a" * 70 + " ü " + "b" * 70,
    "\ud800 half a pair",
    "   ",
    "",
    "\u202ereversed",
    'quotes " and \\ and , ; : <angle> (round)',
]


@pytest.mark.parametrize("title", NASTY)
def test_no_title_injects_a_header(title: str) -> None:
    mail = composed(subject=title)
    message = parsed(mail)
    assert decoded(message, "Subject") == mail.subject
    assert mail.subject.startswith("[INC000000000042]")
    assert message["Bcc"] is None
    assert message.keys().count("Subject") == 1
    assert sorted(message.keys()) == sorted(parsed(composed()).keys())
    head = mail.message.split(b"\r\n\r\n", 1)[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert head.isascii()


@given(st.text(max_size=300))
def test_any_title_arrives_as_it_is(title: str) -> None:
    mail = composed(subject=title)
    message = parsed(mail)
    assert decoded(message, "Subject") == mail.subject
    assert sorted(message.keys()) == sorted(parsed(composed()).keys())


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=2000))
def test_any_text_arrives_as_it_is(text: str) -> None:
    mail = composed(text=text, html="<p>x</p>")
    content = decode(mail.message).text
    assert content.removesuffix("\n") == re.sub("\r\n|\r", "\n", text).removesuffix("\n")
    assert mail.message.isascii()
    assert max(len(line) for line in mail.message.split(b"\r\n")) <= 998


def test_a_composed_message_decodes_to_its_content() -> None:
    mail = composed(subject="Störung", text="Grüße\n", html="<p>Grüße</p>\n", thread=("<a@example.com>",))
    read = decode(mail.message)
    assert (read.text, read.html) == ("Grüße\n", "<p>Grüße</p>\n")
    headers = dict(read.headers)
    assert headers["Subject"] == "[INC000000000042] Störung"
    assert headers["To"] == "ada@example.com"


@pytest.mark.parametrize(
    ("recipient", "to", "is_ascii"),
    [
        ("ada@exämple.com", "ada@xn--exmple-cua.com", True),
        ("jürgen@example.com", "jürgen@example.com", False),
        ("o'neil+desk@example.com", "o'neil+desk@example.com", True),
        ("a,b@example.com", "undisclosed:;", True),
        ("a>b\r\nBcc: eve@example.org", "undisclosed:;", True),
    ],
)
def test_addresses_have_an_ascii_domain(recipient: str, to: str, *, is_ascii: bool) -> None:
    mail = composed(recipient=recipient)
    assert mail.message.isascii() is is_ascii
    line = re.search(rb"^To: (.*)\r$", mail.message, re.MULTILINE)
    assert line is not None
    assert line[1].decode() == to
    assert parsed(mail)["Bcc"] is None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "ada@example.com"),
        ("Ada Lovelace", "Ada Lovelace\r\n <ada@example.com>"),
        ("Lovelace, Ada", '"Lovelace, Ada"\r\n <ada@example.com>'),
        ('Ada "The" \\ L.', '"Ada \\"The\\" \\\\ L."\r\n <ada@example.com>'),
        ("ben@example.org", '"ben@example.org"\r\n <ada@example.com>'),
        (" \t ", "ada@example.com"),
    ],
)
def test_the_recipient_is_named(name: str, line: str) -> None:
    mail = composed(recipient_name=name)
    assert f"\r\nTo: {line}\r\n".encode() in mail.message
    assert parseaddr(parsed(mail)["To"]) == (" ".join(name.split()), "ada@example.com")


@pytest.mark.parametrize(
    "name", [*NASTY, "Ada\r\nBcc: eve@example.org", "Ada <eve@example.org>,", '"', "\\", "x" * 255]
)
def test_no_name_injects_a_header_or_a_recipient(name: str) -> None:
    mail = composed(recipient_name=name)
    message = parsed(mail)
    assert sorted(message.keys()) == sorted(parsed(composed()).keys())
    assert [address for _, address in getaddresses([message["To"]])] == ["ada@example.com"]
    head = mail.message.split(b"\r\n\r\n", 1)[0]
    assert head.isascii()
    assert max(len(line) for line in head.split(b"\r\n")) <= 998


def test_a_name_in_any_script_arrives() -> None:
    message = parsed(composed(recipient_name="Zoë Müller-Łukasz 光", recipient="ada@exämple.com"))
    name, address = parseaddr(message["To"])
    assert str(make_header(decode_header(name))) == "Zoë Müller-Łukasz 光"
    assert address.endswith("@xn--exmple-cua.com")
    assert composed(recipient_name="Zoë", recipient="a,b@example.com").message.count(b"To: undisclosed:;\r\n") == 1


def test_the_senders_name_may_have_any_characters() -> None:
    settings = MailSettings('"Störungsstelle, Nord" <support@exämple.net>', b"secret", "https://x", enabled=True)
    mail = composed(settings=settings)
    assert mail.message.isascii()
    name, address = parseaddr(parsed(mail)["From"])
    assert (str(make_header(decode_header(name))), address) == ("Störungsstelle, Nord", "support@xn--exmple-cua.net")


@pytest.mark.parametrize(
    "unsubscribe", ["javascript:alert(1)", "https://x>\r\nBcc: eve@example.org", "https://a b", ""]
)
def test_an_invalid_unsubscribe_link_is_left_out(unsubscribe: str) -> None:
    message = parsed(composed(unsubscribe=unsubscribe))
    assert message["List-Unsubscribe"] is message["Bcc"] is None
