"""The sentences about held and unforeseen pauses, and about pauses taken back (G2 to G5)."""

import re

import pytest

from notify.render import TRANSLATIONS
from notify.sections import Section, SectionWriter
from support.digests import TODAY
from texts.catalogue import LOCALES, Catalogue

WRITERS = {name: SectionWriter(Catalogue(name, TRANSLATIONS)) for name in LOCALES}


def read(section: Section) -> list[str]:
    """Return the texts of a section in the order in which a person reads them."""
    return [*section.paragraphs, *section.items, section.ending]


def texts(written: str) -> list[str]:
    """Return the texts that empty lines separate, each as one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", written)]


HELD = {
    1: """
        1 pause er holdt igjen, så oppføringen vises fortsatt. Avgjør om pausen skal slippes
        gjennom.

        1 pause is held, so the listing is still shown. Decide whether to release the pause.""",
    2: """
        2 pauser er holdt igjen, så oppføringene vises fortsatt. Avgjør om pausene skal slippes
        gjennom.

        2 pauses are held, so the listings are still shown. Decide whether to release the
        pauses.""",
}
UNFORESEEN = {
    1: """
        1 oppføring er satt på pause uten at personen ble varslet i tide.

        1 listing was paused, and the person was not warned in time.""",
    12: """
        12 oppføringer er satt på pause uten at personene ble varslet i tide.

        12 listings were paused, and these people were not warned in time.""",
}


@pytest.mark.parametrize("count", [1, 2])
def test_an_administrator_reads_how_many_pauses_are_held(count: int) -> None:
    """G3: what a held pause means, and what to check before a decision."""
    norwegian, english = texts(HELD[count])
    assert read(WRITERS["nb"].held(count)) == [
        norwegian,
        *texts("""
        Ingen ble varslet om disse pausene i tide, så datoene kan være feil. Kontroller datoene
        først. De som har fått rettet datoen, beholder oppføringen når du slipper pausene gjennom.

        Logg inn og avgjør"""),
    ]
    assert read(WRITERS["en"].held(count)) == [
        english,
        *texts("""
        Nobody was warned of these pauses in time, so the dates may be wrong. Check the dates first.
        Whoever has a corrected date keeps the listing when you release the pauses.

        Sign in and decide"""),
    ]


@pytest.mark.parametrize("count", [1, 12])
def test_an_administrator_reads_what_to_do_about_unforeseen_pauses(count: int) -> None:
    """G2: the pauses have happened, and the withdrawal is at hand."""
    norwegian, english = texts(UNFORESEEN[count])
    assert read(WRITERS["nb"].unforeseen(count)) == [
        norwegian,
        *texts("""
        Datoene kan være feil, så kontroller dem i dag. Er de riktige, trenger du ikke å gjøre noe.
        Er de feil, må de rettes først. Deretter trekker du pausene tilbake.

        Logg inn og kontroller pausene"""),
    ]
    assert read(WRITERS["en"].unforeseen(count)) == [
        english,
        *texts("""
        The dates may be wrong, so check them today. If they are right, there is nothing to do. If
        they are wrong, correct them first. Then take the pauses back.

        Sign in and check the pauses"""),
    ]


def test_a_person_reads_that_the_pause_was_taken_back() -> None:
    """G5: and that nothing is to be done."""
    assert read(WRITERS["nb"].own_resumption(TODAY)) == texts("""
        Oppføringen din har vært aktiv igjen siden 26. november 2026, fordi pausen er trukket
        tilbake. Du trenger ikke å gjøre noe.

        Har du spørsmål, kan du spørre kontaktpersonen din.

        Logg inn og se oppføringen din""")
    assert read(WRITERS["en"].own_resumption(TODAY)) == texts("""
        Your listing has been active again since 26 November 2026, because its pause was taken back.
        You do not have to do anything.

        If you have questions, ask your contact person.

        Sign in and see your listing""")
