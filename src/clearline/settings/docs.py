"""The settings as the reference shows them."""

from dataclasses import dataclass, fields

from clearline.settings.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting as the reference shows it."""

    variable: str
    default: str
    about: str
    is_retention: bool = False


def documented() -> list[SettingDoc]:
    """Return every setting, in the order of the reference."""
    return [
        SettingDoc(
            PREFIX + setting.name.upper(),
            setting.metadata["shown"],
            setting.metadata["about"],
            "retention" in setting.metadata,
        )
        for setting in fields(Settings)
    ]


@dataclass(frozen=True, slots=True)
class RetentionDoc:
    """How long something is kept, as the reference shows it."""

    variable: str
    days: int
    """0 is for good."""
    data: str
    since: str
    afterwards: str


def documented_retentions() -> list[RetentionDoc]:
    """Return everything that is deleted after some time, in the order of the reference."""
    return [
        RetentionDoc(PREFIX + setting.name.upper(), *setting.metadata["retention"])
        for setting in fields(Settings)
        if "retention" in setting.metadata
    ]
