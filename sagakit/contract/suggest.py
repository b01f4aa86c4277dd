"""Suggest close matches for an unknown name, for error messages."""

from collections.abc import Iterable

MOST = 22  # names in an error message


def suggest(name: object, known: Iterable[str]) -> str:
    """Return what to do about a name that is not among the known ones; it may be no text at all.

    >>> suggest("Walet", ["Wallet", "Payment"])
    'did you mean Wallet? use one of Payment, Wallet'
    """
    from difflib import get_close_matches  # only mistakes pay for it

    known = sorted(known)
    if not known:
        return "there are none"
    original = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(str(name).casefold(), original, n=1)
    nearest = [original[folded] for folded in close]
    if nearest == known:
        return f"did you mean {known[0]}?"
    some = ", ".join(known[:MOST]) + ", ..." * (len(known) > MOST)
    return "".join(f"did you mean {name}? " for name in nearest) + f"use one of {some}"
