"""House API v1: what the values of its enumerations mean, by the schema of the enumeration."""

from collections.abc import Mapping

from clearline.mail.templates.kinds import KINDS
from clearline.wires.house.errors import RULES

MEANINGS: dict[str, Mapping[str, str]] = {
    "Assignment": {
        "manual": "A person takes or assigns each ticket.",
        "round_robin": "The available agents of the team take turns.",
        "least_loaded": "The available agent with the fewest open tickets gets the ticket.",
    },
    "Channel": {
        "API": "By a program, over this API or the Console Connect API.",
        "Phone": "By telephone: an agent wrote it down.",
        "Email": "By mail.",
        "Portal": "By the customer, in the portal.",
        "Console": "By an agent, in the console.",
        "System": "Clearline itself: its own notes, and tickets that were imported.",
    },
    "DeliveryMode": {
        "email": "A mail of its own.",
        "digest": "With others, in the next digest.",
        "off": "Not at all.",
    },
    "DeliveryState": {
        "waiting": "It waits to be sent, or is being sent.",
        "delivered": "The receiver took it.",
        "dead": "A dead letter: it is not sent unless somebody replays it.",
    },
    "DetectedBy": {
        "customer": "The customer noticed it.",
        "customer_monitoring": "A monitoring system of the customer noticed it.",
        "provider": "The provider's people noticed it.",
        "provider_monitoring": "A monitoring system of the provider noticed it.",
        "third_party": "Another party noticed it: a carrier, a data centre, a vendor.",
    },
    "PathState": {
        "both_up": "The working and the protection path carry, or can carry, traffic.",
        "working_down": "The working path is down: traffic runs over the protection path, or should.",
        "protection_down": "The protection path is down: the working path carries the traffic without protection.",
        "both_down": "Both paths are down.",
        "unprotected": "The service has no second path.",
        "unknown": "Nobody knows yet.",
    },
    "ServiceEnd": {
        "a": "The fault shows at the A end of the service.",
        "z": "The fault shows at the Z end.",
        "both": "The fault shows at both ends.",
    },
    "TestingConsent": {
        "no": "No test may interrupt the service.",
        "yes": "Tests may interrupt the service at any time.",
        "within_hours": "Tests may interrupt the service within the hours that `testing_hours` says.",
    },
    "DigestFrequency": {
        "hourly": "Once an hour.",
        "daily": "Once a day, at `digest_at`.",
    },
    "DomainState": {
        "pending": "Its record in the DNS was not found yet.",
        "verified": "The company proved that the domain is its own.",
        "failed": "The record was not found in time.",
    },
    "HolderKind": {
        "user": "A user of another company has it.",
        "release": "Somebody released mail from it to a ticket of the company.",
    },
    "Impact": {
        "degraded": "The service works, but worse than it should.",
        "intermittent": "The service fails from time to time.",
        "down": "The service does not work.",
    },
    "InboundState": {
        "waiting": "Stored, and not processed yet.",
        "accepted": "It became a note or a ticket.",
        "quarantined": "A person has to decide.",
        "ignored": "It is automatic mail, or a duplicate.",
        "bounce": "It reports that an outbound mail was not delivered.",
        "discarded": "A person decided that it becomes nothing.",
    },
    "JobKind": {
        "bulk": "It changes tickets.",
        "import": "It creates tickets.",
    },
    "JobState": {
        "waiting": "It has not begun.",
        "running": "It works on its items.",
        "done": "It has worked on all of its items.",
        "cancelled": "Somebody cancelled it. Items that were done stay so.",
    },
    "LinkType": {
        "related": "They have something to do with each other.",
        "duplicates": "It reports what the other one reports.",
        "duplicated_by": "The other one reports what it reports.",
        "causes": "It is the cause of the other one.",
        "caused_by": "The other one is its cause.",
        "parent_of": "The other one is a part of its work.",
        "child_of": "It is a part of the work of the other one.",
        "split_into": "Some of its notes were moved to the other one.",
        "split_from": "It was made of notes of the other one.",
        "followed_up_by": "The other one was raised by an answer to it, after it was closed.",
        "follow_up_of": "It was raised by an answer to the other one, after that was closed.",
    },
    "MailKind": {kind.value: row.about for kind, row in KINDS.items()},
    "MailState": {
        "waiting": "It waits to be sent, or to be retried.",
        "sent": "The mail server took it.",
        "dead": "It is not retried; `last_error` says why.",
        "bounced": "It came back.",
    },
    "OptOutTopic": {
        "digest": "Digests of notifications.",
        "ticket": "Mail about one ticket.",
        "tickets": "Mail about the tickets that name the recipient as their contact.",
        "webhooks": "Mail about webhooks that were disabled.",
    },
    "Priority": {
        "low": "When nothing more urgent is left.",
        "medium": "In the usual order.",
        "high": "Before the usual order.",
        "critical": "At once.",
    },
    "Proof": {
        "dns": "A record in the DNS of the domain.",
        "staff": "One of the provider's people.",
    },
    "Rating": {
        "good": "The ticket was resolved well.",
        "bad": "It was not.",
    },
    "Role": {
        "admin": "Of the provider: runs the desk, its people and its customers.",
        "agent": "Of the provider: works on tickets.",
        "viewer": "Of the provider: reads.",
        "customer": "Raises and follows tickets of its own company.",
        "customer_admin": "A customer who also manages the people and keys of its company.",
        "operator": "Whoever runs the server, at the command line.",
    },
    "RuleCode": {str(code): text for code, text in RULES.items()},
    "Scope": {
        "tickets:read": "Read tickets, notes, files and services.",
        "tickets:write": "Raise and change tickets.",
        "tickets:redact": "Remove words and files from tickets for good.",
        "accounts:read": "Read companies, people, keys and subscriptions.",
        "accounts:write": "Manage companies, people, keys and subscriptions.",
        "desk:read": "Read queues, teams, rules, mailboxes and mail.",
        "desk:write": "Manage queues, teams, rules and mailboxes.",
        "audit:read": "Read the audit.",
    },
    "ServiceState": {
        "ordered": "It is ordered, and not yet delivered.",
        "active": "It is in use.",
        "suspended": "It is switched off for a while.",
        "ceased": "It is switched off for good.",
    },
    "Severity": {
        "minor": "It hardly matters to the customer.",
        "moderate": "Some of the customer's work suffers.",
        "significant": "Important work of the customer suffers.",
        "extensive": "The customer cannot work.",
    },
    "Source": {
        "buyer": "The customer.",
        "seller": "The provider.",
        "system": "Clearline itself.",
    },
    "Status": {
        "acknowledged": "The ticket was raised; work has not begun.",
        "in_progress": "The provider works on it.",
        "pending": "It waits for the customer.",
        "held": "It waits for somebody else, such as a supplier.",
        "resolved": "The provider thinks that it is solved. It can be reopened.",
        "reopened": "It was resolved, and is not solved.",
        "cancellation_requested": "The customer asked to cancel it.",
        "cancelled": "It was cancelled. Final.",
        "closed": "It is solved. Final.",
        "rejected": "The provider does not work on it. Final.",
    },
    "SuppressionReason": {
        "bounce": "Mail to the address came back.",
        "manual": "Somebody suppressed it.",
    },
    "Visibility": {
        "public": "The customer and the provider.",
        "internal": "The provider's people only.",
    },
}  # fmt: skip
"""Types of issues and of services are missing: they mean what they say."""
