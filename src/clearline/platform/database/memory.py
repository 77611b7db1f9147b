"""Values that a process keeps in memory of tables that are small, read with every request, and changed by people."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from clearline.platform.database.transactions import Tx

T = TypeVar("T")
_KEPT_MAX = 10_000
"""Values, most of them of one company each. With more a process forgets all, and reads what it needs again."""


class Notified(ABC):
    """What a process keeps for as long as notifications of changes arrive (``line_up``), and forgets with each."""

    def __init__(self) -> None:
        self._line_is_up = False
        self._generation = 0

    @abstractmethod
    def _clear(self) -> None:
        """Drop what is kept."""

    def forget(self) -> None:
        """Read everything anew when it is asked for next."""
        self._generation += 1
        self._clear()

    def line_up(self) -> None:
        """Start to keep: notifications arrive from now on."""
        self.forget()
        self._line_is_up = True

    def line_down(self) -> None:
        """Stop keeping: notifications may be lost from now on."""
        self._line_is_up = False
        self.forget()

    @property
    def is_line_up(self) -> bool:
        """Whether this process receives notifications of changes."""
        return self._line_is_up

    def _may_keep(self, generation: int) -> bool:
        """Return whether what was read since a generation may be kept: no change was notified during the query."""
        return self._line_is_up and generation == self._generation


class Memory(Notified):
    """Keeps values between transactions.

    While no notifications arrive, as in a command or before the first connection, each transaction reads its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, Any] = {}

    def _clear(self) -> None:
        self._values.clear()

    def peek(self, name: str) -> Any:
        """Return the value ``name``, or None where no transaction has read it."""
        return self._values.get(name)

    async def get(self, tx: "Tx", name: str, read: Callable[["Tx"], Awaitable[T]]) -> T:
        """Return the value ``name``; ``read`` reads it where it is not known, or changed by this transaction."""
        if tx.changes_memory:  # what it reads is not committed
            return await read(tx)
        known: T | None = self._values.get(name) or tx.constants.get(name)
        if known is not None:
            return known
        generation = self._generation
        value = await read(tx)
        # The value may be older than a change that was notified during the query: then it is of use for this
        # transaction only.
        if self._may_keep(generation):
            if len(self._values) >= _KEPT_MAX:
                self._values.clear()
            self._values[name] = value
        else:
            tx.constants[name] = value
        return value
