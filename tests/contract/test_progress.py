"""Progress is shown to somebody who looks, and leaves nothing behind."""

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from sagakit.contract.terminal import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Notebook:
    """What stands in for IPython: the displays that a cell made, and what each shows last."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.display = SimpleNamespace(HTML=lambda text: text, display=self._made)

    def get_ipython(self) -> Any:
        return SimpleNamespace(kernel=object())

    def _made(self, text: str, *, display_id: bool) -> Any:
        assert display_id
        self.shown.append(text)
        return SimpleNamespace(update=lambda text: self.shown.append(text))


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    made = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", made)
    monkeypatch.setitem(sys.modules, "IPython.display", made.display)
    monkeypatch.delenv("SAGAKIT_PROGRESS", raising=False)
    return made


def told() -> None:
    progress = Progress()
    progress.say("7 states")
    progress.done()


def test_a_terminal_shows_a_line_that_is_wiped_out(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    told()
    first, last = terminal.getvalue()[:9], terminal.getvalue()[-71:]
    assert first == "\r7 states"
    assert last.strip() == ""
    assert last.endswith("\r")


def test_a_pipe_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told()
    assert capsys.readouterr() == ("", "")


def test_an_open_notebook_shows_one_line_and_then_an_empty_one(notebook: Notebook) -> None:
    told()
    assert notebook.shown == ["<em>7 states</em>", ""]


def test_a_notebook_that_is_executed_to_be_saved_shows_nothing(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGAKIT_PROGRESS", "no")
    told()
    assert notebook.shown == []


def test_work_that_is_done_at_once_says_nothing(notebook: Notebook) -> None:
    progress = Progress()
    assert not progress.due
    progress.done()
    assert notebook.shown == []
