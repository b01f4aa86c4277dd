"""What to do about a name that does not exist: every error that is about one says so."""

from collections.abc import Iterable

MOST = 22  # names in an error message


def meant(name: str, known: Iterable[str]) -> str:
    """What to do about a name that is not among the known ones."""
    from difflib import get_close_matches  # only mistakes pay for it

    known = sorted(known)
    if not known:
        return "there are none"
    nearest = get_close_matches(name, known, n=1)
    if nearest == known:
        return f"did you mean {known[0]}?"
    some = ", ".join(known[:MOST]) + ", ..." * (len(known) > MOST)
    return "".join(f"did you mean {name}? " for name in nearest) + f"use one of {some}"
