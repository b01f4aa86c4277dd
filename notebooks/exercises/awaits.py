"""The `await` that is forgotten: a commit that nobody awaits is none, and nothing says so."""

import ast
from inspect import getsource, isfunction
from textwrap import dedent

from .feedback import Feedback

EFFECTS = {"commit", "publish"}


def forgotten(answer: type) -> Feedback | None:
    """The first call in a class that commits or publishes, and throws away what it asks for."""
    for name, method in vars(answer).items():
        if not isfunction(method):
            continue
        try:
            tree = ast.parse(dedent(getsource(method)))
        except (OSError, SyntaxError):  # it was not written in a cell or a file
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and (effect := _effect(node.value)):
                line = method.__code__.co_firstlineno + node.lineno - 1
                says = f"In line {line}, `{name}` does not await its `{effect}`: nothing happens."
                return Feedback(False, says, "Write `await` before it.")
    return None


def _effect(node: ast.expr) -> str:
    """For `self.wallets.commit(...)`: "commit"."""
    called = node.func if isinstance(node, ast.Call) else None
    if not isinstance(called, ast.Attribute) or called.attr not in EFFECTS:
        return ""
    port = called.value
    of_self = isinstance(port, ast.Attribute) and isinstance(port.value, ast.Name)
    return called.attr if of_self else ""
