"""Writers of OpenML's two text formats: XML documents and ARFF tables."""

import math
import re
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "http://openml.org/openml"


class Attributes(dict):
    """An element's attributes and its content (under the key None)."""


def xml(name: str, content) -> str:
    """A document whose elements carry the prefix `oml:`.

    `content` is text, a list of (name, content) pairs, or `Attributes`. A content of None is left out.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _element(lines, name, content, 0, f' xmlns:oml="{NAMESPACE}"')
    return "\n".join(lines) + "\n"


def _element(lines, name, content, depth, attributes=""):
    if content is None:
        return
    if isinstance(content, Attributes):
        attributes += "".join(f" {k}={quoteattr(str(v))}" for k, v in content.items() if k is not None)
        content = content.get(None, "")
    indent = "  " * depth
    if isinstance(content, list):
        lines.append(f"{indent}<oml:{name}{attributes}>")
        for child, inner in content:
            _element(lines, child, inner, depth + 1)
        lines.append(f"{indent}</oml:{name}>")
    else:
        lines.append(f"{indent}<oml:{name}{attributes}>{escape(str(content))}</oml:{name}>")


PLAIN = re.compile(r"[A-Za-z0-9_.+:/<>=*&;#@()!-]+")


def quote(text: str) -> str:
    """An ARFF token: bare where that is unambiguous, else single-quoted with backslash escapes."""
    if PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f"'{escaped}'"


def number(value: float) -> str:
    """The shortest text that reads back as the same double."""
    if math.isnan(value):
        return "?"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def arff(relation: str, attributes: list[tuple[str, str]], rows) -> str:
    """`attributes` are (name, type as ARFF writes it); `rows` iterables of tokens."""
    lines = [f"@RELATION {quote(relation)}", ""]
    lines += [f"@ATTRIBUTE {quote(name)} {kind}" for name, kind in attributes]
    lines += ["", "@DATA"]
    lines += [",".join(row) for row in rows]
    return "\n".join(lines) + "\n"


def nominal(levels) -> str:
    return "{" + ",".join(quote(level) for level in levels) + "}"
