"""Commands for forms of tickets."""
