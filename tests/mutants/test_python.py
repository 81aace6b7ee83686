"""The changes of Python code, and how they reach functions that exist already."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from local.places import ROOT
from mutants.python import Source, loaded_functions

CODE = '''\
"""A module."""
LIMIT = 3
TWICE = LIMIT * 2
log = None

class Gate:
    """A gate."""

    def passes(self, number: int, logger=None) -> bool:
        """Whether a number passes."""
        if number < LIMIT:
            logger.info("too low", extra={"number": number + 1})
            raise ValueError(f"{number} is too low")
        return number == TWICE and not self.is_closed(number)

    def is_closed(self, number: int) -> bool:
        """Whether the gate is closed."""
        return number in {"closed": 1}
'''


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    """The module of CODE, imported."""
    file = tmp_path / "gate.py"
    file.write_text(CODE)
    spec = importlib.util.spec_from_file_location("gate_under_test", file)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["gate_under_test"] = found
    spec.loader.exec_module(found)
    yield found
    del sys.modules["gate_under_test"]


def made(module: ModuleType) -> tuple[Source, list[str]]:
    """Return the module's source and its changes as texts."""
    assert module.__file__ is not None
    source = Source.read(Path(module.__file__))
    return source, [f"{c.mutant.before} -> {c.mutant.after}" for c in source.changes]


def use(module: ModuleType, change: str) -> None:
    """Make a change, which the module must allow."""
    source, texts = made(module)
    assert source.use(source.changes[texts.index(change)], loaded_functions())


def test_conditions_numbers_keys_and_statements_change(module: ModuleType) -> None:
    """Each part that decides something has a change of its own."""
    _, texts = made(module)
    assert "number < LIMIT -> True" in texts
    assert "number < LIMIT -> False" in texts
    assert "number < LIMIT -> number <= LIMIT" in texts
    assert "not self.is_closed(number) -> self.is_closed(number)" in texts
    assert "raise ValueError(f'{number} is too low') -> nothing" in texts
    assert "'closed' -> ''" in texts
    assert "3 -> 4" in texts


def test_texts_for_people_do_not_change(module: ModuleType) -> None:
    """Docstrings, annotations, log calls and texts of errors decide nothing."""
    _, texts = made(module)
    assert not [text for text in texts if "too low" in text and not text.startswith("raise")]
    assert not [text for text in texts if "A gate" in text or "number + 1" in text]


def test_a_bound_method_gets_the_changed_code(module: ModuleType) -> None:
    """An object that exists already behaves as the changed code says."""
    passes = module.Gate().passes
    assert passes(6) is True
    use(module, "number == TWICE -> number != TWICE")
    assert passes(6) is False


def test_a_changed_constant_reaches_what_is_computed_from_it(module: ModuleType) -> None:
    """TWICE is computed from LIMIT, so it changes with LIMIT."""
    use(module, "3 -> 4")
    assert (module.LIMIT, module.TWICE) == (4, 8)


def test_a_changed_constant_reaches_modules_that_imported_it(module: ModuleType) -> None:
    """A name that another module imported gets the new value."""
    other = ModuleType("other_under_test")
    vars(other)["TWICE"] = module.TWICE
    sys.modules["other_under_test"] = other
    try:
        use(module, "LIMIT * 2 -> LIMIT / 2")
        assert vars(other)["TWICE"] == pytest.approx(1.5)
    finally:
        del sys.modules["other_under_test"]


def test_every_change_of_the_ledger_compiles() -> None:
    """A change that Python refuses would be a mistake of the program."""
    file = ROOT / "layers/shared/mentor_pause/ledger/runs.py"
    source = Source.read(file)
    for number in range(len(source.changes)):
        changed = Source.read(file)
        changed.changes[number].put()
        compile(source.tree, str(file), "exec")
