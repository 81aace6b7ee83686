"""Finds out which processors a build is for, and lets it be deployed for no others.

CloudFormation cannot see that a layer's compiled parts do not suit the parameter `Architecture`.
The functions would fail at their first import.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from local.errors import StackError

_ELF = b"\x7fELF"
_MACHINES = {62: "x86_64", 183: "arm64"}
"""The processors by the field `e_machine` in the header of a compiled file (the ELF format)."""


def built_for(build: Path) -> str:
    """Return the processors that all compiled files of a build are for, in Lambda's words.

    Raises:
        StackError: the files are for different processors, or none is compiled.
    """
    found = sorted(set(_architectures(build)))
    if len(found) != 1:
        raise StackError(
            f"the build in {build} has compiled files for {' and '.join(found) or 'no processor'};"
            " remove .aws-sam, then repeat the command"
        )
    return found[0]


def _architectures(build: Path) -> Iterator[str]:
    for file in filter(Path.is_file, build.rglob("*")):
        with file.open("rb") as content:
            header = content.read(20)
        if header.startswith(_ELF):
            machine = int.from_bytes(header[18:20], "little")
            yield _MACHINES.get(machine, f"machine {machine}")


def restrict_template(build: Path) -> None:
    """Let the built template accept only the processors that the build is for.

    Raises:
        StackError: the build has no processors in common.
    """
    file = build / "template.yaml"
    template = yaml.safe_load(file.read_text())
    architecture = built_for(build)
    template["Parameters"]["Architecture"] |= {
        "Default": architecture, "AllowedValues": [architecture],
    }  # fmt: skip
    file.write_text(yaml.safe_dump(template, sort_keys=False, width=130))
