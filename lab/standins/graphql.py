# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of GraphQL as W&B's clients use: one operation, variables, literals, aliases, no fragments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[_A-Za-z]\w*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\$|[{}()\[\]:!=@]|\.\.\.')
SKIPPED = re.compile(r"(?:[\s,\ufeff]|#[^\n]*)+")


class QueryError(Exception):
    """The request is wrong as a whole: answered with 400."""


@dataclass
class Field:
    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)


@dataclass
class Variable:
    name: str


def tokens(text: str) -> list[str]:
    found, position = [], 0
    while position < len(text):
        gap = SKIPPED.match(text, position)
        if gap:
            position = gap.end()
            continue
        token = TOKEN.match(text, position)
        if not token:
            raise QueryError(f"Syntax Error: unexpected character {text[position]!r}")
        found.append(token.group())
        position = token.end()
    return found


class Parser:
    def __init__(self, text: str) -> None:
        self.rest = tokens(text)[::-1]

    def peek(self) -> str:
        return self.rest[-1] if self.rest else ""

    def take(self, expected: str = "") -> str:
        if not self.rest:
            raise QueryError("Syntax Error: unexpected end")
        token = self.rest.pop()
        if expected and token != expected:
            raise QueryError(f"Syntax Error: expected {expected!r}, found {token!r}")
        return token

    def operation(self) -> tuple[str, list[Field], dict[str, Any]]:
        """(query or mutation, its root fields, defaults of the variables)"""
        kind = "query"
        defaults: dict[str, Any] = {}
        if self.peek() != "{":
            kind = self.take()
            if kind not in ("query", "mutation"):
                raise QueryError(f"Syntax Error: unexpected {kind!r}")
            if self.peek() not in ("(", "{"):
                self.take()
            if self.peek() == "(":
                self.take()
                while self.peek() != ")":
                    self.variable(defaults)
                self.take()
        fields = self.selection()
        if self.rest:
            raise QueryError("only one operation can be answered")
        return kind, fields, defaults

    def variable(self, defaults: dict[str, Any]) -> None:
        self.take("$")
        name = self.take()
        self.take(":")
        while self.peek() in ("[", "]", "!") or re.match(r"[_A-Za-z]", self.peek()):
            self.take()
        defaults[name] = None
        if self.peek() == "=":
            self.take()
            defaults[name] = self.value()

    def selection(self) -> list[Field]:
        self.take("{")
        fields = []
        while self.peek() != "}":
            name = alias = self.take()
            if name in ("...", "@"):
                raise QueryError("fragments and directives are not known to this stand-in")
            if self.peek() == ":":
                self.take()
                name = self.take()
            one = Field(name, alias)
            if self.peek() == "(":
                one.arguments = self.pairs("(", ")")
            if self.peek() == "{":
                one.fields = self.selection()
            fields.append(one)
        self.take()
        return fields

    def pairs(self, begin: str, end: str) -> dict[str, Any]:
        self.take(begin)
        found = {}
        while self.peek() != end:
            name = self.take()
            self.take(":")
            found[name] = self.value()
        self.take()
        return found

    def value(self) -> Any:
        token = self.peek()
        if token == "{":
            return self.pairs("{", "}")
        self.take()
        if token == "$":
            return Variable(self.take())
        if token == "[":
            items = []
            while self.peek() != "]":
                items.append(self.value())
            self.take()
            return items
        if token[0] == '"' or token[0].isdigit() or token[0] == "-":
            return json.loads(token)
        return {"true": True, "false": False, "null": None}.get(token, token)


def fill(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with its variables; a map drops keys whose variable is not given, as GraphQL does."""
    if isinstance(value, Variable):
        if value.name not in variables:
            raise QueryError(f'Variable "${value.name}" is not defined.')
        return variables[value.name]
    if isinstance(value, dict):
        filled = {key: fill(item, variables) for key, item in value.items()}
        return {key: item for key, item in filled.items() if item is not None or not isinstance(value[key], Variable)}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    return value


def select(fields: list[Field], source: Any, variables: Mapping[str, Any]) -> Any:
    """What is asked for of `source`: maps, lists, and callables that take the field's arguments."""
    if source is None:
        return None
    if isinstance(source, list):
        return [select(fields, item, variables) for item in source]
    if not isinstance(source, dict):
        if fields:
            raise QueryError(f"a value has no fields: {[one.name for one in fields]}")
        return source
    if not fields:
        raise QueryError("a field with fields of its own must say which of them are wanted")
    found = {}
    for one in fields:
        if one.name not in source:
            raise QueryError(f'Cannot query field "{one.name}": this stand-in knows {sorted(source)}')
        value = source[one.name]
        found[one.alias] = select(one.fields, value(**fill(one.arguments, variables)) if callable(value) else value, variables)
    return found


def answer(
    request: Mapping[str, Any],
    roots: Mapping[str, Mapping[str, Callable[..., Any]]],
    failure: Callable[[Exception], Mapping[str, Any] | None],
) -> dict[str, Any]:
    """{data, errors}. `roots`: query and mutation, each {field: function}. `failure` turns a resolver's exception into `extensions`; None = no failed field."""
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise QueryError("Must provide query string.")
    kind, fields, defaults = Parser(request["query"]).operation()
    given = request.get("variables") or {}
    variables = {**defaults, **given}
    data: dict[str, Any] = {}
    errors = []
    for one in fields:
        try:
            data.update(select([one], dict(roots[kind]), variables))
        except QueryError:
            raise
        except Exception as error:
            extensions = failure(error)
            if extensions is None:
                raise
            data[one.alias] = None
            errors.append({"message": str(error), "path": [one.alias], "extensions": dict(extensions)})
    return {"data": data, **({"errors": errors} if errors else {})}
