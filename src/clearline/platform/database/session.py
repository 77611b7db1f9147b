"""What each connection sets for itself, whatever the server's own settings are."""

SESSION_SETTINGS = {
    "application_name": "clearline",
    "TimeZone": "UTC",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
}
"""The settings that every session must have.

The last two are for the planner: with PostgreSQL's defaults, meant for rotating disks and long reports, it prefers to
sort or to scan a table where an index gives a page in order.
"""

PLANNER_SETTINGS = {name: SESSION_SETTINGS[name] for name in ("random_page_cost", "jit")}
"""Those that decide how a statement is run."""

TIME_LIMITS = {"statement_timeout": "25s", "idle_in_transaction_session_timeout": "60s"}
"""When PostgreSQL gives up: before the client does after 30 seconds, so that no statement runs on for nobody."""

_CHECK_CLIENT = """
    do $$ begin
        perform set_config('client_connection_check_interval', '2s', false);
    exception when invalid_parameter_value then null; -- a server on Windows cannot
    end $$"""


def settings_statement(settings: dict[str, str]) -> str:
    """Return the statement that sets these, and has PostgreSQL check that the client of a statement is still there."""
    return "; ".join([*(f"set {name} = '{value}'" for name, value in settings.items()), _CHECK_CLIENT])
