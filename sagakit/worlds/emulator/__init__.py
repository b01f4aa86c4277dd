"""AWS on loopback: the services' functions on moto's server, without an account or a network.

    from sagakit.worlds.emulator import emulator

    with emulator() as aws:
        done = aws.play(scenario)  # a Run, on a new stack

Needs the extras `aws` and `emulator`. What it does otherwise than AWS: docs/worlds.md.
"""

from sagakit.contract.imports import extra

with extra("aws", "emulator"):
    from sagakit.worlds.emulator.server import Emulator, emulator

__all__ = ["Emulator", "emulator"]
