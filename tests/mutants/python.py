"""Changes of Python code, and how a process takes one over.

A mutant replaces one node of a module's syntax tree. A forked process compiles the changed tree and
gives each function object its new code, so no module is imported again. A constant of a module is
computed again and set in every module that imported it.

Left alone, because no behaviour depends on them: docstrings, annotations, decorators, log calls and
the texts of errors. Left alone, because they are computed when the class or function is created:
default values of parameters and of fields.
"""

import ast
import gc
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import cast

from mutants.changes import Mutant, short

_LEVELS = {
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "critical",
    "append_keys",
    "remove_keys",
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
}  # fmt: skip
_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_PROSE = re.compile(r"[A-Za-z,;]+ [a-z]+ [a-z]+(?!.*[:=(])")
"""Three words and no sign of an expression: a text for people."""

type _Function = ast.FunctionDef | ast.AsyncFunctionDef
type Key = tuple[str, str, int]
"""File, qualified name and first line of a code object."""


@dataclass(slots=True)
class Change:
    """A mutant, and the place in the tree where its node goes."""

    mutant: Mutant
    lines: frozenset[int]
    """The lines of the changed node; a test that runs none of them cannot notice the change."""
    function: tuple[str, int] | None
    """The qualified name and first line of the outermost function; None: a constant."""
    _parent: ast.AST
    _field: str
    _index: int | None
    _node: ast.AST

    def put(self) -> ast.AST:
        """Put the changed node into the tree, and return the one that was there."""
        if self._index is None:
            old: ast.AST = getattr(self._parent, self._field)
            setattr(self._parent, self._field, self._node)
        else:
            nodes: list[ast.AST] = getattr(self._parent, self._field)
            old, nodes[self._index] = nodes[self._index], self._node
        return old


@dataclass(frozen=True)
class Source:
    """A Python file and the changes that can be made to it."""

    file: Path
    tree: ast.Module

    @classmethod
    def read(cls, file: Path) -> "Source":
        """Parse a file."""
        return cls(file, ast.parse(file.read_text()))

    @cached_property
    def changes(self) -> list[Change]:
        """All changes, in the order of the lines."""
        return _Finder(self.file).find(self.tree)

    def use(self, change: Change, functions: dict[Key, list[FunctionType]]) -> bool:
        """Make a change in this process. Return False if it cannot be made."""
        change.put()
        ast.fix_missing_locations(self.tree)
        if change.function is None:
            return self._set_constants(change.mutant.inside)
        compiled = compile(self.tree, str(self.file), "exec", dont_inherit=True)
        name, line = change.function
        for code in _codes(compiled):
            if (code.co_qualname, code.co_firstlineno) == (name, line):
                return _swap(functions.get((str(self.file), name, line), []), code)
        return False

    def _set_constants(self, name: str) -> bool:
        module = next(
            (m for m in list(sys.modules.values()) if getattr(m, "__file__", "") == str(self.file)),
            None,
        )
        if module is None:
            return False
        changed: set[str] = set()
        for statement in self.tree.body:
            target, value = _constant(statement)
            if value is None or (target != name and changed.isdisjoint(_names(value))):
                continue
            expression = compile(ast.Expression(value), str(self.file), "eval")
            _rebind(module, target, eval(expression, vars(module)))  # noqa: S307 - our own source
            changed.add(target)
        return bool(changed)

    @cached_property
    def uses(self) -> dict[str, set[int]]:
        """The lines of functions that use a name, by name."""
        found = defaultdict[str, set[int]](set)
        for statement in self.tree.body:
            if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    found[node.id].add(node.lineno)
                elif isinstance(node, ast.Attribute):
                    found[node.attr].add(node.lineno)
        return found

    def dependents(self, name: str) -> set[str]:
        """Return a constant and the constants of the module that are computed from it."""
        found = {name}
        for statement in self.tree.body:
            target, value = _constant(statement)
            if value is not None and not found.isdisjoint(_names(value)):
                found.add(target)
        return found


def loaded_functions() -> dict[Key, list[FunctionType]]:
    """Return every function object of this process by its code's key."""
    found = defaultdict[Key, list[FunctionType]](list)
    gc.unfreeze()  # it does not list frozen objects
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            code = each.__code__
            found[code.co_filename, code.co_qualname, code.co_firstlineno].append(each)
    return dict(found)


def _swap(functions: list[FunctionType], code: CodeType) -> bool:
    for function in functions:
        if len(function.__code__.co_freevars) != len(code.co_freevars):
            return False
        function.__code__ = code
    return bool(functions)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _rebind(module: ModuleType, name: str, value: object) -> None:
    old = vars(module)[name]
    for each in list(sys.modules.values()):
        names = getattr(each, "__dict__", {})
        if each is module or (name in names and names[name] is old):
            names[name] = value


