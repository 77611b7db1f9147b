"""House API v1: personal data, exactly as it travels."""

from typing import Annotated

from msgspec import Struct

from clearline.text import EMAIL_MAX
from clearline.wires.http.fields import characters


class PersonExportQuery(Struct, frozen=True):
    """Whose data is exported: the person with this e-mail address, with or without an account."""

    address: Annotated[str, characters(3, EMAIL_MAX)]
