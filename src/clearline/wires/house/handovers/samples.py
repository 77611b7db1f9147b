"""House API v1: sample values of handovers, for the examples in its OpenAPI document."""

HANDOVER_SAMPLES = {
    "HandedOverTicket.assignee": "Mara Lind",
    "HandedOverTicket.company": "Example Freight",
    "HandoverDetailsOut.note": "The fibre near Amsterdam is being spliced: call the supplier at 10:00 UTC.",
    "HandoverIn.note": "The fibre near Amsterdam is being spliced: call the supplier at 10:00 UTC.",
    "HandoverOut.note": "The fibre near Amsterdam is being spliced: call the supplier at 10:00 UTC.",
}
