"""AWS on loopback: the services' functions on moto's server, without an account or a network.

    from sagakit.adapters.emulator import emulator

    with emulator() as aws:
        done = aws.play(scenario)  # a Run, on a new stack

Needs the extras `aws` and `emulator`. What it does otherwise than AWS: docs/worlds.md.
"""

try:
    from sagakit.adapters.emulator.server import Emulator, emulator
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    raise ImportError(
        f"the AWS world needs {missing}: pip install 'sagakit[aws,emulator]'"
    ) from None

__all__ = ["Emulator", "emulator"]
