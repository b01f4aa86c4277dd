"""Chromium for the tests in a browser; `python -m tests.browser.chromium` installs it.

That is Debian's package, and needs root and apt. Where there is neither, install Chromium or Chrome
in your own way: the tests take the first that is on the path, and are skipped if there is none.
"""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = f"no browser on the path (one of {', '.join(NAMES)}): on Debian, apt install chromium"


def found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Raises `subprocess.CalledProcessError` if apt cannot."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "-qq", *command], env=quiet, check=True)


def main() -> None:
    if browser := found():
        print(f"The browser: {browser}")
    elif shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"Tests in a browser are skipped: {MISSING}")
    else:
        print("Installing Debian's chromium, about 100 MB ...", flush=True)
        try:
            install()
        except subprocess.CalledProcessError as error:
            print(f"Tests in a browser are skipped: {error}")


if __name__ == "__main__":
    main()
