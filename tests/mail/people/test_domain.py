"""Which addresses in Cc of a mail may be people of a ticket, and what the token of a link says."""

from uuid import uuid4

import pytest

from clearline.mail.format.headers import Address, read_headers
from clearline.mail.people.domain import Membership, copied_people, is_from_list, read_token, write_token

MACHINES = (
    "noreply", "no-reply", "No_Reply", "donotreply", "do-not-reply", "jira-noreply", "mailer-daemon", "postmaster",
    "bounce", "bounces+17", "sales-bounces", "majordomo", "listserv", "noc-request", "noc-owner", "owner-noc",
)  # fmt: skip


def test_people_in_cc_are_taken_once_with_their_names_and_programs_and_lists_are_not() -> None:
    cc = ", ".join([
        '"Roy, Nia" <nia@example.com>', "=?utf-8?q?J=C3=BCrgen?= <J@EXAMPLE.com>", "nia@example.com", "me@example.com",
        "noc@lists.example.com", "noc@googlegroups.com", "nobody", *(f"{name}@example.com" for name in MACHINES),
    ])  # fmt: skip
    headers = read_headers(f"From: me@example.com\r\nCc: {cc}\r\n\r\n".encode())
    people = copied_people(headers.cc, {"me@example.com"})
    assert [(person.email, person.name) for person in people] == [
        ("nia@example.com", "Roy, Nia"),
        ("j@example.com", "Jürgen"),
    ]


def test_a_very_long_cc_is_read_in_part() -> None:
    cc = ", ".join(f"c{place}@example.com" for place in range(5000))
    headers = read_headers(f"From: me@example.com\r\nCc: {cc}\r\n\r\n".encode())
    assert len(headers.cc) == 50
    assert len(copied_people(headers.cc, ())) == 20


@pytest.mark.parametrize("name", ["List-Id", "List-Post", "Mailing-List"])
def test_mail_of_a_list_is_known_by_its_headers(name: str) -> None:
    assert is_from_list(read_headers(f"From: me@example.com\r\n{name}: <noc.example.com>\r\n\r\n".encode()))
    assert not is_from_list(read_headers(b"From: me@example.com\r\n\r\n"))


def test_a_token_names_its_membership_and_no_other_text_does() -> None:
    membership = Membership(uuid4(), 42, "nia@example.com")
    token = write_token(membership, b"secret")
    assert read_token(token, b"secret") == membership
    assert read_token(token, b"another secret") is None
    assert read_token(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), b"secret") is None
    assert read_token("", b"secret") is None


def test_names_of_copies_are_those_of_the_mail() -> None:
    [person] = copied_people([Address("Nia", "nia@example.com")], ())
    assert person.author == "Nia <nia@example.com> (CC)"
