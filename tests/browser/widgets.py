"""The player and the controls in an open page, found as a learner or a screen reader finds them."""

from playwright.sync_api import Locator, Page, expect


class Player:
    """One that is open in a page; its parts are found by the names that a screen reader says."""

    def __init__(self, whole: Locator) -> None:
        self.whole = whole
        self.said = whole.get_by_role("status", name="What happens")
        self.slider = whole.get_by_role("slider", name="Step")
        self.sagas = whole.get_by_role("combobox", name="Saga")
        self.diagram = whole.get_by_role("group", name="Diagram")

    @classmethod
    def of(cls, page: Page) -> "Player":
        return cls(page.get_by_role("group", name="Player"))

    def button(self, name: str) -> Locator:
        return self.whole.get_by_role("button", name=name)

    def expect_step(self, step: int) -> None:
        expect(self.whole.locator(".counter")).to_contain_text(f"step {step} of ")

    def last(self) -> int:
        return int(self.slider.get_attribute("max") or 0)

    def uncovered(self) -> float:
        """How much of the diagram is seen, in pixels from its top: what is to come is covered."""
        picture = self.whole.locator(".diagram > svg").bounding_box()
        cover = self.whole.locator("rect.cover")
        assert picture is not None
        if cover.get_attribute("visibility") == "hidden":
            return picture["height"]
        return float(cover.evaluate("rect => rect.getBoundingClientRect().top")) - picture["y"]


class Controls:
    """Of one scenario, open in a page."""

    def __init__(self, whole: Locator) -> None:
        self.whole = whole
        self.outcome = whole.get_by_role("table", name="Outcome")
        self.timeline = whole.get_by_role("img", name="Timeline")
        self.calls = whole.locator(".sequence .says", has_text="executePayment()")

    @classmethod
    def of(cls, page: Page) -> "Controls":
        return cls(page.locator(".sagakit-controls"))

    def knob(self, name: str) -> Locator:
        return self.whole.get_by_role("slider", name=name)
