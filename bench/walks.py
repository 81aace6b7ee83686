"""Prints which source files a reader passes: `python bench/walks.py CHECKOUT`.

It runs one night inside this process and notes the file of every function of the checkout that is
called: for the dispatcher until the first pages are on the queue, for a page until the first mentor
has a history row. `bench.code` starts it, with the checkout's own modules first on the path.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType


def files_passed(root: Path, step: Callable[[], object], until: str) -> set[str]:
    """Return the source files of `root` whose functions `step` calls until `until` returns."""
    passed: set[str] = set()
    folders = (f"{root}/functions/", f"{root}/layers/")
    ended = False

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal ended
        name = frame.f_code.co_filename
        ended = ended or (event == "return" and frame.f_code.co_name == until)
        is_function = frame.f_code.co_name not in ("<module>", "<lambda>")
        if event == "call" and not ended and is_function and name.startswith(folders):
            passed.add(name.removeprefix(f"{root}/"))

    sys.setprofile(note)
    try:
        step()
    finally:
        sys.setprofile(None)
    return passed


def main() -> None:
    """Print the files of both walks, and on the last line their numbers."""
    from support.aws import open_clients  # noqa: PLC0415
    from support.cluster import open_cluster  # noqa: PLC0415 - the checkout's own
    from support.night import open_night  # noqa: PLC0415
    from support.roster import Roster  # noqa: PLC0415

    root = Path(sys.argv[1]).resolve()
    with (
        TemporaryDirectory() as folder,
        open_cluster(Path(folder)) as cluster,
        open_clients() as clients,
        cluster.database() as db,
        open_night(clients, roster := Roster(db), cluster) as night,
    ):
        roster.add_mentors(2)
        dispatching = files_passed(root, night.fire, until="_send_once")
        page = files_passed(root, night.work_off, until="pause_expired")
    for title, files in (("dispatching", dispatching), ("a page", page)):
        print(title, *sorted(files), sep="\n  ")  # noqa: T201
    print(f"{len(dispatching)}, {len(page)}")  # noqa: T201


if __name__ == "__main__":
    main()
