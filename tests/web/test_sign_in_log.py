"""What the log says about sign-ins."""

import pytest

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in import link_usecases as links
from clearline.web import csrf, mail
from tests.builders.application import serving
from tests.builders.sign_in.second_factors import enrol
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.web.pages import BROWSER

VISITOR = "a-secret-of-twenty-two-or-more-characters"
NEW, WRONG = "nine copper lanterns hum", "nine copper lanterns buzz"


async def test_the_log_has_neither_tokens_nor_passwords(
    database: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    user = await new_person_with_password(database)
    [code, *_others] = await enrol(database, user, secret_key=None, now=now())
    async with database.transaction() as tx:
        link = await links.invite(tx, OPERATOR, user.id, settings=Settings(), render=mail.render, now=now())
    secrets = [PASSWORD, NEW, WRONG, link.token, code]
    async with serving(Settings(database_url=database_url, rate_limit=0, workers=False)) as client:

        async def post(path: str, challenge: str = "", **fields: str) -> str:
            cookie = f"__Host-clearline-visitor={VISITOR}; __Host-clearline-challenge={challenge}"
            data = {"csrf": csrf.token_for(VISITOR), **fields}
            answer = await client.post(path, headers={**BROWSER, "Cookie": cookie}, data=data)
            token = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")[2]
            secrets.extend(filter(None, [token]))
            return str(token)

        for password in (WRONG, PASSWORD):
            await post("/sign-in", email=user.email, password=password)
        await client.get(f"/sign-in/link?token={link.token}", headers=BROWSER)
        challenge = await post(f"/sign-in/link?token={link.token}", password=NEW)
        session = await post("/sign-in/code", challenge, code=code)
        headers = {**BROWSER, "Cookie": f"__Host-clearline-session={session}"}
        assert (await client.get("/console/me", headers=headers)).status_code == 200
    printed = "".join(capsys.readouterr())
    assert "/sign-in/link" in printed
    assert "/console/me" in printed
    assert len(secrets) >= 7
    assert [secret for secret in secrets if secret in printed] == []
