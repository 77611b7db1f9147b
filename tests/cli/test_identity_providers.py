"""The commands with which an operator sets identity providers up, and lets people in again."""

from tests.builders.application import run_command, run_text
from tests.builders.sign_in.openid.hostile import hostile_provider

ADD = ("identity-provider", "add", "Example ID", "--issuer", "https://id.example.com", "--client-id", "desk")


async def test_an_operator_adds_changes_and_deletes_a_provider(database_url: str) -> None:
    groups = ("--domain", "example.net", "--group", "noc=agent", "--group", "a = b = admin")
    public = {"CLEARLINE_PUBLIC_URL": "https://desk.example.net"}
    added = run_command(database_url, *ADD, *groups, "--client-secret", text="a secret\n", **public)
    assert added.exit_code == 0, added.output
    redirect_uri = added.stdout.split()[-1]
    assert redirect_uri.startswith("https://desk.example.net/sign-in/callback/")
    again = run_command(database_url, *ADD, *groups)
    assert (again.exit_code, again.stderr) == (1, "refused: identity provider Example ID exists already\n")
    listed = run_text(database_url, "identity-provider", "list", **public)
    for text in ("Example ID", "https://id.example.com", "a = b = admin; noc = agent", redirect_uri):
        assert text in listed
    changed = run_text(
        database_url, "identity-provider", "change", "example id", "--inactive", "--name", "ID", "--group", "none",
        "--default-role", "viewer", "--no-client-secret", "--scope", "none", "--keep-password",
    )  # fmt: skip
    assert changed == "Identity provider ID changed. It is not active: people sign in with passwords.\n"
    assert "Identity provider ID deleted." in run_text(database_url, "identity-provider", "delete", "ID", "--yes")
    missing = run_command(database_url, "identity-provider", "delete", "ID", "--yes")
    assert (missing.exit_code, missing.stderr) == (1, "refused: identity provider ID does not exist\n")


async def test_a_provider_that_admits_nobody_is_refused(database_url: str) -> None:
    refused = run_command(database_url, *ADD, "--domain", "example.net")
    assert refused.exit_code == 1
    assert "there must be a role of everybody else" in refused.stderr
    both = run_command(database_url, *ADD, "--client-secret", "--no-client-secret")
    assert both.exit_code == 2


async def test_the_check_says_what_is_wrong(database_url: str) -> None:
    async with hostile_provider() as hostile:
        added = ("identity-provider", "add", "Local", "--issuer", hostile.issuer, "--client-id", "desk")
        run_text(database_url, *added, "--domain", "example.net", "--default-role", "agent")
        loopback = {"CLEARLINE_SIGN_IN_NETWORKS": "127.0.0.0/8"}
        hostile.keys = [{"kty": "oct", "k": "AAAA"}]
    refused = run_command(database_url, "identity-provider", "check", "Local")
    assert refused.exit_code == 3
    assert "may not be reached" in refused.stdout
    gone = run_command(database_url, "identity-provider", "check", "Local", **loopback)
    assert gone.exit_code == 3
    assert "the connection was refused" in gone.stdout


async def test_only_a_linked_person_can_be_unlinked(database_url: str) -> None:
    run_text(database_url, "agent", "add", "Ida Moss", "--email", "ida@example.net", "--role", "agent")
    refused = run_command(database_url, "identity-provider", "unlink", "ida@example.net", "--yes")
    assert refused.exit_code == 1
    assert refused.stderr == "refused: user ida@example.net has not signed in with an identity provider\n"
