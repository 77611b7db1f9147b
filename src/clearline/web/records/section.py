"""Pages of records that admins manage: list them, show the form of one, and do what the forms ask for."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from clearline.errors import Conflict, InvalidInput
from clearline.identity import Scope
from clearline.language.words import first_upper
from clearline.platform.database.transactions import Tx
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.domain import SignInRefused, StepUpNeeded, TooManyAttempts, require_recent
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.web import csrf, once
from clearline.web.done import done_in, with_done
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text, rule_text
from clearline.web.records.form import (
    VERSION,
    ChangedMeanwhile,
    Field,
    Line,
    Outcome,
    Values,
    check_version,
    typed_values,
    version_of,
)
from clearline.web.visit import Page, Visit, redirect
from clearline.web.words import gettext
from clearline.wires.http.call import Answer
from clearline.wires.http.cursors import list_id

PASSWORD = "confirm_password"  # noqa: S105 - the name of a field
_SIZE = 100
_HIDDEN = {csrf.FIELD, PASSWORD}
R = TypeVar("R")
Id = Any
"""The id of a record: a UUID, unless a section says otherwise."""
Do = Callable[[Visit, Tx, R], Awaitable[None]]


class Section(ABC, Generic[R]):
    """A kind of records that admins manage. ``noun`` names it in the table of pages."""

    noun: ClassVar[str]
    path: str
    back: str
    """The page that the list leads back to."""
    here: ClassVar[str] = ""
    """The entry of the navigation that is marked, unless it is this section."""
    scope: ClassVar[Scope]
    template: ClassVar[str] = "records/section.html"
    can_create: ClassVar[bool] = True
    can_change: ClassVar[bool] = True
    can_delete: ClassVar[bool] = True

    @property
    @abstractmethod
    def words(self) -> Mapping[str, str]:
        """The words of the page: ``title``, ``new``, ``empty``, and what each form did, by its name."""

    @abstractmethod
    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the records after a sort key."""

    @abstractmethod
    async def fields(self, visit: Visit, tx: Tx, record: R | None) -> list[Field]:
        """Return the fields of the form of a record, or of a new one."""

    @abstractmethod
    def values(self, record: R) -> Values:
        """Return what the fields of a record have."""

    async def stored(self, tx: Tx, record: R) -> Values:  # noqa: ARG002 - for the sections that read more
        """Return what the fields of a record have, with its own fields."""
        return self.values(record)

    @abstractmethod
    def title(self, record: R) -> str:
        """Return the name of a record."""

    @abstractmethod
    async def get(self, visit: Visit, tx: Tx, record_id: Id) -> R:
        """Return a record."""

    @abstractmethod
    async def lock(self, visit: Visit, tx: Tx, record_id: Id) -> R:
        """Lock a record that is about to be changed."""

    @abstractmethod
    async def frame(self, visit: Visit, tx: Tx) -> dict[str, object]:
        """Return the template that the page is framed by, as ``layout``, and what that takes."""

    def states(self) -> Sequence[tuple[str, str]]:
        """Return the states that the list can be narrowed to, with their words; the first is shown at first."""
        return ()

    def state(self, visit: Visit) -> str:
        """Return the state that the list is narrowed to; empty in a section without states."""
        known = [value for value, _word in self.states()]
        asked = visit.query.get("state", "")
        return asked if asked in known else next(iter(known), "")

    def address(self, record_id: Id) -> str:
        """Return the address of the form of a record."""
        return f"{self.path}/{record_id}"

    def field_of(self, name: str) -> str:
        """Return the field of the form for the value that a use case refuses: ``types`` for ``types.2``."""
        return name.partition(".")[0]

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002 - for the sections that need it
        """Return what the fields of a new record have."""
        return {}

    async def more(self, visit: Visit, tx: Tx, record: R) -> dict[str, object]:  # noqa: ARG002
        """Return what else the template of the section shows of a record."""
        return {}

    async def prepare(self, visit: Visit) -> None:
        """Check what the form of a record says, as far as that takes long: before any transaction."""

    async def create(self, visit: Visit, tx: Tx) -> Id:
        """Create a record from the form."""
        raise NotImplementedError

    def created_word(self, visit: Visit) -> str:  # noqa: ARG002
        """Return the name of the words that say what creating a record did."""
        return "create"

    async def change(self, visit: Visit, tx: Tx, record: R) -> None:
        """Change a record, which is locked, as the form says."""
        raise NotImplementedError

    async def delete(self, visit: Visit, tx: Tx, record: R) -> None:
        """Delete a record, which is locked."""
        raise NotImplementedError

    # --- Its pages.

    def pages(self) -> list[Page]:
        """Return the pages and forms of the section for the table."""
        one, plural = self.noun[0].upper() + self.noun[1:], self.path.rsplit("/", 1)[-1].title().replace("-", "")
        pages = [Page(f"admin{plural}", "GET", self.path, self.show_list, self.scope)]
        if self.can_create:
            pages += [
                Page(f"new{one}", "GET", f"{self.path}/new", self.show_new, self.scope),
                Page(f"create{one}", "POST", self.path, self.handle_create, self.scope),
            ]
        pages.append(Page(f"show{one}", "GET", f"{self.path}/{{id}}", self.show, self.scope))
        if self.can_change:
            pages.append(Page(f"change{one}", "POST", f"{self.path}/{{id}}", self.handle_change, self.scope))
        if self.can_delete:
            pages.append(self.action(f"delete{one}", "delete", self.delete, ends=True))
        return pages

    def action(self, name: str, word: str, do: Do[R], *, ends: bool = False) -> Page:
        """Return a form that does something else to a record; ``ends`` when there is no record any more then."""

        async def handle(visit: Visit) -> Answer:
            return await self.handle_action(visit, word, do, ends=ends)

        return Page(name, "POST", f"{self.path}/{{id}}/{word}", handle, self.scope)

    async def handle_action(self, visit: Visit, word: str, do: Do[R], *, ends: bool = False) -> Answer:
        """Do something else to a record than changing it; see ``action``."""
        record_id = self.record_id(visit)

        async def work() -> Answer:
            async with visit.database.transaction() as tx:
                await do(visit, tx, await self.lock(visit, tx, record_id))
            return self.led_to(visit, self.path if ends else self.address(record_id), word)

        return await self.perform(visit, work, record_id)

    async def show_list(self, visit: Visit) -> Answer:
        """Show the list, and no form."""
        return await self.page(visit, None, self._done(visit))

    async def show_new(self, visit: Visit) -> Answer:
        """Show the form of a new record."""
        return await self.page(visit, None, Outcome(), is_new=True)

    async def show(self, visit: Visit) -> Answer:
        """Show the form of a record."""
        return await self.page(visit, self.record_id(visit), self._done(visit))

    async def handle_create(self, visit: Visit) -> Answer:
        """Create a record, once, and open it."""

        async def action(tx: Tx) -> str:
            return self.address(await self.create(visit, tx))

        async def work() -> Answer:
            await self.prepare(visit)
            try:
                address = await once.perform_once(visit, self.path, action)
            except once.SentBefore as before:
                return redirect(visit.browser, before.address, visit.headers)
            return self.led_to(visit, address, self.created_word(visit))

        return await self.perform(visit, work, None, is_new=True)

    async def handle_change(self, visit: Visit) -> Answer:
        """Change a record, unless somebody else did meanwhile."""
        record_id = self.record_id(visit)

        async def work() -> Answer:
            await self.prepare(visit)
            async with visit.database.transaction() as tx:
                record = await self.lock(visit, tx, record_id)
                check_version(visit.form, await self.stored(tx, record))
                await self.change(visit, tx, record)
            return self.led_to(visit, self.address(record_id), "change")

        return await self.perform(visit, work, record_id)

    async def show_secret_once(self, visit: Visit, issue: Callable[[Tx], Awaitable[tuple[Id, str]]]) -> Answer:
        """Do what a form asks for, once, and show the secret that it makes of a record.

        A form that is sent again leads to the record, without the secret: it is stored nowhere.
        """
        issued: list[tuple[Id, str]] = []

        async def action(tx: Tx) -> str:
            issued.append(await issue(tx))
            return self.address(issued[-1][0])

        address = await once.lead_once(visit, visit.browser.scope["path"], action)
        if not issued:
            return redirect(visit.browser, address, visit.headers)
        record_id, secret = issued[-1]
        return await self.page(visit, record_id, Outcome(secret=secret))

    async def perform(
        self, visit: Visit, work: Callable[[], Awaitable[Answer]], record_id: Id | None, *, is_new: bool = False
    ) -> Answer:
        """Do what a form asks for; when it is refused, show it again with everything that was typed."""
        try:
            await _confirm_identity(visit)
            return await work()
        except StepUpNeeded:
            refused = Outcome(403, asks_password=True)
        except SignInRefused:
            problems = {PASSWORD: gettext("this is not your password")}
            refused = Outcome(422, problems=problems, asks_password=True)
        except TooManyAttempts as error:
            refused = Outcome(429, problems={PASSWORD: refusal_text(error)}, asks_password=True)
        except ChangedMeanwhile:
            refused = Outcome(409, typed=visit.form, is_stale=True)
        except InvalidInput as error:
            refused = Outcome(422, problems=self.problems(error), typed=visit.form)
        except Conflict as error:
            refused = Outcome(409, problem=refusal_text(error), typed=visit.form)
        return await self.page(visit, record_id, refused, is_new=is_new)

    def problems(self, error: InvalidInput) -> dict[str, str]:
        """Return what is wrong with each field of a form; a text may break a rule in several lines."""
        broken: dict[str, list[str]] = {}
        for violation in error.violations:
            broken.setdefault(self.field_of(violation.field), []).append(rule_text(violation))
        return {name: ". ".join([rules[0], *map(first_upper, rules[1:])]) for name, rules in broken.items()}

    async def page(self, visit: Visit, record_id: Id | None, outcome: Outcome, *, is_new: bool = False) -> Answer:
        """Return the page of the section, with the form of a record, of a new one, or none."""
        after = self._cursor(visit)
        async with visit.database.transaction() as tx:
            frame = await self.frame(visit, tx)
            lines = await self.lines(visit, tx, after, _SIZE + 1)
            record = None if record_id is None else await self.get(visit, tx, record_id)
            has_form = is_new or record is not None
            fields = await self.fields(visit, tx, record) if has_form else []
            more = {} if record is None else await self.more(visit, tx, record)
            stored: Values = self.defaults(visit) if record is None else await self.stored(tx, record)
            if outcome.asks_password:
                more["proofs"] = await identity_providers.proofs_of(tx, visit.session)
        address = self.path if record_id is None else self.address(record_id)
        if outcome.status != 200 or outcome.secret:
            visit.headers.append((b"hx-push-url", (f"{address}/new" if is_new else address).encode()))
        return visit.page(
            self.template, outcome.status, here=self.here or self.path, section=self, words=self.words,
            lines=lines[:_SIZE], next=self._next(visit, lines), states=self.states(), state=self.state(visit),
            record=record, record_id=record_id, is_new=is_new,
            title=self.title(record) if record is not None else self.words["new"] if is_new else "",
            fields=fields, outcome=outcome, address=address, stored=stored, version=_version(outcome, stored),
            values=stored if outcome.typed is None else typed_values(outcome.typed), key=_key(outcome),
            hidden=[pair for pair in visit.form.pairs if pair[0] not in _HIDDEN], **more,
            own_address=visit.browser.scope["path"], is_opened=has_form, **frame,
        )  # fmt: skip

    def _next(self, visit: Visit, lines: list[Line]) -> str | None:
        if len(lines) <= _SIZE:
            return None
        cursor = visit.services.cursors.make(lines[_SIZE - 1].keys, self._list_id(visit))
        state = {"state": self.state(visit)} if self.states() else {}
        return f"{self.path}?{urlencode({**state, 'after': cursor})}"

    def _cursor(self, visit: Visit) -> list[Any] | None:
        text = visit.query.get("after")
        return visit.services.cursors.read(text, self._list_id(visit)) if text else None

    def _list_id(self, visit: Visit) -> str:
        return list_id(self.path, {"state": self.state(visit)})

    def record_id(self, visit: Visit) -> Id:
        """Return the id of the record in the address."""
        return known_id(self.noun, visit.path["id"])

    def _done(self, visit: Visit) -> Outcome:
        return Outcome(done=self.words.get(f"done {done_in(visit)}", ""))

    def led_to(self, visit: Visit, address: str, done: str) -> Answer:
        """Lead to a page of the section, which says what was done; ``done`` names the words."""
        return redirect(visit.browser, with_done(visit, address, done), visit.headers)


def require_identity(visit: Visit) -> None:
    """Refuse a form that needs a person who proved lately who it is; the page then asks for the password.

    Raises:
        StepUpNeeded: the person did not.
    """
    require_recent(visit.session.session, now=visit.now)


async def _confirm_identity(visit: Visit) -> None:
    """Take the password of the person, if the form has it."""
    if visit.form.has(PASSWORD):
        password = visit.form.get(PASSWORD)
        visit.renew(await passwords.confirm_password(visit.services.database, visit.session, password, now=visit.now))


def _version(outcome: Outcome, stored: Values) -> str:
    """Return the version that a form carries: one that is shown again was made from the values that it was made from.

    Who was told that somebody changed the record goes on from what it has now.
    """
    return version_of(stored) if outcome.typed is None or outcome.is_stale else outcome.typed.get(VERSION)


def _key(outcome: Outcome) -> str:
    """Return the key that a form carries to take effect once: that of a form that is shown again stays."""
    return (outcome.typed.get(once.FIELD) if outcome.typed is not None else "") or once.new_key()
