"""A page to look at figures: each with its caption, and with what it shows in words."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple


class Shown(NamedTuple):
    """A figure that was written: the file's name, the caption, and what it shows in words."""

    file: str
    caption: str
    alt: str


class Section(NamedTuple):
    """Figures that belong together. `told` are paragraphs, `command` is what shows it again."""

    name: str
    title: str
    told: Sequence[str]
    command: str
    figures: Sequence[Shown]


def page(outcome: str, sections: Sequence[Section]) -> str:
    """The page as HTML that needs nothing but the figures beside it."""
    links = "\n".join(
        f'<li><a href="#{escape(one.name)}">{escape(one.title)}</a></li>' for one in sections
    )
    body = "\n".join(map(_section, sections))
    return PAGE.format(outcome=escape(outcome), links=links, sections=body)


def _section(section: Section) -> str:
    return SECTION.format(
        name=escape(section.name),
        title=escape(section.title),
        told="\n".join(f"<p>{escape(text)}</p>" for text in section.told),
        command=escape(section.command),
        figures="\n".join(map(_figure, section.figures)),
    )


def _figure(shown: Shown) -> str:
    return FIGURE.format(
        file=escape(shown.file), caption=escape(shown.caption), alt=escape(shown.alt)
    )


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sagakit: the gallery</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 62rem; margin: 0 auto; padding: 1rem; }}
pre {{ overflow-x: auto; padding: 0.75rem 1rem; background: #f5f5f5; }}
section {{ border-top: 1px solid #d9d9d9; margin-top: 2.5rem; }}
figure {{ margin: 1.5rem 0 2.5rem; }}
img {{ max-width: 100%; height: auto; }}
figcaption {{ color: #444; }}
details p {{ white-space: pre-line; }}
</style>
</head>
<body>
<h1>A payment system: six runs, its deployment, every order, and what if</h1>
<p>Each picture, and what it says in words, is made from runs or from the data behind them.</p>
<pre>{outcome}</pre>
<nav><ol>
{links}
</ol></nav>
{sections}
</body>
</html>
"""

SECTION = """\
<section id="{name}">
<h2>{title}</h2>
{told}
<p><code>{command}</code></p>
{figures}
</section>
"""

FIGURE = """\
<figure>
<a href="{file}"><img src="{file}" alt="{alt}"></a>
<figcaption>{caption}</figcaption>
<details><summary>The same in words</summary><p>{alt}</p></details>
</figure>
"""
