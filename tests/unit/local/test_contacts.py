"""The made-up names and addresses of a roster (W3)."""

import re
from uuid import UUID, uuid4

from local.contacts import make_contacts

MENTORS = [uuid4() for _ in range(1000)]
MEMBERS = [uuid4() for _ in range(21)]


def test_everybody_has_a_contact_with_a_name() -> None:
    """In the order of the people; a name is not in the id, and has Norwegian letters."""
    mentors, members = make_contacts(1, MENTORS, MEMBERS)
    assert [contact.person_id for contact in mentors] == MENTORS
    assert [contact.person_id for contact in members] == MEMBERS
    names = " ".join(contact.display_name for contact in (*mentors, *members))
    assert all(" " in contact.display_name for contact in mentors)
    assert set("æøå") <= set(names.lower())


def test_an_address_is_unique_ascii_and_belongs_to_nobody() -> None:
    """RFC 2606 reserves example.com; a mail system accepts the rest."""
    mentors, members = make_contacts(1, MENTORS, MEMBERS)
    addresses = [c.email for c in (*mentors, *members) if c.email]
    assert len(set(addresses)) == len(addresses)
    for address in addresses:
        assert re.fullmatch(r"[a-z]+([.-][a-z]+)*\.k?[0-9]+@example\.com", address)


def test_one_mentor_in_twenty_has_no_address_and_every_member_has_one() -> None:
    """So a night has mentors whom no mail reaches (W6)."""
    mentors, members = make_contacts(1, MENTORS, MEMBERS)
    assert 30 <= sum(contact.email is None for contact in mentors) <= 70
    assert all(contact.email for contact in members)


def test_most_people_read_bokmal_and_some_english() -> None:
    """W3."""
    languages = [contact.language for contact in make_contacts(1, MENTORS, MEMBERS)[0]]
    assert set(languages) == {"nb", "en"}
    assert languages.count("nb") > 0.8 * len(languages)


def test_the_same_seed_gives_the_same_contacts() -> None:
    """Another seed gives other names."""
    assert make_contacts(1, MENTORS, MEMBERS) == make_contacts(1, MENTORS, MEMBERS)
    assert make_contacts(1, MENTORS, MEMBERS) != make_contacts(2, MENTORS, MEMBERS)


def test_a_larger_roster_keeps_the_kinds_of_names() -> None:
    """The pool of names does not depend on the number of people."""
    few, _ = make_contacts(1, [UUID(int=1)], [])
    many, _ = make_contacts(1, [UUID(int=i) for i in range(1, 100)], [])
    assert few[0] == many[0]
