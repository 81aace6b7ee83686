"""Where HLF's portal, which feeds the public website, differs (H5)."""

from console.answers import Answer
from console.pages.checks import answer_start
from console.starts import request_id, start
from console.visit import Visit


def show(visit: Visit) -> Answer:
    """Show who waits for the portal, and who differed at the last comparison."""
    found = visit.call("get_website")
    return visit.page("website.html", website=found, request_id=request_id())


def send(visit: Visit) -> Answer:
    """Mark those who differ as not sent, then start the transfer to the portal."""
    visit.call("resend_to_portal")
    return answer_start(visit, start(visit, "hlf_sync"))
