"""Messages that did not arrive, and people whom no e-mail reaches (W4, W6)."""

from console.answers import Answer
from console.visit import Visit


def show(visit: Visit) -> Answer:
    """Show both lists."""
    return visit.page("undelivered.html", found=visit.call("list_undelivered"))
