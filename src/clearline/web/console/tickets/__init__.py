"""What is done on the page of a ticket: messages, macros, mails, merges, watchers, history."""
