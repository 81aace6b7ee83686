"""Made-up contacts of a roster: names that look Norwegian, and addresses that belong to nobody.

`example.com` is reserved (RFC 2606), so a mail to such an address reaches no person.
"""

import random
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

_NAMES = 2000
"""How many names are made up; a large roster has namesakes, as a large organisation does."""
_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "å": "a"})
_ENGLISH = 1 / 10
_WITHOUT_ADDRESS = 1 / 20


class Contact(NamedTuple):
    """A row of `mentor_contacts`; with the organisation, of `member_contacts`."""

    person_id: UUID
    display_name: str
    email: str | None
    language: str


def make_contacts(
    seed: int, mentors: Iterable[UUID], members: Iterable[UUID]
) -> tuple[tuple[Contact, ...], tuple[Contact, ...]]:
    """Return the contacts of mentors and those of members; the same seed gives the same ones.

    About one mentor in twenty has no address. Every member has one. No address occurs twice.
    """
    dice = random.Random(seed)  # noqa: S311 - made-up people
    names = _names(seed)

    def contact(person_id: UUID, number: str, without_address: float) -> Contact:
        name, local_part = dice.choice(names)
        has_address = dice.random() >= without_address
        address = f"{local_part}.{number}@example.com" if has_address else None
        return Contact(person_id, name, address, "en" if dice.random() < _ENGLISH else "nb")

    return (
        tuple(contact(m, str(i), _WITHOUT_ADDRESS) for i, m in enumerate(mentors, 1)),
        tuple(contact(m, f"k{i}", 0) for i, m in enumerate(members, 1)),
    )


def _names(seed: int) -> list[tuple[str, str]]:
    """Return names, each with the local part of an address."""
    from faker import Faker  # noqa: PLC0415 - takes 0.2 s, and only a new roster needs it

    fake = Faker("no_NO")
    fake.seed_instance(seed)
    return [(name, _local_part(name)) for name in (fake.name() for _ in range(_NAMES))]


def _local_part(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return re.sub(r"[^a-z-]+", ".", plain).strip(".")
