"""What pages call the kinds and states of cases at third parties, in English: only the provider's people see them."""

from clearline.tickets.third_parties.domain import CaseKind, CaseState

KINDS = {CaseKind.CARRIER: "Carrier", CaseKind.VENDOR: "Vendor", CaseKind.OTHER: "Other"}
STATES = {
    CaseState.OPEN: "Open",
    CaseState.WAITING: "Waits",
    CaseState.RESOLVED: "Resolved",
    CaseState.CLOSED: "Closed",
}
