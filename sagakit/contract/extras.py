"""What the core does without: which extra of sagakit has a package that is missing."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(ImportError):
    """A package is not installed: the text says which extra has it, and how to install that."""


@contextmanager
def extra(*names: str) -> Iterator[None]:
    """Import in this block what these extras have. Raises `MissingExtra` if it is not there, also
    within another such block, whose extras are more.

    >>> with extra("aws"):
    ...     import boto9
    Traceback (most recent call last):
    sagakit.contract.extras.MissingExtra: boto9 is not installed: pip install "sagakit[aws]"
    """
    try:
        yield
    except (ModuleNotFoundError, MissingExtra) as error:
        missing = str(error.name).partition(".")[0]
        if missing == "sagakit":
            raise
        wanted = ",".join(names)
        text = f'{missing} is not installed: pip install "sagakit[{wanted}]"'
        raise MissingExtra(text, name=error.name) from None
