"""Measures each function and layer of the build, zipped and unpacked."""

import io
import zipfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local import sam

_LIMIT = 250 * 1024 * 1024
"""Lambda's quota for a function together with its layers, unpacked."""


def main(console: Console) -> None:
    """Build, measure, and print the table."""
    build = sam.build()
    table = Table("", "files", "unpacked, KiB", "zipped, KiB", "of Lambda's limit")
    for folder in sorted(filter(Path.is_dir, build.iterdir()), key=lambda f: (_is_layer(f), f)):
        files = [file for file in folder.rglob("*") if file.is_file()]
        unpacked = sum(file.stat().st_size for file in files)
        table.add_row(
            folder.name, str(len(files)), f"{unpacked / 1024:,.0f}",
            f"{_zipped(folder, files) / 1024:,.0f}", f"{unpacked / _LIMIT:.1%}",
        )  # fmt: skip
    console.print(table)


def _is_layer(folder: Path) -> bool:
    return folder.name.endswith("Layer")


def _zipped(folder: Path, files: list[Path]) -> int:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    return len(packed.getvalue())
