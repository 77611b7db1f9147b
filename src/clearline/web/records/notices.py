"""The fields of the time zone of a company and of its addresses for notices, for its admins and the provider's."""

from typing import Any

from clearline.accounts.domain import CompanyDetails, NoticeAddresses
from clearline.web.records.form import Field, Kind
from clearline.web.visit import Form
from clearline.web.words import gettext


def notice_fields() -> list[Field]:
    """Return the fields."""
    hint = gettext("Addresses, one a line.")
    return [
        Field(
            "time_zone", gettext("Time zone"),
            hint=gettext("Such as Europe/Amsterdam. It counts for people who have set none themselves."),
        ),
        Field("incidents", gettext("Notices of incidents go to"), Kind.AREA, hint=hint),
        Field("maintenance", gettext("Notices of maintenance go to"), Kind.AREA, hint=hint),
        Field("billing", gettext("Notices of billing go to"), Kind.AREA, hint=hint),
    ]  # fmt: skip


def notice_values(company: CompanyDetails) -> dict[str, list[str]]:
    """Return what the fields have."""
    addresses = company.notice_addresses
    lists = {subject: ["\n".join(getattr(addresses, subject))] for subject in NoticeAddresses.__struct_fields__}
    return {"time_zone": [company.time_zone or ""], **lists}


def notices_in(form: Form) -> dict[str, Any]:
    """Return the values that a form sets."""
    lists = {subject: form.get(subject).split() for subject in NoticeAddresses.__struct_fields__}
    return {"time_zone": form.get("time_zone").strip() or None, "notice_addresses": lists}


def notice_field_of(name: str) -> str:
    """Return the field of a form for a value that is refused: ``billing`` for ``notice_addresses.billing.2``."""
    return name.removeprefix("notice_addresses.").partition(".")[0]
