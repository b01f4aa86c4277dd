"""Whether a run keeps to a breaker's diagram, whatever breaker it is and how many share it."""

from sagakit.run import Run
from sagakit.trace.trace import Asked, Read, Record, Written

STORE = "Breaker DB"
OUT = ("timeout", "unavailable")  # what a call comes to that got no answer
AT_REST = 1_000  # ms: time moves by that much only when no handler has a step to make


def keeps_to_its_diagram(finished: Run) -> str | None:
    """CLOSED becomes OPEN by silences, OPEN becomes HALF_OPEN, and HALF_OPEN becomes CLOSED or OPEN
    as the probe went. A call that began in an earlier state says nothing about this one."""
    return _Diagram(finished).wrong


def counts_every_silence(finished: Run) -> str | None:
    """When `threshold` calls in a row got no answer, and all have reported, it is not CLOSED."""
    return _Diagram(finished).missed


class _Diagram:
    """Follows the stored breaker through a run. A period is the time that it stays in one state.

    wrong   the first move that must not be, in words
    missed  the first moment at which all was at rest, and it should have been OPEN
    """

    def __init__(self, finished: Run) -> None:
        self.threshold = finished.scenario.settings.breaker_threshold
        self.state, self.period = "CLOSED", 0
        self.silences = self.in_a_row = 0  # in this period
        self.prober: int | None = None
        self.looked: dict[int, int] = {}  # invocation to the period in which it last looked
        self.began: dict[int, int] = {}  # to the period of its call
        self.silent: dict[int, bool] = {}
        self.wrong: str | None = None
        self.missed: str | None = None
        now = 0
        for record in finished.records:
            if record.t - now > AT_REST and not self.missed:
                self.missed = self._should_be_open(now)
            now = record.t
            self._follow(record)

    def _should_be_open(self, now: int) -> str | None:
        if self.state != "CLOSED" or self.in_a_row < self.threshold:
            return None
        return f"by {now} ms {self.in_a_row} calls in a row got no answer, and it is still CLOSED"

    def _follow(self, record: Record) -> None:
        detail, who = record.detail, record.invocation
        if record.source == STORE and isinstance(detail, Read):
            self.looked[who] = self.period
        elif record.source == STORE and isinstance(detail, Written):
            state = detail.item.state
            wrong = self._moved(who, state)
            if wrong and not self.wrong:
                self.wrong = f"{record.correlation_id} made it {state} at {record.t} ms: {wrong}"
        elif isinstance(detail, Asked) and who and record.kind == "call":
            self.began[who] = self.looked.get(who, self.period)
        elif isinstance(detail, Asked) and who:
            silent = self.silent[who] = detail.outcome in OUT
            if self.began.get(who) == self.period:
                self.silences += silent
                self.in_a_row = self.in_a_row + 1 if silent else 0

    def _moved(self, who: int, after: str) -> str:
        """What is wrong with a move of the breaker, in words."""
        before, silent = self.state, self.silent.get(who)
        if before == after != "HALF_OPEN":
            return ""
        moves = {
            ("CLOSED", "OPEN"): self._may_open(who),
            ("OPEN", "HALF_OPEN"): "",
            ("HALF_OPEN", "HALF_OPEN"): "",
            ("HALF_OPEN", "CLOSED"): self._reports(who, silent is False),
            ("HALF_OPEN", "OPEN"): self._reports(who, silent is True),
        }
        wrong = moves.get((before, after), f"it was {before}, and the diagram has no such move")
        self.state, self.period, self.silences, self.in_a_row = after, self.period + 1, 0, 0
        self.looked[who] = self.period
        if after == "HALF_OPEN":
            self.prober = who
        return wrong

    def _may_open(self, who: int) -> str:
        if self.began.get(who) != self.period:
            return "its call began in an earlier state"
        if self.silences < self.threshold:
            return f"{self.silences} calls got no answer, and it takes {self.threshold}"
        return ""

    def _reports(self, who: int, fits: bool) -> str:
        if who != self.prober:
            return "it was HALF_OPEN, and the probe was another's"
        return "" if fits else "that is not how the probe went"
