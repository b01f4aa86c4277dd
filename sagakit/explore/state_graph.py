"""The graph of a scenario's states, and the steps between them.

A state is (the stores, the clock, what is under way, the faults left to spend). What is under way
is a bag of tokens: a handler in flight, which is (service, message, results so far) and the
operation it waits for; a message that comes later; a dead letter. Equal things are named by one
number, so a state is a short tuple of numbers, and equal states met on different paths are one.

A step is worked out once for each (token, store it touches, clock): the coroutine is made again
from its results so far. This is sound for services that keep nothing in memory.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.contract.driver import MOST_RETRIES
from sagakit.contract.events import Event, NotUnderstood
from sagakit.contract.ports import Delayed
from sagakit.explore.independence import Resource, Sharing
from sagakit.explore.replay import Replayer
from sagakit.explore.states import (
    CRASH,
    DROP,
    DUPLICATE,
    FAULTS,
    Dead,
    Effects,
    Move,
    Numbers,
    Outcome,
    Running,
    State,
    Store,
    Token,
    Waiting,
)
from sagakit.explore.timeouts import Watchdog
from sagakit.scenarios.explorable import Explorable

NO_SAGA = "None"  # of a text that is no event


class StateGraph:
    """The states of a scenario. `contended` are the items and requests that sagas share.

    `reorder=False` has those under way take turns: whoever has waited longest is next.
    """

    def __init__(
        self,
        prepared: Explorable,
        contended: frozenset[Resource],
        watchdog: Watchdog,
        *,
        reorder: bool = True,
    ) -> None:
        deployment = prepared.deployment
        self.prepared = prepared
        self.reorder = reorder
        self.replayer = Replayer(deployment, watchdog)
        self.names = [table.name for table in deployment.tables]
        self.names += [party.name for party in deployment.others if party.kind == "external"]
        self.names.append(deployment.bus)
        self._bus = deployment.bus
        self._index = {name: index for index, name in enumerate(self.names)}
        self._sharing = Sharing(deployment, self._index, contended)
        self._effects = Effects(prepared.amounts)
        self._routes = Routes(deployment)

        self._messages, self.tokens = Numbers(), Numbers()
        self.store_contents = Numbers()  # each store alone
        self.stores = Numbers()  # all of them: the numbers of their contents, in order of `names`
        self.contents: list[Any] = []  # by message number
        self.sagas: list[str] = []  # by message number
        self.saga_of: list[str] = []  # by token number
        self.is_running: list[bool] = []
        self.ended: list[bool] = []
        self.acknowledges: list[bool] = []
        self.crashable: list[bool] = []
        self.is_fresh: list[bool] = []  # it has just come, and may still be lost or come twice
        self.alone: list[bool] = []
        self.guarded: list[bool] = []  # its step calls a party, or changes who may call
        self._advanced: dict[Any, int] = {}
        self._moves: dict[tuple[int, int, int], list[Move]] = {}
        self._outcomes: dict[Any, tuple[Outcome, ...]] = {}
        self._written: dict[tuple[int, int, int], int] = {}

        opening = [Store() for _ in self.names]
        for name, items in prepared.opening.items():
            kept = tuple(sorted((item.key, item._replace(version=1)) for item in items))
            opening[self._index[name]] = Store(kept)
        stores = self.stores(tuple(self.store_contents(store) for store in opening))
        arrived = [
            self.arrive(service, self._message(command, saga), 0, 0)
            for service, command, saga in prepared.commands
        ]
        for at, queue, text in prepared.texts:
            arrived.append(self._put(at, self._routes.reader[queue], text))
        self.start = (stores, 0, self.in_order(arrived))

    def in_order(self, tokens: Iterable[int]) -> tuple[int, ...]:
        """Return what is under way: a bag, unless it matters who has waited longest."""
        return tuple(sorted(tokens) if self.reorder else tokens)

    def _put(self, at: int, service: str, text: str) -> int:
        """Have a text come at its time (ms). One that is an event is an event like any other."""
        content: Event | str = text
        with suppress(NotUnderstood):
            content = self.replayer.understood(service, text)
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

    def _token(self, token: Any) -> int:
        number = self.tokens(token)
        if number == len(self.saga_of):
            saga, running = self.sagas[token.message], isinstance(token, Running)
            operation = getattr(token, "operation", None)
            ended = running and isinstance(operation, str | None)
            self.saga_of.append(saga)
            self.is_running.append(running)
            self.ended.append(ended)
            self.acknowledges.append(running and operation is None)
            self.crashable.append(running and token.crashable and self.is_queued(token))
            self.is_fresh.append(False)
            self.guarded.append(self._is_guarded(operation))
            self.alone.append(running and not ended and self._sharing.is_own(token, saga))
        return number

    def _is_guarded(self, operation: Any) -> bool:
        writes = isinstance(operation, ops.Commit) and operation.store == self.prepared.guard
        return writes or isinstance(operation, ops.Ask)

    def items(self, stores: int, name: str) -> list[Any]:
        """Return the items of a store; none if there is no such store."""
        index = self._index.get(name)
        if index is None:
            return []
        contents = self.store_contents.things[self.stores.things[stores][index]]
        return [item for _, item in contents.items]

    # How a handler goes on.

    def arrive(self, service: str, message: int, receives: int, clock: int) -> int:
        """Return the handler of a message that arrives."""
        number = self._advance(service, message, receives, 0, (), clock, crashable=True)
        self.is_fresh[number] = self.crashable[number] and not self.ended[number]
        return number

    def _advance(
        self, service: str, message: int, receives: int, retries: int, results: tuple[Any, ...],
        clock: int, *, crashable: bool,
    ) -> int:  # fmt: skip
        """Return the handler with these results so far, run from its start to its next step."""
        key = (service, message, receives, retries, results, clock, crashable)
        known = self._advanced.get(key)
        if known is not None:
            return known
        goes_on = self.replayer.next(service, self.contents[message], results, clock)
        operation, results = goes_on.operation, goes_on.results
        if goes_on.conflicted and retries < MOST_RETRIES:
            token = self._advance(
                service, message, receives, retries + 1, (), clock, crashable=False
            )
        else:
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
        """Return what a step was made for: an event by its id, whatever it says."""
        content = self.contents[token.message]
        return content.header.event_id if isinstance(content, Event) else token.message

    def is_queued(self, token: Token) -> bool:
        """A command did not come in a queue: who sent it hears that it failed."""
        return isinstance(self.contents[token.message], Event | str)

    def again(self, token: Running, clock: int, reason: str) -> int:
        """Return the message of a handler that failed or crashed: it comes again, or is dead."""
        if token.receives + 1 >= self._routes.most_receives[token.service]:
            return self._token(Dead(token.service, token.message, reason))
        due = clock + self._routes.again_after[token.service]
        return self._token(Waiting(token.service, token.message, token.receives + 1, due))

    def due(self, state: State) -> State | None:
        """Return the state at the next moment at which a message comes; None if none will."""
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
        """Return all that may come next of a token, whether or not the budget allows it."""
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

    def _possible(self, number: int, stores: int, clock: int) -> Iterable[Outcome]:
        yield from self._outcomes_of(number, stores, clock)
        token = self.tokens.things[number]
        if self.crashable[number]:
            yield CRASH, stores, (self.again(token, clock, "crash"),)
        if self.is_fresh[number]:
            copy = self.arrive(token.service, token.message, 0, clock)
            yield DUPLICATE, stores, (number, copy)
            yield DROP, stores, ()

    def _outcomes_of(self, number: int, stores: int, clock: int) -> list[Outcome]:
        """Return what the token's step can come to."""
        token = self.tokens.things[number]
        operation = token.operation
        if operation is None:
            return [(None, stores, ())]
        if isinstance(operation, str):
            again = (self.again(token, clock, operation),) if self.is_queued(token) else ()
            return [(None, stores, again)]
        index = self._index[self._touched(operation)]
        contents = self.stores.things[stores]
        before = contents[index]
        key = (number, before, clock)
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = tuple(self._step(token, operation, before, clock))
        result = []
        for fault, store, tokens in found:
            after = stores
            if store != before:
                write = (stores, index, store)
                after = self._written.get(write, -1)
                if after < 0:
                    after = self.stores((*contents[:index], store, *contents[index + 1 :]))
                    self._written[write] = after
            result.append((fault, after, tokens))
        return result

    def _touched(self, operation: Any) -> str:
        """Return the store or external party that a step touches; the bus counts as a store."""
        if isinstance(operation, ops.Ask):
            return operation.party
        return self._bus if isinstance(operation, ops.Publish) else operation.store

    def _step(self, token: Running, operation: Any, number: int, clock: int) -> Iterable[Outcome]:
        store, saga = self.store_contents.things[number], self.sagas[token.message]
        for done in self._effects.of(operation, store, self._cause(token), saga):
            after = self.store_contents(done.store) if done.effect else number
            goes_on = self._go_on(token, done.answer, clock, effect=done.effect)
            sent = self._sent(operation, token.service, clock) if done.effect else ()
            spent = FAULTS.index(done.fault) if done.fault else None
            yield spent, after, (goes_on, *sent)

    def _sent(self, operation: Any, service: str, clock: int) -> Iterable[int]:
        """Yield what an operation publishes. It is under way at once: the relay and the bus add no
        choice."""
        for receiver, event, delay in self._routes.sent(operation, service):
            message = self._message(event, event.header.correlation_id)
            if delay:
                yield self._token(Waiting(receiver, message, 0, clock + delay))
            else:
                yield self.arrive(receiver, message, 0, clock)


