"""`python -m sagakit` is the command line."""

from sagakit.cli import entry

if __name__ == "__main__":
    entry()
