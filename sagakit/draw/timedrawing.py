"""How a timeline is drawn: lanes of rows, in inches from the top left of the lanes."""

from collections.abc import Iterator
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import FancyArrowPatch, Rectangle

from sagakit.draw.chart import Chart
from sagakit.draw.clock import roughly
from sagakit.draw.figure import GREY, INK, RED, WIDTH
from sagakit.draw.labels import Labels, spread
from sagakit.draw.scene import Scene
from sagakit.draw.svg import Picture
from sagakit.draw.text_metrics import width
from sagakit.draw.timelegend import COFFIN, FEW_SAGAS, SHAPES, legend, tint
from sagakit.draw.timerows import Chain, Rows
from sagakit.draw.timescale import TimeScale, cuts
from sagakit.trace.activity import Activity, Mark

FEW_EVENTS = 16  # up to here each event is named beside its marker
FEW_MARKS = 14  # up to here each is named beside its sign
LEFT, RIGHT = 1.62, 0.55  # inches beside the lanes
TURNED = 0.135  # from one upright saga id to the next
BAR = 0.13


class Drawing:
    """Lays a scene out when it is made, and draws it."""

    def __init__(self, scene: Scene, activity: Activity, colours: dict[str, str]) -> None:
        self.scene = scene
        self.activity = activity
        self.colours = colours
        self.wide = WIDTH - LEFT - RIGHT
        self.x = TimeScale(scene.start, scene.end, cuts(scene.moments()), self.wide)
        self.events = [one for one in scene.emissions if one.how != "renamed"]
        types = dict.fromkeys(one.event for one in activity.emissions if one.how != "renamed")
        self.shapes = {name: SHAPES[at % len(SHAPES)] for at, name in enumerate(types)}
        self.roomy = len(self.events) <= FEW_EVENTS
        self.marks = scene.marks
        self.rows = Rows(scene.works, scene.waits, self.events, scene.calls, activity.by, self.x)
        for mark in self.marks:  # also where nothing could be done
            for lane in activity.services_of(mark.place):
                if activity.kinds.get(lane) == "service":
                    self.rows.lanes.setdefault(lane, 1)
        self.lanes = sorted(self.rows.lanes, key=lambda name: activity.order.get(name, -1))
        self.labels = Labels(self.wide + RIGHT - 0.08)
        self.top: dict[str, float] = {}
        self.high = self._lay_out()

    def _lay_out(self) -> float:
        """The top of each lane; returns the height of all."""
        named = {chain.lane for chain in (*self.rows.events, *self.rows.calls, *self.rows.waits)}
        named |= {lane for mark in self.marks for lane in self._lanes_of(mark)}
        top = 0.24 if self.x.cuts else 0.08
        self.step = {}
        for lane in self.lanes:
            labelled = lane in named and self.roomy
            self.step[lane] = 0.5 if labelled else 0.3 if self.roomy else 0.22
            self.top[lane] = top
            top += max(self.rows.lanes[lane] * self.step[lane], 0.34) + (0 if labelled else 0.06)
        return top + (0.08 if self.roomy else 0.0)

    def _y(self, chain: Chain) -> float:
        step = self.step[chain.lane]
        single = max(step, 0.34) if self.rows.lanes[chain.lane] == 1 else step
        return self.top[chain.lane] + 0.03 + single / 2 + chain.row * step

    def _colour(self, saga: str | None) -> str:
        return self.colours.get(saga or "", GREY)

    def picture(self, title: str, alt: str) -> Picture:
        upright = self._upright()
        longest = max((width(saga, 8) / 72 for saga in self.scene.sagas), default=0.0)
        panel = Chart.of(
            title, alt, self.high, left=LEFT, right=0, above=longest + 0.12 if upright else 0.0,
            legend=list(
                legend(self.scene, self.colours, self.shapes, self.roomy, bool(self.x.cuts))
            ),
        )  # fmt: skip
        axes = panel.axes
        axes.set_xlim(0, self.wide + RIGHT)
        axes.set_ylim(self.high, 0)
        axes.spines["left"].set_visible(False)
        self._draw_ground(panel)
        self._draw_links(axes)
        self._draw_pieces(axes)
        self._draw_marks(axes)
        if self.roomy:
            self._name_pieces()
        if len(self.marks) <= FEW_MARKS:
            self._name_marks()
        for label in self.labels.placed:
            axes.text(label.x, label.y, label.text, size=label.size, color=INK, va="center",
                      ha="left", zorder=9)  # fmt: skip
        if upright:
            self._draw_upright(axes)
        return panel.picture

    # The ground: lanes, time, and what was cut from it.

    def _draw_ground(self, panel: Chart) -> None:
        axes = panel.axes
        edges = [*(self.top[lane] for lane in self.lanes), self.high]
        for a, b in list(pairwise(edges))[::2]:
            axes.axhspan(a, b, color="#F6F6F6", lw=0, zorder=0)
        axes.set_yticks([(a + b) / 2 for a, b in pairwise(edges)], self.lanes)
        axes.tick_params(axis="y", length=0, labelsize=9)
        unit, ticks = self.x.ticks()
        kept: list[tuple[float, str]] = []
        for at, text in ticks:
            half = width(text, 9) / 144 + 0.05
            if not kept or at - half > kept[-1][0] + width(kept[-1][1], 9) / 144:
                kept.append((at, text))
        axes.set_xticks([at for at, _ in kept], [text for _, text in kept])
        axes.tick_params(axis="x", labelsize=9)
        axes.set_xlabel(f"virtual time ({unit})", size=9, ha="right")
        axes.xaxis.set_label_coords(self.wide / panel.wide, -0.33 / panel.high)
        for cut in self.x.cuts:
            left, right = self.x(cut.begin), self.x(cut.end)
            axes.add_patch(
                Rectangle((left, 0), right - left, self.high, fc="white", ec="none", alpha=0.75,
                          zorder=6)
            )  # fmt: skip
            for edge in (left, right):
                axes.plot(
                    [edge, edge], [0, self.high], color=GREY, lw=0.8, ls=(0, (1, 2)), zorder=6
                )
                axes.plot([edge - 0.05, edge + 0.05], [self.high + 0.07, self.high - 0.07],
                          color=INK, lw=1, clip_on=False, zorder=8)  # fmt: skip
            axes.text((left + right) / 2, 0.12, roughly(cut.idle), size=8.5, color=INK,
                      ha="center", va="center", style="italic", zorder=8)  # fmt: skip
        for span in self.scene.spans:
            for lane in span.services:
                if lane in self.top:
                    self._shade(axes, lane, span.begin, span.end, span.text)

    def _shade(self, axes: Axes, lane: str, begin: int, end: int, text: str) -> None:
        left, right = self.x(begin), self.x(end)
        at = self.lanes.index(lane)
        bottom = self.top[self.lanes[at + 1]] if at + 1 < len(self.lanes) else self.high
        axes.add_patch(
            Rectangle((left, self.top[lane]), right - left, bottom - self.top[lane],
                      fc="#F3E0D3", ec=GREY, lw=0.8, ls="--", zorder=0.5)
        )  # fmt: skip
        self.labels.beside(text, (left + right) / 2, bottom - 0.12, off=0.0)

    # What happened.

    def _draw_links(self, axes: Axes) -> None:
        """From each event to the work that received it."""
        published: dict[str, list[tuple[int, float]]] = {}  # event id to when and at what height
        for event, chain in zip(self.events, self.rows.events, strict=True):
            published.setdefault(event.event_id, []).append((event.t, self._y(chain)))
        for event in self.scene.emissions:
            if event.how == "renamed" and event.causation_id in published:
                published.setdefault(event.event_id, published[event.causation_id])
        lines, colours = [], []
        waited = {wait.before: wait for wait in self.scene.waits}
        for place, work in self.scene.works.items():
            wait = waited.get(place)
            arrived = wait.begin if wait else work.begin
            earlier = [one for one in published.get(work.event_id or "", ()) if one[0] <= arrived]
            if not earlier or (wait and wait.why != "queued"):
                continue
            origin = self.x(earlier[-1][0]), earlier[-1][1]
            end = self.x(arrived), self._y(self.rows.works[place])
            self.labels.block_line(*origin, *end)
            if self.roomy:
                axes.add_patch(
                    FancyArrowPatch(origin, end, arrowstyle="-|>", mutation_scale=8, lw=0.9,
                                    color=self._colour(work.saga), shrinkA=0, shrinkB=1, zorder=3)
                )  # fmt: skip
            else:
                lines.append([origin, end])
                colours.append(self._colour(work.saga))
        axes.add_collection(LineCollection(lines, colors=colours, linewidths=0.6, zorder=3))

    def _draw_pieces(self, axes: Axes) -> None:
        for wait, chain in zip(self.scene.waits, self.rows.waits, strict=True):
            left, right, y = self.x(wait.begin), self.x(wait.end), self._y(chain)
            axes.plot(
                [left, right], [y, y], color=self._colour(wait.saga), lw=1.6, ls=":", zorder=4
            )
        for place, work in self.scene.works.items():
            self._bar(axes, work.begin, work.end, self._y(self.rows.works[place]), work.saga)
        for call, chain in zip(self.scene.calls, self.rows.calls, strict=True):
            self._bar(axes, call.begin, call.end, self._y(chain), call.saga, call.answered)
        size = 46 if self.roomy else 24
        for event, chain in zip(self.events, self.rows.events, strict=True):
            colour, x, y = self._colour(event.saga), self.x(event.t), self._y(chain)
            hollow = event.how in ("again", "enqueued")
            axes.scatter([x], [y], s=size, marker=self.shapes[event.event],
                         facecolor="white" if hollow else colour,
                         edgecolor="white" if self.roomy and not hollow else colour,
                         linewidth=1.2 if hollow else 0.6, zorder=7)  # fmt: skip
            self.labels.block(x - 0.06, y - 0.06, x + 0.06, y + 0.06)

    def _bar(
        self,
        axes: Axes,
        begin: int,
        end: int,
        y: float,
        saga: str | None,
        answered: bool | None = None,
    ) -> None:
        left = self.x(begin)
        long = max(self.x(end) - left, 0.025)
        colour = self._colour(saga)
        silent = answered is False
        axes.add_patch(
            Rectangle((left, y - BAR / 2), long, BAR, ec=colour, lw=0.8 if self.roomy else 0.5,
                      fc=tint(colour, 0.65) if answered is None else "white",
                      hatch="//////" if silent else None, zorder=5)
        )  # fmt: skip
        self.labels.block(left, y - BAR / 2, left + long, y + BAR / 2)

    def _name_pieces(self) -> None:
        for event, chain in zip(self.events, self.rows.events, strict=True):
            self.labels.beside(event.event, self.x(event.t), self._y(chain))
        for wait, chain in zip(self.scene.waits, self.rows.waits, strict=True):
            left, right = self.x(wait.begin), self.x(wait.end)
            if right - left > 0.3:
                text = f"waits {roughly(wait.end - wait.begin)}"
                self.labels.beside(text, (left + right) / 2, self._y(chain))
        for call, chain in zip(self.scene.calls, self.rows.calls, strict=True):
            said = call.outcome if call.answered else "no answer"
            middle = (self.x(call.begin) + self.x(call.end)) / 2
            self.labels.beside(f"{call.label}: {said}", middle, self._y(chain))

    def _lanes_of(self, mark: Mark) -> list[str]:
        found = [lane for lane in self.activity.services_of(mark.place) if lane in self.rows.lanes]
        if found or mark.event_id is None:
            return found
        return [
            chain.lane
            for event, chain in zip(self.events, self.rows.events, strict=True)
            if event.event_id == mark.event_id
        ][:1]

    def _signs(self) -> Iterator[tuple[Mark, float, float]]:
        for mark in self.marks:
            for lane in self._lanes_of(mark):
                yield mark, self.x(mark.t), self._y(self._chain_at(lane, mark))

    def _draw_marks(self, axes: Axes) -> None:
        for mark, x, y in self._signs():
            if mark.kind == "dead letter":
                axes.scatter([x], [y], s=90, marker=COFFIN, fc=RED, ec="white", lw=0.7, zorder=8)
            elif mark.bad:
                axes.scatter([x], [y], s=52, marker="X", fc=RED, ec="white", lw=0.7, zorder=8)
            else:
                axes.plot([x, x], [y - 0.13, y + 0.13], color=INK, lw=1.4, zorder=8)
            self.labels.block(x - 0.06, y - 0.06, x + 0.06, y + 0.06)

    def _name_marks(self) -> None:
        """What is said again and again of one saga on one lane is said once."""
        said = set()
        for mark, x, y in self._signs():
            if (mark.text, mark.saga, y) not in said:
                said.add((mark.text, mark.saga, y))
                self.labels.beside(mark.text, x, y, most=2.2)

    def _chain_at(self, lane: str, mark: Mark) -> Chain:
        """The row of the work that the mark is about, or of the wait that ends or begins there, or
        the lane's first."""
        inside = [
            self.rows.works[place]
            for place, work in self.scene.works.items()
            if work.service == lane and work.begin <= mark.t <= work.end
        ]
        same = [chain for chain in inside if any(
            self.scene.works[place].saga == mark.saga for place in chain.works)]  # fmt: skip
        waits = [
            chain
            for wait, chain in zip(self.scene.waits, self.rows.waits, strict=True)
            if chain.lane == lane and wait.saga == mark.saga and mark.t in (wait.begin, wait.end)
        ]
        return (same or waits or inside or [Chain(lane, mark.t, mark.t)])[0]

    # Which saga is which.

    def _upright(self) -> bool:
        many = len(self.scene.sagas) > FEW_SAGAS
        return many and len(self.scene.sagas) * TURNED <= self.wide

    def _draw_upright(self, axes: Axes) -> None:
        first: dict[str, float] = {}
        for work in self.scene.works.values():
            if work.saga:
                first.setdefault(work.saga, self.x(work.begin))
        places = spread(list(first.values()), TURNED, 0.0, self.wide + RIGHT)
        for (saga, wished), place in zip(first.items(), places, strict=True):
            axes.plot([wished, place], [0, -0.08], color=self._colour(saga), lw=0.8, clip_on=False)
            axes.text(place, -0.1, saga, size=8, rotation=90, ha="center", va="bottom",
                      color=INK)  # fmt: skip
