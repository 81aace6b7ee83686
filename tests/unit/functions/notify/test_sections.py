"""The sentences of each part of a digest, for one and for two (W5)."""

import re
from typing import Any

import pytest

from notify.render import TRANSLATIONS
from notify.sections import Section, SectionWriter
from support.digests import LATER, TODAY, digest
from texts.catalogue import LOCALES, Catalogue, Language

WRITERS = {name: SectionWriter(Catalogue(name, TRANSLATIONS)) for name in LOCALES}


def read(section: Section) -> list[str]:
    """Return the texts of a section in the order in which a person reads them."""
    return [*section.paragraphs, *section.items, section.ending]


def texts(written: str) -> list[str]:
    """Return the texts that empty lines separate, each as one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", written)]


def test_a_paused_person_reads_the_day_and_how_to_come_back() -> None:
    """And whom to ask."""
    assert read(WRITERS["nb"].own_pause(TODAY)) == texts("""
        Oppføringen din ble satt på pause 26. november 2026 fordi den ikke er fornyet. Den vises
        ikke så lenge den er på pause.

        Vil du komme tilbake, må du fornye oppføringen. Deretter logger du inn via lenken nedenfor
        og aktiverer oppføringen igjen, eller du ber kontaktpersonen din om å gjøre det.

        Kontaktpersonen din kan fortelle deg hvordan du fornyer.

        Logg inn og se oppføringen din""")
    assert read(WRITERS["en"].own_pause(TODAY)) == texts("""
        Your listing was paused on 26 November 2026, because it has not been renewed. It is not
        shown while it is paused.

        To come back, renew your listing. Then sign in through the link below and set your listing
        active again, or ask your contact person to do it.

        Your contact person can tell you how to renew.

        Sign in and see your listing""")


def test_a_warned_person_reads_the_day_and_how_to_keep_the_listing() -> None:
    """And what to do after a renewal that is not registered yet."""
    assert read(WRITERS["nb"].own_warning(LATER)) == texts("""
        Oppføringen din blir satt på pause 26. desember 2026 hvis den ikke blir fornyet før den
        dagen.

        Vil du beholde den, bør du snakke med kontaktpersonen din så snart du kan. Via lenken
        nedenfor ser du også hvordan den fornyes.

        Har du nettopp fornyet, kan du spørre kontaktpersonen din om fornyelsen er registrert.

        Logg inn og se oppføringen din""")
    assert read(WRITERS["en"].own_warning(LATER)) == texts("""
        Your listing will be paused on 26 December 2026 unless it is renewed before that day.

        To keep it, talk with your contact person as soon as you can. The link below also shows how
        it is renewed.

        If you have just renewed it, ask your contact person whether the renewal is registered.

        Sign in and see your listing""")


PAUSED = {
    1: """
        1 oppføring er satt på pause. Hjelp personen med å fornye den.

        1 listing was paused. Help the person to renew it.""",
    2: """
        2 oppføringer er satt på pause. Hjelp dem med å fornye.

        2 listings were paused. Help these people to renew them.""",
}
EXPIRING = {
    1: """
        1 oppføring blir satt på pause 26. desember 2026 hvis den ikke blir fornyet før den dagen.
        Minn personen på det.

        1 listing will be paused on 26 December 2026 unless it is renewed before that day. Remind
        the person.""",
    2: """
        2 oppføringer blir satt på pause hvis de ikke blir fornyet i tide, den første
        26. desember 2026. Minn personene på det.

        2 listings will be paused unless they are renewed in time, the first on 26 December 2026.
        Remind these people.""",
}
RENEWED = {
    1: """
        1 oppføring er fornyet. Er den på pause, kan den aktiveres igjen.

        1 listing was renewed. If it is paused, it can be set active again.""",
    2: """
        2 oppføringer er fornyet. De som er på pause, kan aktiveres igjen.

        2 listings were renewed. Those that are paused can be set active again.""",
}
RESUMED = {
    1: """
        1 oppføring er aktiv igjen, fordi pausen er trukket tilbake.

        1 listing is active again, because its pause was taken back.""",
    2: """
        2 oppføringer er aktive igjen, fordi pausene er trukket tilbake.

        2 listings are active again, because their pauses were taken back.""",
}
UNREACHABLE = {
    1: """
        Av disse kan 1 person ikke nås på e-post. Ring personen.

        1 of these people cannot be reached by e-mail. Call this person.""",
    2: """
        Av disse kan 2 personer ikke nås på e-post. Ring dem.

        2 of these people cannot be reached by e-mail. Call them.""",
}


def items(language: Language, **values: Any) -> list[str]:
    """Return the list of the part about the people whom the recipient follows up."""
    return list(WRITERS[language].others(digest(**values)).items)


@pytest.mark.parametrize("count", [1, 2])
def test_a_coordinator_reads_how_many_and_what_to_do(count: int) -> None:
    """A renewal does not end a pause, so somebody has to do it."""
    said = {
        "paused_count": count,
        "expiring_count": count,
        "first_expires_on": LATER,
        "resumed_count": count,
        "renewed_count": count,
        "unreachable_count": count,
    }
    expected = [texts(form[count]) for form in (PAUSED, EXPIRING, RESUMED, RENEWED, UNREACHABLE)]
    assert items("nb", **said) == [norwegian for norwegian, _ in expected]
    assert items("en", **said) == [english for _, english in expected]


def test_a_list_says_only_what_has_happened() -> None:
    """No line has a count of zero."""
    assert items("nb", renewed_count=2) == texts(RENEWED[2])[:1]
    assert items("en", expiring_count=1, first_expires_on=LATER) == texts(EXPIRING[1])[1:]
    assert items("en", paused_count=1, first_expires_on=LATER) == texts(PAUSED[1])[1:]


def test_the_part_of_a_coordinator_has_the_day_and_a_link() -> None:
    """W5: behind the link are the names, for people who may see them."""
    norwegian = WRITERS["nb"].others(digest(paused_count=1))
    assert norwegian.paragraphs == ("Status per 26. november 2026 for personer du følger opp:",)
    assert norwegian.ending == "Logg inn og se hvem det gjelder"
    english = WRITERS["en"].others(digest(paused_count=1))
    assert english.paragraphs == ("Status on 26 November 2026 for people you follow up:",)
    assert english.ending == "Sign in and see who it is about"