def _constant(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
        case _:
            return "", None


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@dataclass(slots=True)
class _Finder:
    """Walks through a module's functions and constants."""

    file: Path
    changes: list[Change] = field(default_factory=list)
    _scope: list[str] = field(default_factory=list)
    _function: tuple[str, int] | None = None
    _constant: str = ""

    def find(self, tree: ast.Module) -> list[Change]:
        for statement in tree.body:
            name, value = _constant(statement)
            if value is not None and not name.startswith("__") and name.upper() == name:
                self._constant = name
                self._walk(statement, "value", None, value)
            elif isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                self._enter(statement)
        return self.changes

    def _enter(self, node: ast.AST) -> None:
        """Visit a class, or a function that is not inside another one."""
        if isinstance(node, ast.ClassDef):
            self._scope.append(node.name)
            for each in node.body:
                self._enter(each)
            self._scope.pop()
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__repr__":
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            self._function = ".".join([*self._scope, node.name]), first
            self._body(node)
            self._function = None

    def _body(self, node: _Function) -> None:
        for index, statement in enumerate(node.body):
            self._walk(node, "body", index, statement)

    def _walk(self, parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
        if _is_left_alone(parent, name, node):
            return
        for new in _replacements(parent, name, node):
            self._add(parent, name, index, node, new)
        if isinstance(node, ast.Raise):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._body(node)
            return
        for inner, value in ast.iter_fields(node):
            several = isinstance(value, list)
            parts = cast("list[object]", value) if several else [value]
            for place, each in enumerate(parts):
                if isinstance(each, ast.AST):
                    self._walk(node, inner, place if several else None, each)

    def _add(
        self, parent: ast.AST, name: str, index: int | None, node: ast.AST, new: ast.AST
    ) -> None:
        ast.copy_location(new, node)
        line: int = getattr(node, "lineno", None) or getattr(parent, "lineno", 0)
        last: int = getattr(node, "end_lineno", None) or line
        if isinstance(node, ast.If | ast.While | ast.For | ast.With | ast.Try):
            last = line
        mutant = Mutant(
            self.file, len(self.changes), line,
            self._function[0] if self._function else self._constant,
            *_texts(node, new),
        )  # fmt: skip
        lines = frozenset(range(line, last + 1))
        self.changes.append(Change(mutant, lines, self._function, parent, name, index, new))


def _texts(old: ast.AST, new: ast.AST) -> tuple[str, str]:
    """Return what changes: of a call its keyword, otherwise the node."""
    if isinstance(old, ast.Call) and isinstance(new, ast.Call):
        gone = next(each for each in old.keywords if each not in new.keywords)
        return short(ast.unparse(gone)), "nothing"
    return _text(old), _text(new)


def _text(node: ast.AST) -> str:
    return short(ast.unparse(node)) if not isinstance(node, ast.Pass) else "nothing"


def _is_left_alone(parent: ast.AST, name: str, node: ast.AST) -> bool:
    """Whether no behaviour depends on a node, such as an annotation or a log call."""
    match node:
        case (
            ast.Expr(value=ast.Constant() | ast.Yield())
            | ast.Assert()
            | ast.Import()
            | ast.ImportFrom()
        ):
            return True
        case ast.Call(func=ast.Attribute(attr=level, value=of)) if level in _LEVELS:
            return "log" in ast.unparse(of)
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=level, value=of))) if level in _LEVELS:
            return "log" in ast.unparse(of)
        case ast.Call(func=ast.Name(id="cast" | "assert_never" | "TypeVar" | "Logger")):
            return True
        case _:
            return name in {"annotation", "returns", "decorator_list", "type_params", "cause"} or (
                isinstance(parent, ast.JoinedStr) and _is_text(node) and not _is_key(node)
            )


def _replacements(parent: ast.AST, name: str, node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node can become."""
    yield from _statements(node)
    if name in {"test", "ifs"}:
        if not isinstance(parent, ast.While):
            yield ast.Constant(value=True)
        yield ast.Constant(value=False)
        yield from _edges(node)
    else:
        yield from _expressions(node)


def _edges(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what the constants `True` and `False` do not cover already."""
    match node:
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            yield next(_expressions(node))
        case ast.BoolOp():
            yield from _expressions(node)
        case _:
            pass


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.Return(value=None) | ast.Raise() | ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Return(value=value) if not (
            isinstance(value, ast.Constant) and value.value is None
        ):
            yield ast.Return(ast.Constant(None))
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _SUMS:
            yield ast.AugAssign(target, _SUMS[type(op)](), value)
        case _:
            pass


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SUMS:
            if not any(isinstance(e, ast.JoinedStr) or _is_text(e) for e in (left, right)):
                yield ast.BinOp(left, _SUMS[type(op)](), right)
        case ast.Constant():
            yield from _constants(node)
        case ast.Call():
            yield from _without_a_keyword(node)
        case _:
            pass


def _without_a_keyword(node: ast.Call) -> Iterator[ast.AST]:
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in {None, "extra", "strict"}:
            rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield ast.Call(node.func, node.args, rest)


def _comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    """Yield each of a chain's comparisons, flipped and with its edge moved."""
    for place, op in enumerate(node.ops):
        for new in _COMPARISONS[type(op)]:
            ops = [*node.ops[:place], new(), *node.ops[place + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and value and not _PROSE.search(value):
        yield ast.Constant("")


def _is_key(node: ast.AST) -> bool:
    """Whether a part of an f-string is part of a key or of an expression, and not of a text."""
    return isinstance(node, ast.Constant) and bool(re.search(r"[#=:(]", str(node.value)))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
