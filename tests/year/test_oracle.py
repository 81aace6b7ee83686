"""The oracle knows nothing of the product."""

import ast
import sys
from pathlib import Path

import pytest

ORACLE = ("oracle", "oracle_sync", "world", "records")


def imports_of(name: str) -> set[str]:
    """Return the modules that a module of this folder imports, without the standard library."""
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
    imported = {
        found.module or "" if isinstance(found, ast.ImportFrom) else found.names[0].name
        for found in ast.walk(tree)
        if isinstance(found, ast.Import | ast.ImportFrom)
    }
    return {m for m in imported if m.split(".")[0] not in sys.stdlib_module_names}


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracle_imports_the_standard_library_and_itself(name: str) -> None:
    """A rule that both sides took from one place would be compared with itself."""
    assert imports_of(name) <= {f"year.{part}" for part in ORACLE}
