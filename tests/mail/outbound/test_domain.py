from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.mail.outbound import domain as mail

SECRET = b"a secret of the desk"
RECIPIENT = "ada@example.com"
SENDER = "Support <support@example.net>"
ADDRESS = "support+INC000000000042-"


def test_a_reply_address_identifies_its_ticket_with_the_right_secret() -> None:
    address = mail.reply_address(SENDER, 42, RECIPIENT, SECRET)
    assert address.startswith(ADDRESS)
    assert len(address) == len(ADDRESS) + 20 + len("@example.net")
    for spelling in (address, address.upper(), f"Desk <{address}>", address.replace("example.net", "mail.example.org")):
        assert mail.read_reply_address(spelling, SECRET) == 42
        assert mail.read_reply_address(spelling, SECRET, recipient=RECIPIENT) == 42
    assert mail.read_reply_address(address, b"another") is None


@pytest.mark.parametrize(
    ("recipient", "spelling"),
    [
        ("ada@example.com", " Ada@EXAMPLE.com "),
        ("ada@exämple.com", "ada@xn--exmple-cua.com"),
    ],
)
def test_a_reply_address_is_bound_to_its_recipient_in_any_spelling(recipient: str, spelling: str) -> None:
    address = mail.reply_address(SENDER, 42, recipient, SECRET)
    assert mail.read_reply_address(address, SECRET, recipient=spelling) == 42
    assert mail.read_reply_address(address, SECRET, recipient="bob@example.com") is None
    assert mail.read_reply_address(address, b"another", recipient=recipient) is None


def test_the_tokens_of_two_tickets_and_two_recipients_cannot_be_mixed() -> None:
    of_ada, of_ben = (mail.reply_address(SENDER, 42, name, SECRET) for name in (RECIPIENT, "ben@example.net"))
    of_other = mail.reply_address(SENDER, 43, "ben@example.net", SECRET)
    start, end = len(ADDRESS), len(ADDRESS) + 10
    mixed = of_ada[:end] + of_other[end:]
    assert of_ada[start:end] == of_ben[start:end]
    assert mail.read_reply_address(mixed, SECRET, recipient="ben@example.net") is None


def test_a_reply_address_of_an_earlier_version_identifies_its_ticket_and_no_recipient() -> None:
    address = "support+INC000000000042-e6ee2291b4b0fcb4@example.net"
    assert mail.read_reply_address(address, SECRET) == 42
    assert mail.read_reply_address(address, SECRET, recipient=RECIPIENT) is None
    assert mail.read_reply_address(address.replace("42-", "43-"), SECRET) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("42-", "43-"),
        lambda text: text.replace("-", ""),
        lambda text: text[: text.index("-")] + "@example.net",
        lambda text: text.replace("@", "0@"),
        lambda text: text.replace("+INC", "+INX"),
        lambda _: "support@example.net",
        lambda _: "",
        lambda text: text + "@example.net",
    ],
)
def test_no_other_address_identifies_a_ticket(change: object) -> None:
    assert callable(change)
    assert mail.read_reply_address(change(mail.reply_address(SENDER, 42, RECIPIENT, SECRET)), SECRET) is None


@given(st.integers(0, 999_999_999_999), st.binary(min_size=1))
def test_each_ticket_has_a_different_reply_address(number: int, secret: bytes) -> None:
    assert mail.read_reply_address(mail.reply_address(SENDER, number, RECIPIENT, secret), secret) == number


@given(st.text())
def test_any_text_can_be_parsed_as_a_reply_address(text: str) -> None:
    assert mail.read_reply_address(text, SECRET) is None


@pytest.mark.parametrize(
    ("subject", "number", "shown"),
    [
        ("Port down", 42, "[INC000000000042] Port down"),
        ("Port down", None, "Port down"),
        ("Re: AW: Fwd: [INC000000000042] Re: Port down", 42, "[INC000000000042] Port down"),
        ("[INC000000000042] [INC000000000042] Port down", 42, "[INC000000000042] Port down"),
        ("[INC000000000041] Port down", 42, "[INC000000000042] [INC000000000041] Port down"),
        ("Regarding the port", 42, "[INC000000000042] Regarding the port"),
        ("", 42, "[INC000000000042]"),
    ],
)
def test_the_ticket_number_is_once_before_the_title(subject: str, number: int | None, shown: str) -> None:
    assert mail.prefixed_subject(subject, number) == shown


def test_ids_of_mails_and_threads() -> None:
    key = UUID(int=1)
    assert mail.message_id_for(key, 42, SENDER) == "<00000000000000000000000000000001.INC000000000042@example.net>"
    assert mail.message_id_for(key, None, "a@exämple.net") == "<00000000000000000000000000000001@xn--exmple-cua.net>"
    assert mail.root_id(42, SENDER) == "<inc000000000042@example.net>"
    assert mail.thread_index(42, SENDER) == mail.thread_index(42, "Other <other@example.net>")
    assert mail.thread_index(42, SENDER) != mail.thread_index(43, SENDER)
    known = [
        "<a@x>",
        "<inc000000000042@example.net>",
        "no id",
        "<a b@x>",
        "<a@x>",
        f"<{'x' * 300}@x>",
        "<ü@x>",
        "<b@x>",
    ]
    assert mail.thread_of("<inc000000000042@example.net>", known) == ("<inc000000000042@example.net>", "<a@x>", "<b@x>")


def test_a_failed_mail_is_retried_for_three_days() -> None:
    waits = [mail.retry_delay(failures) for failures in range(1, 12)]
    assert waits[:5] == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]
    assert waits[-2:] == [None, None]
    assert timedelta(days=3) <= sum((wait for wait in waits if wait is not None), timedelta()) < timedelta(days=4)
