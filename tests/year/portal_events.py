"""Events in HLF's portal: how each kind draws its steps."""

from datetime import date, timedelta

from year.dice import Dice, Step, Steps, put, sync


def renewed(dice: Dice) -> Steps:
    """A mentor's row gets a later day."""
    mentor = dice.mentor()
    row = mentor and dice.row_of(mentor)
    return [put(dice, row, dice.world.portal_rows[row].key, dice.later())] if row else []


def shorter(dice: Dice) -> Steps:
    """A row gets an early day."""
    row = dice.row()
    return [put(dice, row, dice.world.portal_rows[row].key, dice.later(1, 5))] if row else []


def over(dice: Dice) -> Steps:
    """A row gets a day that is over."""
    row = dice.row()
    return [put(dice, row, dice.world.portal_rows[row].key, dice.later(-40, -1))] if row else []


def ends_tonight(dice: Dice) -> Steps:
    """The night's day is the first on which an active mentor's certification counts no longer."""
    tonight = dice.world.day_of(dice.world.now + timedelta(hours=1), dice.world.zone)
    rows = dice.world.portal_rows
    active = [name for name, found in dice.world.mentors.items() if found.status == "active"]
    for mentor in dice.random.sample(active, len(active)):
        key = dice.world.mentors[mentor].key
        own = [name for name, row in rows.items() if row.key == key and row.is_active]
        by_hand = [day for whose, day in dice.world.by_hand.values() if whose == mentor]
        if own and dice.world.is_certified(mentor) and max(by_hand, default=tonight) <= tonight:
            until = tonight - timedelta(days=1)
            return [*(put(dice, row, key, until) for row in own), sync(dice, 20)]
    return []


def another_mentors(dice: Dice, *, is_over: bool = False) -> Steps:
    """A row gets another mentor's key."""
    rows, soon = dice.world.portal_rows, dice.later(2, 2)
    found = [
        name
        for name, row in rows.items()
        if row.is_active and isinstance(row.until, date) and (row.until < soon) == is_over
    ]
    row, mentor = dice.one(found), dice.mentor()
    if not row or not mentor:
        return []
    return [put(dice, row, dice.world.mentors[mentor].key, rows[row].until)]


def over_to_another(dice: Dice) -> Steps:
    """A row that is over gets another mentor's key."""
    return another_mentors(dice, is_over=True)


def nobodys(dice: Dice) -> Steps:
    """A row gets a key that no mentor has."""
    row = dice.row()
    return [put(dice, row, "LP-nobody", dice.world.portal_rows[row].until)] if row else []


def new_row(dice: Dice) -> Steps:
    """A mentor gets another row."""
    mentor = dice.mentor()
    if not mentor:
        return []
    return [put(dice, f"row-{dice.number}", dice.world.mentors[mentor].key, dice.later())]


def new_row_that_is_over(dice: Dice) -> Steps:
    """A mentor gets another row, for a day that is over."""
    mentor = dice.mentor()
    if not mentor:
        return []
    until = dice.later(-400, -2)
    return [put(dice, f"row-{dice.number}", dice.world.mentors[mentor].key, until)]


def switched(dice: Dice, *, is_active: bool) -> Steps:
    """A row is deactivated or reactivated."""
    row = dice.row(is_active=not is_active)
    found = {"row": row, "is_active": is_active, "changed_at": dice.world.now}
    return [Step(0, "switch_row", found)] if row else []


def deactivated(dice: Dice) -> Steps:
    """A row is deactivated."""
    return switched(dice, is_active=False)


def reactivated(dice: Dice) -> Steps:
    """A row is reactivated."""
    return switched(dice, is_active=True)


def born_inactive(dice: Dice) -> Steps:
    """A row is entered and deactivated before a sync has read it."""
    steps = new_row(dice)
    found = {"row": f"row-{dice.number}", "is_active": False, "changed_at": dice.world.now}
    return [*steps, Step(0, "switch_row", found)] if steps else []


def deleted(dice: Dice) -> Steps:
    """A row is deleted."""
    row = dice.row()
    return [Step(0, "delete_row", {"row": row})] if row else []


def replaced(dice: Dice) -> Steps:
    """A row is deleted, and another one for fewer days is entered."""
    row = dice.row()
    if not row:
        return []
    key = dice.world.portal_rows[row].key
    until = dice.later(1, 10)
    return [
        Step(0, "delete_row", {"row": row}),
        put(dice, f"row-{dice.number}", key, until),
    ]


def twice_in_a_second(dice: Dice) -> Steps:
    """The second change has the first one's second, and a sync has read the first."""
    row, other = dice.row(), dice.mentor()
    if not row or not other:
        return []
    found = dice.world.portal_rows[row]
    key = dice.world.mentors[other].key if dice.random.random() < 0.5 else found.key
    return [
        put(dice, row, found.key, dice.later()),
        sync(dice, 20),
        put(dice, row, key, dice.later(1), after=40, late=40),
    ]


def late(dice: Dice, seconds: int) -> Steps:
    """A row changes some time before others can see it."""
    row = dice.row()
    if not row:
        return []
    found = dice.world.portal_rows[row]
    return [put(dice, row, found.key, dice.later(), late=seconds)]


def a_little_late(dice: Dice) -> Steps:
    """A change becomes visible within ten minutes."""
    return late(dice, dice.random.randint(30, 600))


def very_late(dice: Dice) -> Steps:
    """A change becomes visible hours later."""
    return late(dice, dice.random.randint(3600, 36000))


def unreadable(dice: Dice) -> Steps:
    """A row gets a day that does not exist."""
    row = dice.row()
    return [put(dice, row, dice.world.portal_rows[row].key, "2020-02-30")] if row else []


def keys_exchanged(dice: Dice) -> Steps:
    """Two mentors have each other's key, until it is corrected."""
    names = list(dice.world.mentors)
    one, other = dice.random.sample(names, 2)
    keys = dice.world.mentors[one].key, dice.world.mentors[other].key
    new = [(one, "LP-between"), (other, keys[0]), (one, keys[1])]
    return [Step(0, "change_key", {"mentor": m, "key": key}) for m, key in new]
