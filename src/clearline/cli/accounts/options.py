"""Options that commands for companies, users and keys share."""

import click

from clearline.language.languages import LANGUAGES

company_option = click.option("--company", required=True, metavar="NAME", help="Name or customer code of the company.")
email_option = click.option("--email", required=True, help="E-mail address; unique within the company.")
phone_option = click.option("--phone", default="", help="Phone number.")
_INHERITED = "inherited"
language_option = click.option(
    "--language",
    type=click.Choice([*LANGUAGES, _INHERITED]),
    help="Language of pages and mail. A user inherits that of the company, and a company that of the provider.",
)


def language_of(option: str | None) -> str | None:
    """Return the language that ``--language`` sets; None to inherit it."""
    return None if option == _INHERITED else option


def with_language(values: dict[str, object]) -> dict[str, object]:
    """Return the values that were given to a command that changes something, with None for an inherited language."""
    return values | {"language": None} if values.get("language") == _INHERITED else values


def changed_values(**values: object) -> dict[str, object]:
    """Return the options that were given.

    Raises:
        UsageError: there are none.
    """
    changes = {name: value for name, value in values.items() if value is not None}
    if not changes:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in values)
        raise click.UsageError(f"Nothing to change: give at least one of {names}.")
    return changes
