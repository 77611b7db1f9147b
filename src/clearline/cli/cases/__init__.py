"""Commands for the cases of tickets at third parties."""
