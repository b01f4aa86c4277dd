"""Lettering: how wide a text is, and how it breaks into lines. Widths in points."""

import re
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

FAMILY = "DejaVu Sans"  # comes with matplotlib: the same letters on every machine
GLUE = "\u00a0"
_VALUE = re.compile(r"(?<=[:=]) | (?===)")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+")


@lru_cache(maxsize=10_000)
def width(text: str, size: float, bold: bool = False) -> float:
    """How wide one line is."""
    font = FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrapped(text: str, size: float, most: float, lines: int, bold: bool = False) -> tuple[str, ...]:
    """The text in at most so many lines of at most that width, all about equally long.

    What does not fit ends with an ellipsis; a word that is too wide for a line is divided. A name
    stays with its value (`version: 1`, `version == 1`) where there is room.
    """
    text = _VALUE.sub(GLUE, text)
    full = _greedy(text, size, most, bold)
    if len(full) > lines:
        last = " ".join(full[lines - 1 :])
        full = (*full[: lines - 1], elided(last, size, most, bold))
        return tuple(line.replace(GLUE, " ") for line in full)
    widest_word = max((width(word, size, bold) for word in text.split(" ")), default=0.0)
    narrow, wide = max(most / 2, min(widest_word, most)), most
    while len(full) > 1 and wide - narrow > 2:
        middle = (narrow + wide) / 2
        if len(_greedy(text, size, middle, bold)) > len(full):
            narrow = middle
        else:
            wide = middle
    return tuple(line.replace(GLUE, " ") for line in _greedy(text, size, wide, bold))


def elided(text: str, size: float, most: float, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits with an ellipsis."""
    if width(text, size, bold) <= most:
        return text
    while text and width(text + "…", size, bold) > most:
        text = text[:-1].rstrip()
    return text + "…"


def humps(name: str) -> list[str]:
    """The parts of a name written in CamelCase."""
    return _HUMPS.findall(name) or [name]


def _greedy(text: str, size: float, most: float, bold: bool) -> tuple[str, ...]:
    space = width("n n", size, bold) - width("nn", size, bold)
    lines: list[str] = []
    room = 0.0
    words = [part for word in text.split(" ") for part in _divided(word, size, most, bold)]
    for word in words:
        needed = width(word, size, bold)
        if lines and needed + space <= room:
            lines[-1] += f" {word}"
            room -= needed + space
        else:
            lines.append(word)
            room = most - needed
    return tuple(lines)


def _divided(word: str, size: float, most: float, bold: bool) -> list[str]:
    """A word, in pieces if it is too wide for a line: at its humps, or anywhere if need be."""
    if width(word, size, bold) <= most:
        return [word]
    if GLUE in word:
        return [piece for part in word.split(GLUE) for piece in _divided(part, size, most, bold)]
    pieces: list[str] = []
    for hump in humps(word):
        for letter in [hump] if width(hump, size, bold) <= most else hump:
            if pieces and width(pieces[-1] + letter, size, bold) <= most:
                pieces[-1] += letter
            else:
                pieces.append(letter)
    return pieces
