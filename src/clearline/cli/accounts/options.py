"""Options that commands for companies, users and keys share."""

import click

company_option = click.option("--company", required=True, metavar="NAME", help="Name or customer code of the company.")
email_option = click.option("--email", required=True, help="E-mail address; unique within the company.")
phone_option = click.option("--phone", default="", help="Phone number.")


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
