"""Takes pictures of every page of the console, on a local stack that ends afterwards."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from support.browser import open_browser
from support.console import open_site
from support.deployed import Deployed
from support.pictures import take_all


def main(folder: Path) -> None:
    """Start a stack, run a night on it, and write the pictures into a folder."""
    with TemporaryDirectory(prefix="mentor-pause-") as stack:
        os.environ["MENTOR_PAUSE_LOCAL"] = stack
        deployed = Deployed.start(Path(stack))
        try:
            with open_browser() as browser:
                take_all(browser, open_site(deployed), folder)
        finally:
            deployed.local.down(lambda _text: None)
    print(f"the pictures are in {folder}")  # noqa: T201 - the program's result


if __name__ == "__main__":
    main(Path(sys.argv[1]))
