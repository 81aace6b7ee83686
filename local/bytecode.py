"""Compiles what is packed for Lambda: there nobody can write the bytecode beside the code.

Without it each cold start compiles everything again (docs/decisions/0023).
"""

import compileall
import py_compile
from pathlib import Path

from local.errors import StackError


def compile_folder(folder: Path, inside: str) -> None:
    """Write the bytecode of a folder, which Lambda will see as `inside`, also in tracebacks.

    Raises:
        StackError: a file is not valid Python.
    """
    done = compileall.compile_dir(
        folder, quiet=1, force=True, stripdir=folder, prependdir=inside,
        # Packing changes dates: Python must not compare the bytecode with its source again.
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
    if not done:
        raise StackError(f"{folder} could not be compiled")
