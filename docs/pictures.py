"""Draw the README's pictures again, each from a run that is made for it.

python -m docs.pictures        write them beside this file
"""

import sys
from collections.abc import Callable
from pathlib import Path

from docs.gallery import blind_write, kill_matrix
from sagakit import run
from sagakit.draw.svg import Picture

HERE = Path(__file__).resolve().parent


def concurrent_payments() -> Picture:
    """Two payments meet on one wallet."""
    return run("concurrent_payments").sequence(
        participants=["Wallet Service", "Wallet DB"],
        outside=False,
        start=44,
        end=68,
        title="Two payments meet on one wallet",
    )


def circuit_breaker() -> Picture:
    """An outage of the provider, as the breaker lived through it."""
    return run("circuit_breaker").breaker()


PICTURES: tuple[Callable[[], Picture], ...] = (
    concurrent_payments,
    circuit_breaker,
    blind_write,
    kill_matrix,
)


def file_of(draw: Callable[[], Picture]) -> Path:
    """Where a picture is kept."""
    return HERE / f"{draw.__name__}.svg"


def main() -> int:
    for draw in PICTURES:
        file = file_of(draw)
        text = draw().svg()
        current = file.exists() and file.read_text(encoding="utf-8") == text
        if not current:
            file.write_text(text, encoding="utf-8", newline="\n")
        print(f"{file.name}: {'as it was' if current else 'drawn again'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
