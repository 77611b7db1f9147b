"""The fields of a form of a page, as a browser sends them when somebody presses its button."""

from html.parser import HTMLParser

import httpx

from tests.builders.web.pages import Person


class _Fields(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._action, self._is_inside = action, False
        self._select = ""
        self._chosen: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = values.get("action", "").partition("?")[0] == self._action
        if not self._is_inside:
            return
        if tag == "input" and values.get("name") and self._is_sent(values):
            self.pairs.append((values["name"], values.get("value", "on")))
        elif tag == "select":
            self._select, self._chosen = values["name"], None
        elif tag == "option" and self._select and ("selected" in values or self._chosen is None):
            self._chosen = values.get("value", "")
        elif tag == "textarea":
            self.pairs.append((values["name"], ""))
            self._area = values["name"]

    @staticmethod
    def _is_sent(values: dict[str, str]) -> bool:
        return values.get("type") not in {"checkbox", "radio"} or "checked" in values

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            name, before = self.pairs.pop()
            self.pairs.append((name, before + data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            self.pairs.append((self._select, self._chosen or ""))
            self._select = ""
        elif tag == "textarea" and self._area is not None:
            name, text = self.pairs.pop()
            self.pairs.append((name, text.removeprefix("\n").replace("\n", "\r\n")))
            self._area = None
        elif tag == "form":
            self._is_inside = False


def form_pairs(html: str, action: str) -> list[tuple[str, str]]:
    """Return the fields of the form of a page that is sent to an address."""
    fields = _Fields(action)
    fields.feed(html)
    return fields.pairs


async def send_pairs(
    who: Person, path: str, pairs: list[tuple[str, str]], **changed: str | list[str]
) -> httpx.Response:
    """Send the fields of a form, some of them changed."""
    data: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if name not in changed:
            known = data.setdefault(name, [])
            assert isinstance(known, list)
            known.append(value)
    data |= {**changed, "csrf": who.token_of_form()}
    return await who.client.post(path, headers=who.headers, data=data)
