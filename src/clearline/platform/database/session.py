"""What each connection sets for itself, whatever the server's own settings are."""

SESSION_SETTINGS = {
    "application_name": "clearline",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
}
"""The settings that go with the start of a connection.

The last two are for the planner: with PostgreSQL's defaults, meant for rotating disks and long reports, it prefers to
sort or to scan a table where an index gives a page in order.
"""

PLANNER_SETTINGS = {name: SESSION_SETTINGS[name] for name in ("random_page_cost", "jit")}
"""Those that decide how a statement is run."""
