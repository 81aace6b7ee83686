"""Prints which source files a night passes: `python bench/walks.py CHECKOUT`.

It runs one night inside this process, first the dispatcher and then one page, and notes the file of
every function of the checkout that is called. `bench.code` starts it, with the checkout's own
modules first on the path.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType


def files_passed(root: Path, step: Callable[[], object]) -> set[str]:
    """Return the source files of `root` whose functions `step` calls."""
    passed: set[str] = set()
    folders = (f"{root}/functions/", f"{root}/layers/")

    def note(frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        is_function = frame.f_code.co_name not in ("<module>", "<lambda>")
        if event == "call" and is_function and name.startswith(folders):
            passed.add(name.removeprefix(f"{root}/"))

    sys.setprofile(note)
    try:
        step()
    finally:
        sys.setprofile(None)
    return passed


def main() -> None:
    """Print the files of both walks, and on the last line their numbers."""
    from support.cluster import open_cluster  # noqa: PLC0415 - the checkout's own
    from support.night import open_clients, open_night  # noqa: PLC0415
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
        dispatching = files_passed(root, night.fire)
        page = files_passed(root, night.work_off)
    for title, files in (("dispatching", dispatching), ("a page", page)):
        print(title, *sorted(files), sep="\n  ")  # noqa: T201
    print(f"{len(dispatching)}, {len(page)}")  # noqa: T201


if __name__ == "__main__":
    main()
