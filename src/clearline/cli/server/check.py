"""The result of a check of the installation."""

from msgspec import Struct


class Check(Struct, frozen=True, omit_defaults=True):
    """The result of one check. With ``warning`` it is fulfilled, and its detail says what to do before long."""

    name: str
    ok: bool
    detail: str
    warning: bool = False

    @property
    def word(self) -> str:
        """How the result is shown."""
        return ("warning" if self.warning else "ok") if self.ok else "WRONG"
