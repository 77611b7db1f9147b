"""House API v1: what its groups of operations are about, for the tags of its OpenAPI document."""

GROUP_TEXTS = {
    "Tickets": "A ticket is a problem that a customer has with a service. Read, raise and change tickets, move them "
    "from one status to another, and see what happened to them.",
    "Notes": "A note is a message of a ticket: public for the customer too, internal for the provider's people. Notes "
    "are added, and never changed.",
    "Attachments": "Files of a ticket, sent and received as they are. Each is public or internal, as notes are.",
    "Assignment and routing": "Who works on a ticket: the queue that it is in, the team of the queue, the assignee, "
    "and the rules that choose them for a new ticket.",
    "Third-party cases": "Cases that the provider has at carriers and vendors because of a ticket. Customers never see "
    "them.",
    "Watchers": "People who are told what happens to a ticket.",
    "Redactions": "Words that must not be kept, such as a password that a customer pasted, and files, are removed from "
    "everything that is stored about a ticket.",
    "Links, merging, splitting": "What tickets have to do with each other: links, tickets merged into one, and notes "
    "that become a ticket of their own.",
    "Search and views": "Find tickets by words and filters, and keep searches as views.",
    "Macros": "Prepared replies, with the changes that go with them.",
    "Ticket templates": "What a new ticket can begin with: the provider's own, and those of a company.",
    "Priority matrix": "Which priority and severity a new ticket begins with, by its impact, the priority that the "
    "customer asked for, and the tier of the company.",
    "Terms": "The provider's lists: why a ticket waits, its sub-status, what was found and done.",
    "Own fields": "What you keep of tickets, services and companies beyond what Clearline knows: text, numbers, dates, "
    "options and more. Their values are in `fields` of each record.",
    "Forms": "What a ticket of an issue type is asked for: fields in their order, and the conditions under which each "
    "is shown. A form is a JSON Schema, from which pages and programs build their own.",
    "Branding": "What customers read about your support, and how the pages look.",
    "Feedback": "How customers rated the resolution of their tickets, with a link in a mail or in the portal.",
    "Handovers": "What was open at the end of a shift, with a note for the next one.",
    "Bulk changes, import, export": "Changes of many tickets as a job that runs in the background, and tickets as "
    "files.",
    "Companies, people, keys": "The provider and its customers, their users with roles, mail domains and API keys.",
    "Services": "The services of a customer, about which tickets are raised.",
    "Catalogue": "The provider's own types of issues and services: names, help texts, the assessment that a new ticket "
    "begins with, and the words of the Console Connect API.",
    "Webhooks": "Subscriptions that send events to your server, their deliveries, and replays of these. What is sent "
    "is on the page of webhook events.",
    "Events": "Everything that happens, in order: as pages, as a stream of lines, or as server-sent events.",
    "Inbound mail": "The mailboxes of the desk, and what became of the mail in them.",
    "Outbound mail": "Mail that the desk sends, addresses that get none, and what recipients stopped.",
    "Mail templates": "The texts of mail, by kind and language: change them, preview them, or go back to the shipped "
    "ones.",
    "Notifications": "Of what people are notified, how and when.",
    "Personal data": "What is stored about a person, with an account or without one: export it, "
    "or put a pseudonym in the place of the person.",
    "Audit": "Who did what and when, for those who may read it.",
}
