"""The lab: a run to step through, and a scenario to turn the knobs of, in a notebook.

Needs the extra `lab`. Where widgets do not run, each shows a picture and tables.
"""

from typing import TYPE_CHECKING

from sagakit.contract.imports import extra, suggesting

with extra("lab"):
    from sagakit.lab.controls import Controls, control
    from sagakit.lab.player import Player, play

__all__ = ["Controls", "Player", "control", "play"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
