"""The states that a scenario can reach, and the steps between them.

A state is (the stores, the clock, what is under way, the faults left to spend). What is under way
is a bag of tokens: a handler in flight, which is (service, message, results so far) and the
operation it waits for; a message that comes later; a dead letter. Equal things are named by one
number, so a state is a short tuple of numbers, and equal states met on different ways are one.

A step is worked out once for each (token, store it touches, clock): the coroutine is made again
from its results so far. This is sound for services that keep nothing in memory.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.contract.driver import MOST_RETRIES
from sagakit.contract.events import Event, NotUnderstood
from sagakit.explore.independence import Place, Sharing
from sagakit.explore.replay import Handling
from sagakit.explore.routes import Routes
from sagakit.explore.shelves import Done, Shelf, ask, commit, publish, unheard
from sagakit.explore.timeouts import Patience
from sagakit.explore.tokens import (
    CRASH,
    DROP,
    DUPLICATE,
    FAULTS,
    Dead,
    Move,
    Numbers,
    Outcome,
    Running,
    State,
    Token,
    Waiting,
)
from sagakit.laws.facts import BREAKER

NO_SAGA = "None"  # of a text that is no event


class Space:
    """The states of a deployment. `contended` are the places that sagas share.

    `reorder=False` has those under way take turns: whoever has waited longest is next.
    """

    def __init__(
        self,
        deployment: Deployment,
        opening: Mapping[str, Iterable[Any]],
        commands: Iterable[tuple[str, Any, str]],
        texts: Iterable[tuple[int, str, str]],
        contended: frozenset[Place],
        patience: Patience,
        *,
        reorder: bool = True,
    ) -> None:
        self.reorder = reorder
        self.handling = Handling(deployment, patience)
        self.places = [table.name for table in deployment.tables]
        self.places += [one.name for one in deployment.others if one.kind == "external"]
        self.places.append(deployment.bus)
        self._bus = deployment.bus
        self._place = {name: place for place, name in enumerate(self.places)}
        self._sharing = Sharing(deployment, self._place, contended)
        self._routes = Routes(deployment)

        self._messages, self.tokens = Numbers(), Numbers()
        self.shelves, self.stores = Numbers(), Numbers()
        self.contents: list[Any] = []  # by message number
        self.sagas: list[str] = []  # by message number
        self.saga_of: list[str] = []  # by token number
        self.is_running: list[bool] = []
        self.ended: list[bool] = []
        self.acknowledges: list[bool] = []
        self.crashable: list[bool] = []
        self.is_fresh: list[bool] = []  # it has just come, and may still be lost or come twice
        self.alone: list[bool] = []
        self.watched: list[bool] = []  # whether the law of the breaker looks at its step
        self._advanced: dict[Any, int] = {}
        self._moves: dict[tuple[int, int, int], list[Move]] = {}
        self._outcomes: dict[Any, tuple[Outcome, ...]] = {}
        self._moved: dict[tuple[int, int, int], int] = {}

        shelves = [Shelf() for _ in self.places]
        for name, items in opening.items():
            kept = tuple(sorted((item.key, item._replace(version=1)) for item in items))
            shelves[self._place[name]] = Shelf(kept)
        stores = self.stores(tuple(self.shelves(shelf) for shelf in shelves))
        arrived = [
            self.arrive(service, self._message(command, saga), 0, 0)
            for service, command, saga in commands
        ]
        arrived += [self._put(at, self._routes.reader[queue], text) for at, queue, text in texts]
        self.start = (stores, 0, self.in_order(arrived))

    def in_order(self, tokens: Iterable[int]) -> tuple[int, ...]:
        """What is under way: a bag, unless it matters who has waited longest."""
        return tuple(sorted(tokens) if self.reorder else tokens)

    def _put(self, at: int, service: str, text: str) -> int:
        """A text comes at its time (ms). One that is an event is an event like any other."""
        content: Event | str = text
        with suppress(NotUnderstood):
            content = self.handling.understood(service, text)
        saga = content.header.correlation_id if isinstance(content, Event) else NO_SAGA
        message = self._message(content, saga)
        if at:
            return self._token(Waiting(service, message, 0, at))
        return self.arrive(service, message, 0, 0)

    # Numbers for messages and tokens.

    def _message(self, content: Any, saga: str) -> int:
        if isinstance(content, Event):
            key: Any = (type(content), content.header, *content.payload().values())
        else:
            key = (type(content), content)
        number = self._messages(key, content)
        if number == len(self.contents):
            self.contents.append(content)
            self.sagas.append(saga)
        return number

    def _token(self, token: Token) -> int:
        number = self.tokens(token)
        if number == len(self.saga_of):
            saga = self.sagas[token.message]
            self.saga_of.append(saga)
            ended = isinstance(token, Running) and isinstance(token.operation, str | None)
            crashable = isinstance(token, Running) and token.crashable and self.is_queued(token)
            self.is_running.append(isinstance(token, Running))
            self.ended.append(ended)
            self.acknowledges.append(isinstance(token, Running) and token.operation is None)
            self.crashable.append(crashable)
            self.is_fresh.append(False)
            self.watched.append(isinstance(token, Running) and _watched(token.operation))
            self.alone.append(
                isinstance(token, Running) and not ended and self._sharing.is_own(token, saga)
            )
        return number

    def held(self, stores: int, name: str) -> list[Any]:
        """The items that a store holds; none if there is no such store."""
        place = self._place.get(name)
        if place is None:
            return []
        return [item for _, item in self.shelves.things[self.stores.things[stores][place]].items]

    # How a handler goes on.

    def arrive(self, service: str, message: int, receives: int, clock: int) -> int:
        number = self._advance(service, message, receives, 0, (), clock, crashable=True)
        self.is_fresh[number] = self.crashable[number] and not self.ended[number]
        return number

    def _advance(
        self, service: str, message: int, receives: int, retries: int, results: tuple[Any, ...],
        clock: int, *, crashable: bool,
    ) -> int:  # fmt: skip
        """The handler with these results so far: run again from its start to its next step."""
        key = (service, message, receives, retries, results, clock, crashable)
        known = self._advanced.get(key)
        if known is not None:
            return known
        goes_on = self.handling.next(service, self.contents[message], results, clock)
        operation, results = goes_on.operation, goes_on.results
        if goes_on.conflicted and retries < MOST_RETRIES:
            token = self._advance(
                service, message, receives, retries + 1, (), clock, crashable=False
            )
            self._advanced[key] = token
            return token
        if goes_on.conflicted:
            operation = "MaxRetriesExceeded 4002"
        elif operation is None:
            retries = 0
        token = self._token(
            Running(service, message, receives, retries, results, operation, crashable)
        )
        self._advanced[key] = token
        return token

    def _go_on(self, token: Running, result: Any, clock: int, *, effect: bool = True) -> int:
        return self._advance(
            token.service, token.message, token.receives, token.retries,
            (*token.results, result), clock, crashable=effect,
        )  # fmt: skip

    def _cause(self, token: Running) -> Any:
        """What a step was made for: an event by its id, whatever it says."""
        content = self.contents[token.message]
        return content.header.event_id if isinstance(content, Event) else token.message

    def is_queued(self, token: Token) -> bool:
        """Whether it came in a queue. A command did not: who sent it hears that it failed."""
        return isinstance(self.contents[token.message], Event | str)

    def again(self, token: Running, clock: int, reason: str) -> int:
        """The message of a handler that failed or crashed comes again, or is dead."""
        if token.receives + 1 >= self._routes.most_receives[token.service]:
            return self._token(Dead(token.service, token.message, reason))
        due = clock + self._routes.again_after[token.service]
        return self._token(Waiting(token.service, token.message, token.receives + 1, due))

    def due(self, state: State) -> State | None:
        """The state at the next moment at which a message comes; None if none will."""
        stores, _, tokens, budget = state
        moments = [
            token.due for token in map(self.tokens.things.__getitem__, tokens)
            if isinstance(token, Waiting)
        ]  # fmt: skip
        if not moments:
            return None
        moment = min(moments)
        following = []
        for number in tokens:
            token = self.tokens.things[number]
            if isinstance(token, Waiting) and token.due == moment:
                number = self.arrive(token.service, token.message, token.receives, moment)
            following.append(number)
        return stores, moment, self.in_order(following), budget

    # What a step comes to.

    def moves(self, number: int, stores: int, clock: int) -> list[Move]:
        """All that may come next of a token, whether or not the budget allows it."""
        key = (number, stores, clock)
        known = self._moves.get(key)
        if known is None:
            known = self._moves[key] = [
                Move(number, fault, after, tokens, self.without_acknowledgements(tokens))
                for fault, after, tokens in self._possible(number, stores, clock)
            ]
        return known

    def without_acknowledgements(self, tokens: tuple[int, ...]) -> tuple[int, ...]:
        acknowledges = self.acknowledges
        return tuple([number for number in tokens if not acknowledges[number]])

    def _possible(
        self, number: int, stores: int, clock: int
    ) -> Iterable[tuple[int | None, int, tuple[int, ...]]]:
        yield from self._outcomes_of(number, stores, clock)
        token = self.tokens.things[number]
        if self.crashable[number]:
            yield CRASH, stores, (self.again(token, clock, "crash"),)
        if self.is_fresh[number]:
            copy = self.arrive(token.service, token.message, 0, clock)
            yield DUPLICATE, stores, (number, copy)
            yield DROP, stores, ()

    def _outcomes_of(
        self, number: int, stores: int, clock: int
    ) -> list[tuple[int | None, int, tuple[int, ...]]]:
        """What the token's step can come to: (fault spent or None, stores, tokens) each."""
        token = self.tokens.things[number]
        operation = token.operation
        if operation is None:
            return [(None, stores, ())]
        if isinstance(operation, str):
            again = (self.again(token, clock, operation),) if self.is_queued(token) else ()
            return [(None, stores, again)]
        place = self._where(operation)
        shelves = self.stores.things[stores]
        before = shelves[place]
        key = (number, before, clock)
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = tuple(self._step(token, operation, before, clock))
        result = []
        for fault, shelf, tokens in found:
            after = stores
            if shelf != before:
                move = (stores, place, shelf)
                after = self._moved.get(move, -1)
                if after < 0:
                    after = self.stores((*shelves[:place], shelf, *shelves[place + 1 :]))
                    self._moved[move] = after
            result.append((fault, after, tokens))
        return result

    def _where(self, operation: Any) -> int:
        """The place that a step touches."""
        if isinstance(operation, ops.Ask):
            return self._place[operation.party]
        if isinstance(operation, ops.Publish):
            return self._place[self._bus]
        return self._place[operation.store]

    def _step(self, token: Running, operation: Any, number: int, clock: int) -> Iterable[Outcome]:
        for done in self._done(token, operation, self.shelves.things[number]):
            shelf = self.shelves(done.shelf) if done.effect else number
            goes_on = self._go_on(token, done.answer, clock, effect=done.effect)
            sent = self._sent(operation, token.service, clock) if done.effect else ()
            spent = FAULTS.index(done.fault) if done.fault else None
            yield Outcome(spent, shelf, (goes_on, *sent))

    def _done(self, token: Running, operation: Any, shelf: Shelf) -> Iterable[Done]:
        """All that an operation can come to."""
        if isinstance(operation, ops.Get):
            yield Done(shelf, dict(shelf.items).get(operation.key), effect=False)
        elif isinstance(operation, ops.Commit):
            done = commit(shelf, operation, self._cause(token))
            yield done
            if done.shelf != shelf:
                yield unheard(operation, done)
        elif isinstance(operation, ops.Ask):
            yield from ask(shelf, operation, self.sagas[token.message])
        elif isinstance(operation, ops.Publish):
            yield publish(shelf, operation, self._cause(token))
        else:
            raise TypeError(f"explore knows no {type(operation).__name__}")

    def _sent(self, operation: Any, service: str, clock: int) -> Iterable[int]:
        """What an operation publishes is under way at once: the relay and the bus add no choice."""
        for receiver, event, delay in self._routes.sent(operation, service):
            message = self._message(event, event.header.correlation_id)
            if delay:
                yield self._token(Waiting(receiver, message, 0, clock + delay))
            else:
                yield self.arrive(receiver, message, 0, clock)


def _watched(operation: Any) -> bool:
    writes = isinstance(operation, ops.Commit) and operation.store == BREAKER
    return writes or isinstance(operation, ops.Ask)
