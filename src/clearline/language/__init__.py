"""The languages and time zones of those who read: words, times, and the catalogues of translations."""
