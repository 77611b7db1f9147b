"""What the forms of people have in common: the provider's people, and those of a customer."""

from collections.abc import Mapping
from typing import Any

from clearline.identity import Role, User
from clearline.language.languages import LANGUAGES
from clearline.web.fields import member_in
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.visit import Form
from clearline.web.words import gettext


def person_fields(roles: Mapping[Role, str], about_role: str = "") -> list[Field]:
    """Return the fields that every person has. ``roles`` are those to choose from, each with what it may do."""
    choices = [Choice(role, words) for role, words in roles.items()]
    return [
        Field("name", gettext("Name"), is_required=True),
        Field("email", gettext("E-mail address"), Kind.EMAIL, is_required=True),
        Field("phone", gettext("Phone"), Kind.TEL),
        Field("role", gettext("Role"), Kind.SELECT, choices, about_role),
        language_field(gettext("As the company")),
    ]


def language_field(inherited: str) -> Field:
    """Return the field of a language. ``inherited`` says whose language counts when none is chosen."""
    choices = [Choice("", inherited), *(Choice(code, name) for code, name in LANGUAGES.items())]
    return Field("language", gettext("Language of pages and mail"), Kind.SELECT, choices)


def person_values(user: User) -> Values:
    """Return what the fields of a person have."""
    return {
        "name": [user.name], "email": [user.email], "phone": [user.phone], "role": [user.role],
        "language": [user.language or ""],
    }  # fmt: skip


def person_in(form: Form) -> dict[str, Any]:
    """Return the values of these fields in a form."""
    return {
        "name": form.get("name").strip(),
        "email": form.get("email").strip(),
        "phone": form.get("phone").strip(),
        "role": member_in(Role, form, "role"),
        "language": form.get("language") or None,
    }
