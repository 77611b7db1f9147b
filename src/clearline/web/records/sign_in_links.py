"""Links with which people choose a password, as admins send them."""

from uuid import UUID

from clearline.identity import User
from clearline.sign_in import link_usecases as links
from clearline.sign_in.link_domain import path_of
from clearline.web import mail
from clearline.web.records.form import Outcome
from clearline.web.records.section import Section, require_identity
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer


async def send_sign_in_link(section: Section[User], visit: Visit, company_id: UUID) -> Answer:
    """Mail a link to the person in the address, or else show it, once."""
    person_id, settings = section.record_id(visit), visit.services.settings

    async def work() -> Answer:
        require_identity(visit)
        async with visit.database.transaction() as tx:
            user = await section.lock(visit, tx, person_id)
            link = await links.invite(
                tx, visit.actor, user.id, company_ref=company_id, settings=settings, render=mail.render, now=visit.now
            )
        if link.is_mailed:
            return section.led_to(visit, section.address(person_id), "link")
        return await section.page(visit, person_id, Outcome(secret=settings.page_url(path_of(link.token, link.kind))))

    return await section.perform(visit, work, person_id)
