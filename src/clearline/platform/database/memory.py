"""Values that a process keeps in memory of tables that are small, read with every request, and changed by people."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from clearline.platform.database.transactions import Tx

T = TypeVar("T")


class Memory:
    """Keeps values between transactions, for as long as notifications of changes arrive (``line_up``).

    While none arrive, as in a command or before the first connection, each transaction reads its own.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._line_is_up = False
        self._generation = 0

    def forget(self) -> None:
        """Read every value anew when it is asked for next."""
        self._generation += 1
        self._values.clear()

    def line_up(self) -> None:
        """Start to keep values: notifications arrive from now on."""
        self.forget()
        self._line_is_up = True

    def line_down(self) -> None:
        """Stop to keep values: notifications may be lost from now on."""
        self._line_is_up = False
        self.forget()

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
        if self._line_is_up and generation == self._generation:
            self._values[name] = value
        else:
            tx.constants[name] = value
        return value
