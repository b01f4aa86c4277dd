"""A name that does not exist is told with the nearest one, and with those that there are."""

from importlib import import_module
from typing import Any

import pytest

import sagakit
from sagakit.contract.suggest import suggest


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("Shop", [], "there are none"),
        ("Shp", ["Shop"], "did you mean Shop?"),
        ("Shp", ["Shop", "Mail"], "did you mean Shop? use one of Mail, Shop"),
        ("Xyz", ["Shop", "Mail"], "use one of Mail, Shop"),
        ("SHOP", ["Shop", "Mail"], "did you mean Shop? use one of Mail, Shop"),
        (5, ["Shop", "Mail"], "use one of Mail, Shop"),
    ],
)
def test_a_hint_names_the_nearest_and_what_there_is(name: Any, known: list[str], hint: str) -> None:
    assert suggest(name, known) == hint


@pytest.mark.parametrize(
    ("module", "typed", "name"),
    [
        ("sagakit", "exlore", "explore"),
        ("sagakit.scenarios", "hapy_path", "happy_path"),
        ("sagakit.zoo", "flw", "flaw"),
        ("sagakit.laws", "verdcts", "verdicts"),
        ("sagakit.sweeps", "swep", "sweep"),
        ("sagakit.lab", "contrl", "control"),
        ("exercises", "comparee", "compare"),
    ],
)
def test_a_typo_in_a_name_of_a_package_is_told_the_right_one(
    module: str, typed: str, name: str
) -> None:
    told = rf"{module} has no '{typed}': did you mean {name}\?"
    with pytest.raises(AttributeError, match=told):
        getattr(import_module(module), typed)
    with pytest.raises(ImportError, match=told):
        exec(f"from {module} import {typed}")


def test_what_python_asks_a_module_for_is_no_typo() -> None:
    assert not hasattr(sagakit.scenarios, "__wrapped__")
    with pytest.raises(ModuleNotFoundError):
        import_module("sagakit.nothing")
    exec("from sagakit.zoo import no_inbox, matrix")
