"""docs/architecture.md shows the jobs, the rooms and the rights that there are."""

import re
from collections import defaultdict

from local.places import ROOT
from mentor_pause.domain.jobs import JOBS

PAGE = (ROOT / "docs/architecture.md").read_text()
(PICTURE,) = re.findall(r"```mermaid\nflowchart LR\n(.*?)```", PAGE, re.DOTALL)
SCHEMAS = ROOT / "supabase/schemas"
ROLES = (
    "mentor_pause_job", "portal_sync", "mentor_pause_api", "mentor_pause_notifier", "authenticated",
)  # fmt: skip
_GRANT = re.compile(r"^grant execute on function public\.(\w+)[^;]*? to ([\w, ]+);", re.MULTILINE)


def read_grants() -> dict[str, set[str]]:
    """Return the roles that may execute each function of the schema `public`."""
    grants: dict[str, set[str]] = {}
    for file in SCHEMAS.rglob("*.sql"):
        for function, roles in _GRANT.findall(file.read_text()):
            grants.setdefault(function, set()).update(roles.split(", "))
    return grants


def read_labels() -> dict[str, str]:
    """Return the text in each box of the picture."""
    return dict(re.findall(r"(\w+)\[([\w<>]+)\]", PICTURE))


def read_picture() -> dict[str, set[str]]:
    """Return the functions that each role may execute by the picture on the page."""
    labels = read_labels()
    functions: dict[str, set[str]] = defaultdict(set)
    for role, node in re.findall(r"(\w+) --> (\w+)", PICTURE):
        if role in ROLES and node in labels:
            functions[role].update(labels[node].split("<br>"))
    return functions


def test_the_picture_shows_what_each_role_may_execute() -> None:
    """S4, D9: the picture shows every right, and only rights that exist."""
    granted = {
        role: {function for function, roles in read_grants().items() if role in roles}
        for role in ROLES
    }
    assert read_picture() == granted


def test_the_service_role_may_execute_every_function_but_those_about_the_caller() -> None:
    """As the page says: a service has no messages, no mentors and no pages of its own."""
    grants = read_grants()
    assert len(grants) > 30
    without = {name for name, roles in grants.items() if "service_role" not in roles}
    labels = read_labels()
    assert without == {*labels["mine"].split("<br>"), *labels["pages"].split("<br>")}


def test_the_table_of_jobs_is_the_registry() -> None:
    """D2."""
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| .* \| `(\w+)` \| `\w+` \|$", PAGE, re.MULTILINE)
    assert rows == [(job.name, job.listing, job.effect) for job in JOBS.values()]


def test_the_table_of_rooms_names_each_room_of_the_layer() -> None:
    """A new room is not overlooked."""
    rooms = {
        path.stem
        for path in (ROOT / "layers/shared/mentor_pause").iterdir()
        if not path.name.startswith("__") and (path.is_file() or any(path.glob("*.py")))
    }
    table = PAGE.partition("| room |")[2].partition("\n\n")[0]
    assert set(re.findall(r"\[(\w+)\]", table)) == rooms


def test_each_question_names_a_test_that_exists() -> None:
    """A reader finds the proof beside the place."""
    _, _, table = PAGE.partition("| question | place | test |\n| --- | --- | --- |\n")
    for row in table.strip().splitlines():
        named = re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\): `(test_\w+)`", row)
        assert named, row
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(), name
