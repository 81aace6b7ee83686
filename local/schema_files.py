"""The schema files in `supabase/schemas`, in the order that `supabase/config.toml` gives them."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from local.errors import StackError
from local.places import ROOT

SUPABASE = ROOT / "supabase"
_CHECKED = "reset check_function_bodies;\n"


def schema_files(supabase: Path = SUPABASE) -> list[Path]:
    """Return the schema files in the order in which they build a database.

    Raises:
        StackError: a pattern in `config.toml` matches no file.
    """
    settings = tomllib.loads((supabase / "config.toml").read_text())
    patterns: list[str] = settings["db"]["migrations"]["schema_paths"]
    return list(dict.fromkeys(file for p in patterns for file in _matching(supabase, p)))


def _matching(supabase: Path, pattern: str) -> list[Path]:
    if found := sorted(supabase.glob(pattern.removeprefix("./"))):
        return found
    raise StackError(f"schema_paths in {supabase / 'config.toml'}: {pattern} matches no file")


def join(files: Sequence[Path]) -> str:
    """Return the files as one script, in which functions may come before their tables.

    `private/schema.sql` turns the check of their bodies off; the end of the script turns it on.
    """
    return "\n".join([*(file.read_text() for file in files), _CHECKED])
