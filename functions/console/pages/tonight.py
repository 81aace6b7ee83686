"""The start page: was last night all right, for me (C1)."""

from console.answers import Answer, NoAccess
from console.starts import request_id
from console.visit import Visit


def show(visit: Visit) -> Answer:
    """Show how the night went, and what waits for the person. A mentor gets their own page."""
    if visit.me.role is None:
        if visit.me.mentor_id is None:
            raise NoAccess("the person is neither a member nor a mentor")
        return visit.redirect("/me")
    tonight = visit.call("get_tonight")
    return visit.page("tonight.html", tonight=tonight, request_id=request_id())
