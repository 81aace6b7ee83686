"""The oracle knows nothing of the product."""

import pytest

from year.test_oracle import imports_of

ORACLE = ("oracle", "post", "world", "records")


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracle_imports_the_standard_library_and_itself(name: str) -> None:
    """A rule that both sides took from one place would be compared with itself."""
    assert imports_of(f"warnings/{name}") <= {f"year.warnings.{part}" for part in ORACLE}
