"""A scenario's traffic on a file: begun once, and gone on with as often as it is started."""

import asyncio
from pathlib import Path

from sagakit.adapters.sqlite.database import BadDatabase, Database
from sagakit.adapters.sqlite.world import World
from sagakit.events import encode
from sagakit.payments.api import Post
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Run
from sagakit.scenarios import Scenario
from sagakit.scenarios.stage import reaction_to
from sagakit.sim.external import Reaction
from sagakit.sim.operations import Ask


def serve(scenario: Scenario, path: str | Path, *, hurry: bool = False) -> Run:
    """Run a scenario's traffic on a file to its end: from the start, or from where it stands.

    Returns the run as the file tells it. Raises `BadDatabase` for a file that has another scenario.
    """
    with Database(path, create=True) as database:
        world = _world(database, scenario, hurry)
        with database.transaction():
            begun = database.meta("scenario")
            if begun is None:
                _begin(database, world, scenario)
        if begun is not None and begun != scenario.to_json():
            name = Scenario.from_json(begun).name
            raise BadDatabase(
                f"{path}: it has {name}, or {scenario.name} as it was: go on with that, or take "
                f"another file"
            )
        asyncio.run(world.run())
        return Run(scenario, scenario.seed, world.trace())


def _world(database: Database, scenario: Scenario, hurry: bool) -> World:
    def provider(request: Ask, call: int, now: int) -> Reaction:
        return reaction_to(scenario.provider, request, call, now)

    deployment = payment_system(scenario.settings, timing=scenario.timing)
    return World(database, deployment, externals={PROVIDER: provider}, hurry=hurry)


def _begin(database: Database, world: World, scenario: Scenario) -> None:
    world.seed_store("Wallet DB", [Wallet(one.user_id, one.balance) for one in scenario.wallets])
    for payment in scenario.payments:
        body = encode({"user_id": payment.user_id, "amount": payment.amount})
        post = Post(body, payment.idempotency_key)
        for later in (0, *payment.repeats):
            world.request(payment.at + later, "User", "API Gateway", post, payment.payment_id)
    for text in scenario.texts:
        world.put(text.at, text.queue, text.text, "User")
    database.set_meta("scenario", scenario.to_json())
