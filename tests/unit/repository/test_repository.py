"""The repository's own files: what `make help` lists, what CI runs, what the hooks call."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from local.errors import StackError
from local.invoke import main as invoke
from local.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
INTERNAL = re.compile(r"help|compile|deployment-tools|(check|quick)-.*")
"""Targets that another target runs, or that are parts of one."""


def load(file: str) -> Any:
    """Return a YAML file of the repository."""
    return yaml.safe_load((ROOT / file).read_text())


def test_make_alone_lists_every_target_with_one_line() -> None:
    """The list is made of the comments above the targets."""
    listed = subprocess.run(
        ["make", "-s"],  # noqa: S607 - the one on the path
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    helped = re.findall(r"^  ([a-z-]+) +\S", listed, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    targets = {name for name in phony.replace("\\\n", " ").split() if not INTERNAL.fullmatch(name)}
    assert set(helped) == targets
    assert len(helped) == len(targets)


def test_every_target_that_is_no_file_is_phony() -> None:
    """Otherwise a file of that name would stop the target."""
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))
    assert targets == set(phony.replace("\\\n", " ").split())


def test_ci_runs_the_file_that_a_person_can_run_and_may_only_read() -> None:
    """Actions are pinned to a commit; the version is in a comment that Dependabot changes too."""
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    workflow = load(".github/workflows/ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    assert job["steps"][-1] == {"run": ".ci/run"}
    for action in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_hooks_are_local_and_run_programs_of_make_setup() -> None:
    """No hook downloads anything."""
    (repository,) = load(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].split()[0] in {"make", ".venv/bin/ruff"}


def test_dependabot_looks_where_pinned_files_are() -> None:
    """A new folder with pinned files has to be added."""
    updates = load(".github/dependabot.yml")["updates"]
    looked = {d for u in updates for d in u.get("directories", [u.get("directory")])}
    pinned = [*ROOT.glob("layers/*/requirements.txt"), *ROOT.glob("requirements/*/package.json")]
    folders = {f"/{file.parent.relative_to(ROOT)}" for file in pinned}
    assert looked == {"/", "/requirements", *folders}


def test_invoke_says_how_it_is_used() -> None:
    """It takes a function and an event."""
    with pytest.raises(StackError, match=r"usage: python -m local.invoke"):
        invoke(["Monitor"])
