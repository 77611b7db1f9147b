"""The text of messages as HTML: Markdown with few marks, and what devices print as it was printed."""
