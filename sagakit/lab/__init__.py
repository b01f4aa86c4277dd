"""The lab: a run to step through, and a scenario to turn the knobs of, in a notebook.

Needs the extra `lab`. Where widgets do not run, each shows a picture and tables.
"""

from sagakit.lab.controls import Controls, control
from sagakit.lab.player import Player, play

__all__ = ["Controls", "Player", "control", "play"]
