"""Options that set values of own fields."""

import click

field_option = click.option(
    "--field", "fields", multiple=True, metavar="KEY=VALUE", help="Value of an own field; KEY= clears it."
)


def field_values(pairs: tuple[str, ...]) -> dict[str, str | None]:
    """Return the values that options of ``field_option`` give, by their keys; None for an empty one."""
    values: dict[str, str | None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair} is not KEY=VALUE", param_hint="--field")
        values[key] = value or None
    return values


def given_fields(pairs: tuple[str, ...]) -> dict[str, dict[str, str | None]]:
    """Return the values of options of ``field_option`` as the member of a record, which is missing without any."""
    return {"fields": field_values(pairs)} if pairs else {}
