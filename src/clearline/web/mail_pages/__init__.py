"""Pages that people open from mails, without a sign-in."""
