"""Every person x every route: nobody sees, or changes, what is not theirs (C1, C2, C5)."""

import pytest

from console.routes import ROUTES
from console_access.matrix import Cell, cells_of, leaks, table_of
from local.places import ROOT
from support.cluster import Cluster
from support.console_world import GROUPS, PERSONAS, SEES, World, open_world
from support.roster import Roster

FORMS_OF_MEMBERS = {"/console/checks/start"}
FORMS_OF_ADMINISTRATORS = {
    "/console/checks/(run)/redrive", "/console/checks/(run)/withdraw",
    "/console/held/(run)/approve", "/console/website/send",
}  # fmt: skip
FORMS_OF_PEOPLE = {"/console/messages/read"}
MEMBERS = {"administrator", *(name for name in PERSONAS if name.startswith("coordinator"))}
READERS = MEMBERS | {"mentor"}


@pytest.fixture(scope="module")
def asked(cluster: Cluster) -> list[tuple[World, list[Cell]]]:
    """What each person got, each in a world of their own."""
    found: list[tuple[World, list[Cell]]] = []
    for persona in PERSONAS:
        with (
            cluster.database(with_organisation=True) as db,
            open_world(cluster, Roster(db)) as world,
        ):
            found.append((world, cells_of(world, persona)))
    return found


@pytest.fixture(scope="module")
def cells(asked: list[tuple[World, list[Cell]]]) -> list[Cell]:
    """All answers."""
    return [cell for _, several in asked for cell in several]


def test_nobody_sees_a_mentor_who_is_not_theirs(asked: list[tuple[World, list[Cell]]]) -> None:
    """S4: by name or by number, in the body, the headers and the cookies."""
    found = [(c.label, c.persona) for world, several in asked for c in several if leaks(world, c)]
    assert found == []


def test_everybody_sees_the_mentors_who_are_theirs(asked: list[tuple[World, list[Cell]]]) -> None:
    """C1: else the test above could pass by showing nothing."""
    for world, several in asked:
        named = {mentor for cell in several for mentor in cell.named}
        assert named == world.of(SEES.get(several[0].persona, ()))


def test_forms_act_for_those_with_the_right_alone(cells: list[Cell]) -> None:
    """C1, G4: and for each of them."""
    acting = {(cell.label, cell.persona) for cell in cells if cell.acts}
    expected = {(form, name) for form in FORMS_OF_MEMBERS for name in MEMBERS}
    expected |= {(form, "administrator") for form in FORMS_OF_ADMINISTRATORS}
    expected |= {(form, name) for form in FORMS_OF_PEOPLE for name in READERS}
    expected |= {
        (f"/console/mentors/({group})/{form}", name)
        for name, groups in SEES.items()
        if name != "administrator"
        for group in groups
        for form in ("pause", "resume")
    }
    assert acting == expected


def test_no_page_changes_anything(cells: list[Cell]) -> None:
    """A browser may load a page before it is asked to."""
    assert [cell for cell in cells if cell.method == "GET" and cell.acts] == []


def test_a_wrong_token_is_as_none(cells: list[Cell]) -> None:
    """C3: expired and forged ones lead to sign-in, as no token does."""
    texts = {name: [c.text for c in cells if c.persona == name] for name in PERSONAS}
    assert texts["expired token"] == texts["forged token"] == texts["nobody"]


def test_every_answer_was_meant(cells: list[Cell]) -> None:
    """No person meets an error of ours on any route."""
    assert {cell.page.status for cell in cells} <= {200, 303, 403, 404, 422}
    assert len(cells) == len(PERSONAS) * (len(ROUTES) + 2 + 3 * (len(GROUPS) - 1))


def test_the_page_of_the_documentation_has_these_answers(cells: list[Cell]) -> None:
    """If they were meant to change: `make console-access`."""
    assert (ROOT / "docs/console-access.md").read_text(encoding="utf-8") == table_of(cells)
