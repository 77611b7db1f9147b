"""Commands for own fields."""
