"""Measure texts in DejaVu Sans and break them into lines: widths in its size's unit."""

import re
import unicodedata
from functools import lru_cache

GLUE = "\u00a0"
_VALUE = re.compile(r"(?<=[:=]) | (?===)")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+")


def _table(ascii_widths: str, others: str) -> dict[str, int]:
    widths = dict(zip(map(chr, range(32, 127)), map(int, ascii_widths.split()), strict=True))
    return widths | {pair[0]: int(pair[1:]) for pair in others.split()}


# Thousandths of the size. A table, since to read them from the font takes longer than to draw;
# `tests/draw/test_svg.py` holds it against the font that matplotlib brings along.
_REGULAR = _table(
    "318 401 460 838 637 951 780 275 391 391 500 838 318 361 318 337 637 637 637 637 637 637 "
    "637 637 637 637 337 337 838 838 838 531 1000 685 687 699 771 632 576 775 752 295 295 656 "
    "558 863 749 788 604 788 695 635 611 732 685 989 686 611 686 391 337 391 838 500 500 613 "
    "635 550 635 616 353 635 634 278 278 580 278 975 634 612 635 635 412 521 393 634 592 818 "
    "592 592 525 637 337 637 838",
    "…1000 →838 ←838 ×838 –500 —1000 ·318 ✓838 ✗838 ⚡703 ’318 ≤838 ≥838 ß630 æ982 ø612 œ1023",
)
_BOLD = _table(
    "349 457 521 838 696 1002 873 307 458 458 523 838 380 416 380 366 696 696 696 696 696 696 "
    "696 696 696 696 400 400 838 838 838 581 1000 774 763 734 831 684 684 821 837 373 373 775 "
    "638 996 837 851 733 851 771 721 683 813 774 1104 771 725 726 458 366 458 838 500 500 675 "
    "716 593 716 679 436 716 712 343 343 666 343 1042 712 688 716 716 494 596 479 712 652 924 "
    "646 652 583 712 366 712 838",
    "…1000 →838 ←838 ×838 –500 —1000 ·380 ✓838 ✗838 ⚡703 ’380 ≤838 ≥838 ß720 æ1048 ø688 œ1095",
)
_WIDE, _OTHER = 1_000, 750  # of letters that the tables lack: East Asian ones, and all else


@lru_cache(maxsize=20_000)
def width(text: str, size: float, bold: bool = False) -> float:
    """Return how wide one line is."""
    table = _BOLD if bold else _REGULAR
    return sum(table.get(letter) or _unusual(letter, table) for letter in text) * size / 1_000


def _unusual(letter: str, table: dict[str, int]) -> int:
    """Return the width of a letter as that of the one without its accents."""
    if letter == GLUE:
        return table[" "]
    plain = unicodedata.normalize("NFKD", letter)[0]
    if unicodedata.combining(plain):
        return 0
    wide = unicodedata.east_asian_width(plain) in "WF"
    return table.get(plain, _WIDE if wide else _OTHER)


def wrapped(text: str, size: float, most: float, lines: int, bold: bool = False) -> tuple[str, ...]:
    """Return the text in at most so many lines of at most that width, all about equally long.

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
    """Return the text, or as much of its beginning as fits with an ellipsis."""
    if width(text, size, bold) <= most:
        return text
    while text and width(text + "…", size, bold) > most:
        text = text[:-1].rstrip()
    return text + "…"


def humps(name: str) -> list[str]:
    """Return the parts of a name written in CamelCase."""
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
    """Divide a word that is too wide for a line: at its humps, or anywhere if need be."""
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
