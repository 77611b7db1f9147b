"""The type of a member that is one of some values of the domain."""

from typing import TYPE_CHECKING, Any, Literal

__all__ = ["OneOf"]

if TYPE_CHECKING:
    from typing import Annotated as OneOf
else:

    class OneOf:
        """A text that is one of some values: ``OneOf[str, STAFF_ROLES]`` is a ``Literal`` of these roles.

        msgspec checks a ``Literal`` and publishes it as an ``enum``, but a type checker accepts only one that repeats
        the values. For a type checker this is ``Annotated``, and the member a ``str``.
        """

        def __class_getitem__(cls, item: tuple[type[str], Any]) -> Any:
            """Return the ``Literal`` of the values, which are given as any iterable of text."""
            _text, values = item
            return Literal[tuple(map(str, values))]
