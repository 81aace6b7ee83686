"""Events here: mentors, coordinators, services, runs by hand; how each kind draws its steps."""

from datetime import timedelta

from year.dice import Dice, Step, Steps, put, sync

ZONES = (
    "Europe/Oslo", "America/Adak", "Pacific/Kiritimati", "America/Noronha", "Asia/Kathmandu",
)  # fmt: skip
"""From ten hours behind UTC to fourteen ahead; in Noronha the nightly run starts at midnight."""

MOST_MENTORS = 20


def joins(dice: Dice, *, certified: bool = True, is_there: bool = True) -> Steps:
    """A mentor joins, and their row comes before they are entered here, or after."""
    if len(dice.world.mentors) >= MOST_MENTORS:
        return []
    mentor, key = f"m{dice.number}", f"LP-{dice.number}"
    chapter = dice.random.choice(["north", "south"])
    steps = [Step(20, "join", {"mentor": mentor, "key": key, "chapter": chapter})]
    if is_there:
        steps.append(Step(0, "enter_in_portal", {"key": key}))
    if certified:  # before the mentor is entered here, or after
        steps.append(
            put(dice, f"row-{dice.number}", key, dice.later(), dice.random.choice([0, 40]))
        )
    return sorted(steps, key=lambda step: step.after)


def joins_uncertified(dice: Dice) -> Steps:
    """A mentor joins without a certification."""
    return joins(dice, certified=False)


def joins_unknown_there(dice: Dice) -> Steps:
    """A mentor joins whom the portal does not have."""
    return joins(dice, is_there=False)


def entered_at_last(dice: Dice) -> Steps:
    """HLF enters a mentor whom the portal lacked."""
    world = dice.world
    missing = [m.key for m in world.mentors.values() if m.key not in world.portal_mentors]
    key = dice.one(missing)
    return [Step(0, "enter_in_portal", {"key": key})] if key else []


def changed_there(dice: Dice) -> Steps:
    """Somebody changes a mentor's status in the portal."""
    key = dice.one(list(dice.world.portal_mentors))
    status = dice.random.choice(["active", "paused", "inactive"])
    return [Step(0, "set_in_portal", {"key": key, "status": status})] if key else []


def certified_here(dice: Dice) -> Steps:
    """A certification is entered here, by hand."""
    mentor = dice.mentor()
    if not mentor:
        return []
    found = {"certification": f"c{dice.number}", "mentor": mentor, "expires_on": dice.later(1, 30)}
    return [Step(0, "certify", found)]


def set_status(dice: Dice, mentor: str | None, status: str, reason: str) -> Steps:
    """A person changes a status: the mentor or their coordinator."""
    actor = dice.random.choice(["mentor", "coordinator"])
    found = {"mentor": mentor, "actor": actor, "status": status, "reason": reason}
    return [Step(0, "set_status", found)] if mentor else []


def pauses(dice: Dice) -> Steps:
    """A person pauses an active mentor."""
    return set_status(
        dice, dice.mentor("active"), "paused", dice.random.choice(["on_leave", "moved"])
    )


def resumes(dice: Dice) -> Steps:
    """A person tries to resume a paused mentor."""
    return set_status(dice, dice.mentor("paused"), "active", "resumed")


def resumes_if_certified(dice: Dice) -> Steps:
    """A person tries to resume a paused mentor who has a certification, expired or not."""
    mentor = dice.mentor("paused")
    has_one = mentor is not None and dice.world.expiry(mentor) is not None
    return set_status(dice, mentor, "active", "resumed") if has_one else []


def changes_whatever(dice: Dice) -> Steps:
    """Mostly what may not be: a second pause, a resumption of somebody who is inactive."""
    return set_status(dice, dice.mentor("paused", "inactive"), "paused", "on_leave")


def by_a_service(dice: Dice) -> Steps:
    """A service makes a mentor inactive, paused, or active again."""
    mentor = dice.mentor()
    if not mentor:
        return []
    is_in = dice.world.mentors[mentor].status == "inactive"
    if is_in and dice.world.expiry(mentor) is None:
        return []
    status = "active" if is_in else dice.random.choice(["inactive", "paused"])
    found = {"mentor": mentor, "actor": "service", "status": status, "reason": "left_or_back"}
    return [Step(0, "set_status", found)]


def run(dice: Dice, days: int | None = None, *, dry_run: bool = False) -> Steps:
    """Somebody starts the expiry job by hand, perhaps about another day."""
    name = f"manual-{dice.number}"
    as_of = None if days is None else dice.world.today() + timedelta(days=days)
    found = {"run": name, "trigger": "manual", "as_of": as_of, "dry_run": dry_run}
    return [Step(0, "begin", found), Step(20, "work", {"run": name})]


def run_back_dated(dice: Dice) -> Steps:
    """Somebody starts the expiry job about an earlier day."""
    return run(dice, -dice.random.randint(1, 9))


def dry_run(dice: Dice) -> Steps:
    """Somebody starts a dry run, perhaps about another day."""
    return run(dice, dice.random.choice([None, 0, -3, 14]), dry_run=True)


def run_ahead(dice: Dice) -> Steps:
    """Somebody asks for a run about a day to come, which is refused."""
    return run(dice, dice.random.randint(1, 9))


def sync_by_hand(dice: Dice) -> Steps:
    """Somebody starts a sync."""
    return [sync(dice)]


def look(dice: Dice) -> Steps:
    """The monitor looks at another time than half past two."""
    return [Step(0, "look", {})]


def moves(dice: Dice) -> Steps:
    """The organisation's time zone changes; mostly it goes home again."""
    zone = "Europe/Oslo" if dice.random.random() < 0.4 else dice.random.choice(ZONES)
    return [Step(0, "move", {"zone": zone})] if zone != dice.world.zone else []


def nothing(_dice: Dice) -> Steps:
    """Nothing happens."""
    return []
