"""The rules of Markdown for paragraphs, lists, quotations, tables and code, narrowed so that no text is lost."""

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, blockquote, list_block, table
from markdown_it.rules_block.fence import make_fence_rule

from clearline.web.messages.layout import is_laid_out, is_table_head, is_whole_table

_Rule = Callable[[StateBlock, int, int, bool], bool]

LAID_OUT = "laid_out"
"""The type of the tokens of lines that are shown as they are."""
_DEPTH_MAX = 8
"""Lists and quotations inside each other. A deeper one is text; the parser would leave out what is deeper than 20."""
_ROWS_MAX = 100
"""The most lines of a table. A longer one is text: each line may begin a table, and each is looked through."""
_ITEM = re.compile(r"[-*] (?! |$)(?![-* ]+$)|(?:0|[1-9]\d{0,2})\. {1,2}(?! |$)")
"""The start of a list: ``+`` is an added line, ``1)`` and ``01.`` would be shown as another mark."""
_QUOTATION = re.compile(r">(?:[ >]|$)")
_FENCE = re.compile(r" {0,3}(`{3,})[^`]*$")
_CHECKED = "laid_out_checked"
"""In the environment of the parser: the line up to which nothing is laid out. No line is looked at twice."""


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _whole_line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] : state.eMarks[number]]


def _block(state: StateBlock, start: int, end: int) -> list[str]:
    """Return the lines up to an empty one, a fence, or a table that begins below the first."""
    lines: list[str] = []
    for number in range(start, end):
        line = _whole_line(state, number)
        if not line.strip() or _FENCE.match(line):
            break
        if len(lines) > 1 and is_table_head(lines[-1], line):
            return lines[:-1]
        lines.append(line)
    return lines


def _is_laid_out(lines: list[str], *, is_next: bool) -> bool:
    if len(lines) > 1 and is_table_head(lines[0], lines[1]):
        return len(lines) > _ROWS_MAX or not is_whole_table(lines)
    return is_laid_out(lines, is_next=is_next)


def laid_out(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the shape of a rule
    """Take lines that have their own layout, with the empty lines between such blocks."""
    if silent or state.level or start < state.env.get(_CHECKED, 0):
        return False
    last = at = start
    while at < end:
        lines = _block(state, at, end)
        if not lines or not _is_laid_out(lines, is_next=at > start):
            state.env[_CHECKED] = at + len(lines)
            break
        last = at + len(lines)
        at = state.skipEmptyLines(last)
    if last == start:
        return False
    token = state.push(LAID_OUT, "pre", 0)
    token.content = "\n".join(_whole_line(state, number).rstrip() for number in range(start, last))
    token.map = [start, last]
    state.line = last
    return True


def _only(rule: _Rule, may_begin: Callable[[StateBlock, int, int], bool]) -> _Rule:
    """Return a rule of the library that is asked only where its block may begin."""

    def narrowed(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the shape of a rule
        return may_begin(state, start, end) and rule(state, start, end, silent)

    return narrowed


def _may_begin_list(state: StateBlock, start: int, _end: int) -> bool:
    return state.level < _DEPTH_MAX and _ITEM.match(_line(state, start)) is not None


def _may_begin_quotation(state: StateBlock, start: int, _end: int) -> bool:
    return state.level < _DEPTH_MAX and _QUOTATION.match(_line(state, start)) is not None


def _may_begin_table(state: StateBlock, start: int, end: int) -> bool:
    if start + 1 >= end or not is_table_head(_line(state, start), _line(state, start + 1)):
        return False
    lines: list[str] = []
    while start < end and not state.isEmpty(start):
        if len(lines) == _ROWS_MAX:
            return False
        lines.append(_line(state, start))
        start += 1
    return is_whole_table(lines)


def _unmarked(state: StateBlock, start: int, _end: int, silent: bool) -> bool:  # noqa: FBT001 - the shape of a rule
    """End a quotation before a line without its mark, and an item of a list before a line that is not indented.

    Otherwise the answer below a quotation would become a part of it.
    """
    return silent and (state.parentType == "blockquote" or state.sCount[start] < state.blkIndent)


def use_blocks(markdown: MarkdownIt) -> None:
    """Replace the rules for blocks of a parser by the narrowed ones."""
    ruler = markdown.block.ruler
    anywhere: RuleOptionsType = {"alt": ["paragraph", "blockquote", "list"]}
    ruler.before("table", LAID_OUT, laid_out)
    ruler.before("table", "unmarked", _unmarked, {"alt": ["paragraph", "blockquote"]})
    ruler.at("table", _only(table, _may_begin_table), {"alt": ["paragraph"]})
    ruler.at("fence", make_fence_rule(markers=("`",)), anywhere)
    ruler.at("blockquote", _only(blockquote, _may_begin_quotation), anywhere)
    ruler.at("list", _only(list_block, _may_begin_list), {"alt": ["paragraph", "blockquote"]})
    ruler.enableOnly([LAID_OUT, "unmarked", "table", "code", "fence", "blockquote", "list", "paragraph"])
