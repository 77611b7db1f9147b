"""Words, macros and times of templates are kept between pages: what is kept is escaped, and depends on nothing else."""

import pytest
from jinja2 import UndefinedError, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from clearline.language.reader import Reader, read_by
from clearline.web.looks import Look
from clearline.web.templating import ENVIRONMENT

ICONS = '{% from "ui/icons.html" import avatar, icon, priority, status %}'
HOSTILE = '<script>alert("%(x)s")</script>'
ESCAPED = "&lt;script&gt;alert(&#34;%(x)s&#34;)&lt;/script&gt;"


def rendered(source: str, **values: object) -> str:
    return ENVIRONMENT.from_string(source).render(**values)


@pytest.mark.parametrize("source", [
    '{{ _("By %(name)s", name=name) }}', '{{ gettext("By %(name)s", name=name) }}',
    "{% trans name=name %}By {{ name }}{% endtrans %}",
    '{{ ngettext("By %(name)s", "By %(name)s and others", 1, name=name) }}',
])  # fmt: skip
def test_values_in_words_are_escaped(source: str) -> None:
    for _again in range(2):
        assert rendered(source, name=HOSTILE) == f"By {ESCAPED}"
        assert rendered(source, name=Markup("<b>")) == "By <b>"


def test_words_are_markup_and_a_doubled_percent_sign_is_one() -> None:
    for _again in range(2):
        assert rendered('{{ _("5 %% of <b>all</b>") }}|{{ _("%(share)s %%", share=5) }}') == "5 % of <b>all</b>|5 %"


def test_words_are_looked_up_in_the_catalogue_of_the_language() -> None:
    look = Look("Sign in", "clock", "red")
    source = '{{ _("Sign in") }} {{ _("Welcome, %(name)s", name="<") }} {{ priority(look) }}'
    for language, sign_in, welcome in (("en", "Sign in", "Welcome"), ("de", "Anmelden", "Willkommen")) * 2:
        with read_by(Reader(language)):
            shown = rendered(ICONS + source, look=look)
        assert shown.startswith(f"{sign_in} {welcome}, &lt; ")
        assert shown.endswith(f">{sign_in}</span></span>")


def test_a_kept_avatar_is_escaped_whoever_was_shown_before() -> None:
    source = ICONS + "{{ avatar(name) }}"
    markup = rendered(source, name=Markup("<b>Bo</b>"))
    text = rendered(source, name="<b>Bo</b>")
    assert 'title="<b>Bo</b>"' in markup
    assert 'title="&lt;b&gt;Bo&lt;/b&gt;"' in text
    assert (markup, text) == (rendered(source, name=Markup("<b>Bo</b>")), rendered(source, name="<b>Bo</b>"))
    assert rendered(ICONS + '{{ avatar("") }}{{ avatar(none) }}').count("nobody") == 2


def test_kept_icons_differ_by_all_that_they_depend_on() -> None:
    source = """{{ icon("clock") }}|{{ icon("clock", "red") }}|{{ icon("inbox") }}|{{ priority(priorities.high) }}|
        {{ priority(priorities.high, true) }}|{{ priority(priorities.low, true) }}|{{ status(statuses.held) }}"""
    first, again = (rendered(ICONS + source).split("|") for _again in range(2))
    assert first == again
    assert len(set(first)) == 7
    assert 'class="icon red"' in first[1]


def test_functions_of_templates_still_get_their_context_and_loops() -> None:
    @pass_context
    def named(context: Context, name: str) -> object:
        return context[name]

    source = """{% macro twice(text) %}{{ text }}{{ caller() }}{{ text }}{% endmacro %}
    {%- for item in items -%}
    {% call twice(item) %}{{ loop.cycle("a", "b") }}{% endcall %}{{ named("item") }}
    {%- endfor %}"""
    values = {"items": ["<", 2], "item": "outer", "named": named}
    assert rendered(source, **values) == "&lt;a&lt;outer2b2outer"
    with pytest.raises(UndefinedError):
        rendered("{{ missing() }}")
    with pytest.raises(TypeError):
        rendered("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}")
