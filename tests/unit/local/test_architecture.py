"""A build for one kind of processors can be deployed for no other kind."""

from pathlib import Path

import pytest
import yaml

from local.architecture import built_for, restrict_template
from local.errors import StackError

_HEADER = b"\x7fELF\x02\x01\x01".ljust(18, b"\0")
_X86, _ARM, _RISC = ((number).to_bytes(2, "little") for number in (62, 183, 243))


def _compiled(build: Path, machine: bytes, name: str = "part.so") -> Path:
    file = build / "SharedLayer/python" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_HEADER + machine + b"code")
    return build


@pytest.mark.parametrize(("machine", "name"), [(_X86, "x86_64"), (_ARM, "arm64")])
def test_compiled_files_tell_which_processors_a_build_is_for(
    tmp_path: Path, machine: bytes, name: str
) -> None:
    """Files in Python, and short files, say nothing about processors."""
    (_compiled(tmp_path, machine) / "text.py").write_text("x = 1\n")
    (tmp_path / "empty").touch()
    assert built_for(tmp_path) == name


@pytest.mark.parametrize(
    ("machines", "words"),
    [([_X86, _ARM], "arm64 and x86_64"), ([_RISC, _ARM], "arm64 and machine 243")],
)
def test_a_build_for_two_kinds_of_processors_is_refused(
    tmp_path: Path, machines: list[bytes], words: str
) -> None:
    """A layer with a part for other processors fails at the function's first import."""
    for number, machine in enumerate(machines):
        _compiled(tmp_path, machine, f"{number}.so")
    with pytest.raises(StackError, match=f"compiled files for {words};"):
        built_for(tmp_path)


def test_a_build_without_compiled_files_is_refused(tmp_path: Path) -> None:
    """The layers always have some: pydantic and the PostgreSQL client are compiled."""
    with pytest.raises(StackError, match="for no processor;"):
        built_for(tmp_path)


def test_the_built_template_accepts_only_its_own_processors(tmp_path: Path) -> None:
    """CloudFormation refuses a value that is not among the allowed ones."""
    file = tmp_path / "template.yaml"
    parameter = {"Type": "String", "Default": "x86_64", "AllowedValues": ["x86_64", "arm64"]}
    other = {"Stage": {"Type": "String"}}
    file.write_text(yaml.safe_dump({"Parameters": {"Architecture": parameter} | other}))

    restrict_template(_compiled(tmp_path, _ARM))

    only = {"Type": "String", "Default": "arm64", "AllowedValues": ["arm64"]}
    assert yaml.safe_load(file.read_text()) == {"Parameters": {"Architecture": only} | other}
