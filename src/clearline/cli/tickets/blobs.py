"""The store of attachments, for commands that add to it."""

from pathlib import Path

from clearline.cli.context import DeskMissing
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import Blobs, open_blobs, s3_location


def writable_blobs(settings: Settings) -> Blobs:
    """Return the store of attachments, for a command that adds to it.

    Raises:
        DeskMissing: the directory is missing. A file in a new one would be where no server looks.
    """
    location = settings.attachments
    folder = settings.data_dir if location == "disk" else Path(location)
    if s3_location(settings) is None and not folder.is_dir():
        raise DeskMissing(
            f"the directory {folder} does not exist: set CLEARLINE_DATA_DIR and CLEARLINE_ATTACHMENTS as your server "
            "has them, or create the directory as the account of the server"
        )
    return open_blobs(settings)
