"""Every text that a person sees stands in the files of the languages, and each has all of them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.web.site import STATIC
from openapi.document import Document
from support import Service

SOURCES = [path for folder in ("components", "state") for path in (STATIC / folder).glob("*.js")]
LANGUAGES = sorted(path for path in (STATIC / "text").glob("strings.*.js"))

# What is between tags or in an attribute that people read, once the parts that are computed are cut out.
SHOWN = re.compile(
    r">\s*([^<>$`{}]*[A-Za-z]{2}[^<>$`{}]*)<|(?:aria-label|title|placeholder|alt)=\"([^\"]+)\""
)


def literals(source: str) -> list[str]:
    """The texts that the templates of a module would show by themselves."""
    found = []
    for template in re.findall(r"(?s)html`(.*?)(?<!\\)`", flat(source)):
        found += [one for pair in SHOWN.findall(template) for one in pair if one.strip()]
    return found


def flat(source: str) -> str:
    """Without what is computed in a template: `${...}`, also where templates are in it."""
    kept, depth, place = [], 0, 0
    while place < len(source):
        if source.startswith("${", place):
            depth += 1
            place += 2
        elif depth and source[place] in "{}":
            depth += 1 if source[place] == "{" else -1
            place += 1
        else:
            if not depth:
                kept.append(source[place])
            place += 1
    return "".join(kept)


def test_no_module_shows_a_text_of_its_own() -> None:
    assert len(SOURCES) > 20
    assert {path.name: literals(path.read_text()) for path in SOURCES if literals(path.read_text())} == {}


@pytest.mark.parametrize(
    "planted", ["html`<p>Hello there</p>`", 'html`<button aria-label="Close">${x}</button>`']
)
def test_a_planted_text_is_found(planted: str) -> None:
    assert literals(planted)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_each_language_says_everything() -> None:
    script = (
        "const shape = (value) => typeof value === 'function' ? `function of ${value.length}`"
        " : Array.isArray(value) ? value.map(shape) : typeof value === 'object'"
        " ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)])) : typeof value;"
        "for (const file of process.argv.slice(1))"
        " console.log(JSON.stringify(shape((await import(file)).default)))"
    )
    said = subprocess.run(
        ["node", "--input-type=module", "-e", script, *(path.as_uri() for path in LANGUAGES)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    shapes = [json.loads(line) for line in said]
    assert len(shapes) >= 2
    assert all(shape == shapes[0] for shape in shapes)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda path: path.name)
def test_each_refusal_about_accounts_has_a_sentence(language: Path, service: Service) -> None:
    (sentences,) = re.findall(r"(?s)\n  problems: \{\n(.*?)\n  \},", language.read_text())
    told = set(re.findall(r"(?m)^    (\w+): ", sentences))
    codes = {
        code
        for operation in Document(service.client().get("/openapi.json").json()).operations
        if operation.path.startswith("/api/auth/")
        for code in operation.problems
    }
    assert {"password_wrong", "confirmation_wrong", "rate_limited"} < codes
    assert codes - told == {"origin_refused"}  # browsers keep it from the page that it is said to


def test_every_language_is_used_and_every_text_too() -> None:
    code = "".join(
        path.read_text() for path in [*SOURCES, *STATIC.glob("*.js"), *(STATIC / "text").glob("*.js")]
    )
    names = re.findall(r"(?m)^  (\w+): ", (STATIC / "text" / "strings.en.js").read_text())
    assert len(names) > 50
    assert [name for name in names if not re.search(rf"text\.{name}\b|\b{name} }} = app\.text", code)] == []
    for path in LANGUAGES:
        assert f"'./{path.name}'" in code
