"""Save a filtered list as a view; change and delete views."""

from clearline.errors import Conflict, InvalidInput
from clearline.tickets.lists.order import OWN_FIELD
from clearline.web.console.lists.columns import columns_in
from clearline.web.console.queue import list_page
from clearline.web.console.views import SAVED, form_values
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text
from clearline.web.lists.sorting import sort_named
from clearline.web.records.form import VERSION, check_version
from clearline.web.visit import Visit, redirect
from clearline.wires.http.call import Answer
from clearline.workspace import view_usecases as saved_views


async def save_view(visit: Visit) -> Answer:
    """Save the query of a list under a name, and open it."""
    form, is_shared = visit.form, visit.form.get("shared") == "on"
    try:
        async with visit.services.database.transaction() as tx:
            view = await saved_views.add_view(
                tx, visit.actor, form.get("name").strip(), form.get("query").strip(), sort=_sort(visit),
                columns=columns_in(dict(form.pairs)), is_shared=is_shared, now=visit.now,
            )  # fmt: skip
    except (InvalidInput, Conflict) as error:
        return await list_page(visit, f"/console/{visit.query.get('list') or 'open'}", problem=refusal_text(error))
    return redirect(visit.browser, f"{SAVED}{view.id}")


async def change_view(visit: Visit) -> Answer:
    """Set the name, query, order and sharing of a view, or delete it."""
    form, view_id = visit.form, known_id("view", visit.path["id"])
    path = f"{SAVED}{view_id}"
    values = {"name": form.get("name").strip(), "query": form.get("query").strip()}
    try:
        async with visit.services.database.transaction() as tx:
            if form.has("delete"):
                await saved_views.delete_view(tx, visit.actor, view_id, now=visit.now)
                return redirect(visit.browser, "/console/open")
            shared = {"is_shared": form.get("shared") == "on"} if visit.actor.is_company_admin else {}
            if form.has(VERSION):
                check_version(form, form_values(await saved_views.lock_view(tx, visit.actor, view_id)))
            sort = {"sort": _sort(visit)} if form.has("sort") else {}
            await saved_views.change_view(tx, visit.actor, view_id, {**values, **shared, **sort}, now=visit.now)
    except (InvalidInput, Conflict) as error:
        return await list_page(visit, path, problem=refusal_text(error))
    return redirect(visit.browser, path)


def _sort(visit: Visit) -> str | None:
    name = visit.form.get("sort")
    if name.removeprefix("-").startswith(OWN_FIELD):
        return name
    return sort_named(name).stored if name else None
