"""What all pages share: templates, the style sheet, and a policy that blocks all requests."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.reports import layer_wording, wording

_TEMPLATES = "templates"


def render(template: str, *, style: str, script: str = "", **content: object) -> str:
    """A page from a template, with its one style sheet and its one script, and a policy that names their hashes.

    Both are our own files without student text, so they are included unescaped.
    """
    sources = {"style": style, "script": script}
    marked = {name: Markup(source) for name, source in sources.items()}
    return environment().get_template(template).render(**content, **marked, policy=_policy(style, script))


@cache
def file(*names: str) -> str:
    """The text of template files, one after the other."""
    folder = resources.files(__package__).joinpath(_TEMPLATES)
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


@cache
def templates() -> str:
    """SHA-256 of every template, style sheet and script."""
    read = sorted((file.name, file.read_bytes()) for file in template_files())
    return hashlib.sha256(repr(read).encode()).hexdigest()


def template_files() -> list[Traversable]:
    """Every file that pages are made of."""
    return [item for item in resources.files(__package__).joinpath(_TEMPLATES).iterdir() if item.is_file()]


@cache
def environment() -> Environment:
    """Jinja with autoescape for every template: all text is treated as a student's."""
    made = Environment(
        loader=PackageLoader(__package__, _TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    made.globals["words"] = wording
    made.globals["layer_words"] = layer_wording
    return made


def _policy(style: str, script: str) -> str:
    """A content security policy: this style sheet, this script, inline pictures, and nothing else."""
    scripts = f"script-src {_hash(script)}; " if script else ""
    return f"default-src 'none'; style-src {_hash(style)}; {scripts}img-src data:; base-uri 'none'; form-action 'none'"


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
