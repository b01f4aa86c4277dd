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
       max-width: 54rem; margin: 0 auto; padding: 1rem; }}
h1 {{ font-size: 1.75rem; margin: 0.5rem 0; }}
a {{ color: #0072b2; }}
nav ol {{ margin: 0; padding-left: 1.5rem; }}
pre {{ overflow-x: auto; padding: 0.75rem 1rem; background: #f5f5f5; font-size: 0.9rem; }}
section {{ border-top: 1px solid #d9d9d9; margin-top: 2.5rem; }}
figure {{ margin: 1.5rem 0 2.5rem; }}
figure > a {{ display: block; overflow-x: auto; }}
figcaption {{ color: #444; }}
details p {{ white-space: pre-line; }}
.top {{ text-align: right; margin: 0; }}
@media (min-width: 75rem) {{
  body {{ max-width: 72rem; display: grid; grid-template-columns: 15rem 54rem; gap: 0 2rem; }}
  header {{ grid-column: 1 / -1; }}
  nav {{ position: sticky; top: 1rem; align-self: start; padding-top: 1rem; }}
}}
</style>
</head>
<body id="top">
<header>
<h1>A payment system in pictures</h1>
<p>Each picture, and what it says in words, is made from runs or from the data behind them.</p>
</header>
<nav aria-label="Contents"><ol>
{links}
</ol></nav>
<main>
<pre>{outcome}</pre>
{sections}
</main>
</body>
</html>
"""

SECTION = """\
<section id="{name}">
<h2>{title}</h2>
{told}
<p><code>{command}</code></p>
{figures}
<p class="top"><a href="#top">Back to the top</a></p>
</section>
"""

FIGURE = """\
<figure>
<a href="{file}"><img src="{file}" alt="{alt}"></a>
<figcaption>{caption}</figcaption>
<details><summary>The same in words</summary><p>{alt}</p></details>
</figure>
"""
