"""What the parts of a deployment are called in an AWS account."""

import re

LONGEST = 64  # characters, of the name of a function or a rule (Lambda, EventBridge)
PREFIX = re.compile(r"[a-z][a-z0-9-]{0,19}")


class BadName(ValueError):
    """A name that AWS refuses: the text says which, and what to do."""


def slug(name: str) -> str:
    """A participant's name in small letters and dashes: "Wallet DB" is "wallet-db"."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def called(prefix: str, name: str) -> str:
    """The name of the resource of a participant, in the stack with that prefix."""
    return f"{prefix}-{slug(name)}"


def checked(prefix: str) -> str:
    """The prefix. Raises `BadName` if no stack can be called so."""
    if not PREFIX.fullmatch(prefix):
        raise BadName(
            f"the prefix {prefix!r} cannot be: use up to 20 small letters, digits and dashes, and "
            f"begin with a letter"
        )
    return prefix
