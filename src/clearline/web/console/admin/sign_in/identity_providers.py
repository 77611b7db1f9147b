"""The identity providers that people sign in with: add one, test the connection, map groups to roles."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.identity import Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.sign_in.identity_providers import flow_usecases as flows
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.sign_in.identity_providers.domain import CALLBACK_PATH, IdentityProvider
from clearline.sign_in.identity_providers.openid_client import OpenIdClient
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import optional_member_in
from clearline.web.records.form import Choice, Field, Kind, Line, Outcome, Values
from clearline.web.records.section import require_identity
from clearline.web.visit import Form, Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class IdentityProviders(AdminSection[IdentityProvider]):
    """The section of identity providers."""

    noun = "identityProvider"
    path = f"{ADMIN}/sign-in"
    scope = Scope.ACCOUNTS_WRITE
    template = "console/admin/identity_providers.html"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Sign-in"),
            "new": gettext("New identity provider"),
            "about": gettext(
                "People sign in with a password, or with an identity provider that speaks OpenID Connect, such as "
                "Keycloak, Microsoft Entra ID or Google Workspace."
            ),
            "about delete": gettext("People stay, and can sign in with passwords again."),
            "done create": gettext("Added. Give the redirect URI below to the identity provider."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        test = Page("testIdentityProvider", "POST", f"{self.path}/{{id}}/test", self._test, self.scope)
        return [*super().pages(), test]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the identity providers by name."""
        listed = await identity_providers.list_providers(
            tx, visit.actor, after=after[0] if after else None, limit=limit
        )
        return [
            Line(
                str(provider.id), provider.name, [provider.name], provider.issuer,
                "" if provider.is_active else gettext("inactive"),
            )
            for provider in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: IdentityProvider | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of an identity provider."""
        return [*_connection_fields(record), *_people_fields()]

    def values(self, record: IdentityProvider) -> Values:
        """Return what the fields of an identity provider have; the secret is never shown."""
        return {
            "name": [record.name],
            "issuer": [record.issuer],
            "client_id": [record.client_id],
            "email_domains": [" ".join(record.email_domains)],
            "scopes": [" ".join(record.scopes)],
            "groups_claim": [record.groups_claim],
            "group_roles": ["\n".join(identity_providers.group_lines(record.group_roles))],
            "default_role": [record.default_role or ""],
            "second_factor_values": [" ".join(record.second_factor_values)],
            "trusts_second_factor": ["on"] if record.trusts_second_factor else [],
            "replaces_password": ["on"] if record.replaces_password else [],
            "is_active": ["on"] if record.is_active else [],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new identity provider has."""
        return {"groups_claim": ["groups"], "replaces_password": ["on"], "is_active": ["on"]}

    def title(self, record: IdentityProvider) -> str:
        """Return the name of an identity provider."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> IdentityProvider:
        """Return an identity provider."""
        return await identity_providers.get_provider(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> IdentityProvider:
        """Lock an identity provider."""
        return await identity_providers.lock_provider(tx, visit.actor, record_id)

    async def more(self, visit: Visit, tx: Tx, record: IdentityProvider) -> dict[str, object]:  # noqa: ARG002
        """Return the address that the identity provider has to send browsers back to."""
        return {"redirect_uri": visit.services.settings.page_url(f"{CALLBACK_PATH}{record.id}")}

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add an identity provider."""
        require_identity(visit)
        secret_key = visit.services.settings.secret_key
        values = _values(visit.form)
        added = await identity_providers.add_provider(tx, visit.actor, values, secret_key=secret_key, now=visit.now)
        return added.id

    async def change(self, visit: Visit, tx: Tx, record: IdentityProvider) -> None:
        """Change an identity provider."""
        require_identity(visit)
        secret_key = visit.services.settings.secret_key
        await identity_providers.change_provider(
            tx, visit.actor, record.id, _values(visit.form), secret_key=secret_key, now=visit.now
        )

    async def delete(self, visit: Visit, tx: Tx, record: IdentityProvider) -> None:
        """Delete an identity provider."""
        require_identity(visit)
        await identity_providers.delete_provider(tx, visit.actor, record.id, now=visit.now)

    async def _test(self, visit: Visit) -> Answer:
        """Fetch what the identity provider publishes about itself, and say what is wrong with it."""
        provider_id = self.record_id(visit)
        async with visit.services.database.statement() as tx:
            provider = await self.get(visit, tx, provider_id)
        client = OpenIdClient(visit.services.settings.sign_in_networks)
        problem = await flows.check_connection(client, visit.actor, provider)
        if problem is None:
            works = gettext("The connection works. Sign in with it to see whether the client and the groups are right.")
            return await self.page(visit, provider_id, Outcome(done=works))
        return await self.page(visit, provider_id, Outcome(422, problem=problem))


def _connection_fields(record: IdentityProvider | None) -> list[Field]:
    """Return the fields with which the desk and the identity provider know each other."""
    has_secret = record is not None and record.client_secret is not None
    return [
        Field("name", gettext("Name"), is_required=True, hint=gettext("On the button: Sign in with NAME.")),
        Field(
            "issuer", gettext("Issuer"), Kind.URL, is_required=True,
            hint=gettext("Exactly as the provider writes it, such as https://id.example.com/realms/staff."),
        ),
        Field("client_id", gettext("Client ID"), is_required=True),
        Field(
            "secret", gettext("Client secret"), Kind.PASSWORD,
            hint=gettext("One is stored. Type another to replace it.") if has_secret
            else gettext("Without one the client is public, and protected by PKCE alone."),
        ),
        Field(
            "scopes", gettext("More scopes"),
            hint=gettext("Separated by spaces, beside openid, email and profile: what it needs to send groups."),
        ),
    ]  # fmt: skip


def _people_fields() -> list[Field]:
    """Return the fields that say who may sign in, and as what."""
    roles = {Role.ADMIN: gettext("Admin"), Role.AGENT: gettext("Agent"), Role.VIEWER: gettext("Viewer")}
    nobody = Choice("", gettext("None: they may not sign in"))
    return [
        Field(
            "email_domains", gettext("E-mail domains"), is_required=True,
            hint=gettext("Separated by spaces. Other addresses are refused, and so are those that are not verified."),
        ),
        Field("groups_claim", gettext("Claim with the groups"), is_required=True),
        Field(
            "group_roles", gettext("Roles of groups"), Kind.AREA,
            hint=gettext("A line for each, like noc-agents = agent. The highest role counts: admin, agent, viewer."),
        ),
        Field(
            "default_role", gettext("Role of everybody else"), Kind.SELECT,
            [nobody, *(Choice(role, name) for role, name in roles.items())],
            gettext("Without any group above, it is the first role of new people, and you change it under People."),
        ),
        Field(
            "second_factor_values", gettext("Values of acr that mean a second factor"),
            hint=gettext("Separated by spaces. The method mfa in amr always counts."),
        ),
        Field("trusts_second_factor", gettext("Every sign-in there counts as one with a second factor"), Kind.CHECK),
        Field(
            "replaces_password", gettext("Replaces the password"), Kind.CHECK,
            hint=gettext("Whoever has signed in with it cannot use a password while it is active."),
        ),
        Field("is_active", gettext("Active"), Kind.CHECK),
    ]  # fmt: skip


def _values(form: Form) -> dict[str, Any]:
    """Return the fields of an identity provider in a form. An empty secret keeps the stored one."""
    lines = [line for line in form.get("group_roles").splitlines() if line.strip()]
    values: dict[str, Any] = {
        "name": form.get("name").strip(),
        "issuer": form.get("issuer").strip(),
        "client_id": form.get("client_id").strip(),
        "groups_claim": form.get("groups_claim").strip(),
        "group_roles": identity_providers.roles_in_lines(lines),
        "default_role": optional_member_in(Role, form, "default_role"),
        **{name: tuple(form.get(name).split()) for name in ("email_domains", "scopes", "second_factor_values")},
        **{name: form.has(name) for name in ("trusts_second_factor", "replaces_password", "is_active")},
    }
    if secret := form.get("secret").strip():
        values[identity_providers.SECRET] = secret
    return values


IDENTITY_PROVIDERS = IdentityProviders()
