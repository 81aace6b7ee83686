"""One parameter says which processors the functions run on, and the layers are built for."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.architecture import built_for
from local.packaging import LAYERS
from local.places import ROOT
from support.template import FUNCTIONS, RESOURCES, TEMPLATE, of_type

_CHOSEN = {"Ref": "Architecture"}


def test_all_functions_run_on_the_chosen_processors() -> None:
    """No function has a choice of its own."""
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == [_CHOSEN]
    assert [name for name, own in FUNCTIONS.items() if "Architectures" in own] == []


def test_all_layers_are_built_for_the_chosen_processors() -> None:
    """`sam build` reads the metadata, and Lambda the property."""
    layers = of_type("Serverless::LayerVersion")
    assert layers.keys() == LAYERS.keys()
    for name, layer in layers.items():
        assert layer["CompatibleArchitectures"] == [_CHOSEN]
        assert RESOURCES[name]["Metadata"]["BuildArchitecture"] == _CHOSEN


@pytest.mark.slow
def test_every_package_of_the_layers_exists_for_arm64_in_the_same_version(tmp_path: Path) -> None:
    """`uv` installs them as `sam build` does: compiled packages only, for Lambda's glibc 2.34."""
    for layer in LAYERS.values():
        requirements = ROOT / "layers" / layer / "requirements.txt"
        arm, here = tmp_path / "arm64" / layer, tmp_path / "x86_64" / layer
        _install(requirements, arm, "aarch64-manylinux_2_34")
        _install(requirements, here, "x86_64-manylinux_2_34")
        assert _versions(arm) == _versions(here) != set()
    assert (built_for(tmp_path / "arm64"), built_for(tmp_path / "x86_64")) == ("arm64", "x86_64")


def _install(requirements: Path, folder: Path, platform: str) -> None:
    subprocess.run(
        [Path(sys.executable).parent / "uv", "pip", "install", "-q", "--python", sys.executable,
         "--target", folder, "--python-platform", platform, "--only-binary", ":all:",
         "--no-deps", "--require-hashes", "-r", requirements],
        check=True,
    )  # fmt: skip


def _versions(folder: Path) -> set[str]:
    return {found.name for found in folder.glob("*.dist-info")}
