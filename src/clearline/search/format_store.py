"""The format of the search index, and how far the workers have rebuilt an index of an older one."""

from typing import NamedTuple

from clearline.platform.database.transactions import Tx


class IndexFormat(NamedTuple):
    """The format of the oldest entries; ``building`` is the one that the tickets from ``below`` on have already."""

    format: int
    building: int | None
    below: int | None


async def get(tx: Tx) -> IndexFormat:
    """Return the format of the index; 0 is that of every release that stored none."""
    row = await tx.fetchrow("select format, building, below from search_index")
    return IndexFormat(0, None, None) if row is None else IndexFormat(*row)


async def save_progress(tx: Tx, building: int, below: int) -> None:
    """Store that the tickets from the number ``below`` on have the format ``building``."""
    await tx.write("update search_index set building = $1, below = $2", building, below)


async def save(tx: Tx, index_format: int) -> None:
    """Store the format that all entries have now."""
    await tx.write(
        """insert into search_index (format) values ($1)
           on conflict (only_row) do update set format = excluded.format, building = null, below = null""",
        index_format,
    )