class Routes:
    """The routes between the services of a deployment.

    reader         queue to the service that takes from it
    again_after    service to the ms after which its message comes again
    most_receives  service to how often a message of it is received at most
    """

    def __init__(self, deployment: Deployment) -> None:
        functions = deployment.functions
        self._functions = {function.name: function for function in functions}
        self.reader = {queue: function.name for function in functions for queue in function.queues}
        queues = {queue.name: queue for queue in deployment.queues}
        self.again_after: dict[str, int] = {}
        self.most_receives: dict[str, int] = {}
        for function in functions:
            own = [queues[name] for name in function.queues]
            self.again_after[function.name] = max((queue.visibility for queue in own), default=0)
            self.most_receives[function.name] = min((queue.receives for queue in own), default=1)
        self._rules: dict[type[Event], list[tuple[str, type[Event] | None]]] = {}
        for rule in deployment.rules:
            if rule.target in self.reader:
                readers = self._rules.setdefault(rule.event, [])
                readers.append((self.reader[rule.target], rule.rename))

    def sent(self, operation: Any, service: str) -> Iterator[tuple[str, Event, int]]:
        """Yield what an operation of a service publishes: (receiver, event, delay in ms) each."""
        entries: tuple[Event | Delayed, ...] = ()
        if isinstance(operation, ops.Publish):
            entries = (operation.event,)
        elif isinstance(operation, ops.Commit):
            entries = operation.publish
        for entry in entries:
            if isinstance(entry, Delayed):
                reader = self.reader[self._functions[service].delay_queue]
                yield reader, entry.event, entry.delay
                continue
            for reader, rename in self._rules.get(type(entry), ()):
                yield reader, rename.after(entry) if rename else entry, 0
