"""The part of the reference of mail that is made from the code: the kinds of mail and their placeholders."""

from collections.abc import Iterator

from markup import table

from clearline.mail.templates.kinds import KINDS


def kinds() -> Iterator[str]:
    """Yield each kind of mail with its placeholders."""
    for kind, row in KINDS.items():
        yield f"### {row.title}: `{kind}`"
        yield ""
        yield row.about
        yield ""
        yield from table(
            ("placeholder", "stands for", "where"),
            [
                (
                    f"`{one.shown}`",
                    one.about,
                    ("on a line of its own" if one.is_block else "anywhere")
                    + ("; required" if one.name in row.required else ""),
                )
                for one in row.placeholders
            ],
        )
