"""The template language through the public command: suites in the Golden Liquid form, render fixtures, and every
example of the language page.

SUITE names a suite (several are separated by spaces); otherwise ../shared/liquid/golden_liquid.json is taken where
there is one. The suite of this project is run always."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess

import pytest

from relay import LETTERSHOP, ROOT

SHARED = ROOT.parent / "shared/liquid"
OWN = ROOT / "tests/conformance/own.json"
NOW = "2025-06-15T15:06:40Z"  # one of the fixtures prints the year
ENVIRONMENT = {**os.environ, "TZ": "UTC"}


def suites():
    named = [pathlib.Path(p) for p in os.environ.get("SUITE", "").split()]
    found = named or [p for p in [SHARED / "golden_liquid.json"] if p.exists()]
    return found + [OWN]


def render(folder, *arguments):
    done = subprocess.run([LETTERSHOP, "render", "template", "--date", NOW, *arguments], cwd=folder, env=ENVIRONMENT,
                          capture_output=True, check=False)
    assert done.returncode in (0, 2), done
    return None if done.returncode else done.stdout


def case_result(folder, case):
    """What the command printed, or None for a mistake."""
    folder.mkdir()
    arguments = []
    (folder / "template").write_text(case["template"], newline="")
    if case.get("data") is not None:
        (folder / "data.json").write_text(json.dumps(case["data"]))
        arguments += ["--data", "data.json"]
    if case.get("templates"):
        for name, text in case["templates"].items():
            part = folder / "parts" / name
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, newline="")
        arguments += ["--partials", "parts"]
    return render(folder, *arguments)


def as_wanted(case, got):
    if case.get("invalid"):
        return got is None
    return got is not None and got.decode() in case.get("results", [case.get("result")])


@pytest.mark.parametrize("suite", suites(), ids=lambda p: p.name)
def test_suite(tmp_path, suite):
    cases = json.loads(suite.read_text())["tests"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda i: case_result(tmp_path / str(i), cases[i]), range(len(cases))))
    wrong = [f"{c['name']}: {got!r}" for c, got in zip(cases, results) if not as_wanted(c, got)]
    assert cases and not wrong, f"{len(cases) - len(wrong)} passed, {len(wrong)} failed\n" + "\n".join(wrong)


@pytest.mark.parametrize("folder", sorted(p.parent for p in SHARED.glob("*/expected_result.txt")), ids=lambda p: p.name)
def test_fixture(folder):
    done = subprocess.run([LETTERSHOP, "render", "templates/index.liquid", "--data", "data.json", "--partials", "templates",
                           "--date", NOW], cwd=folder, env=ENVIRONMENT, capture_output=True, check=True)
    wanted = (folder / "expected_result.txt").read_bytes()
    # The file ends with a line break also where the template does not.
    assert done.stdout == wanted or done.stdout + b"\n" == wanted


def page_examples():
    """(template, what it prints, html) of each example in the language page."""
    kind, source = None, []
    for line in (ROOT / "templates/liquid/README.md").read_text().split("\n"):
        if line.startswith("```"):
            kind = None if kind else line[3:] or "other"
            source = []
        elif kind in ("liquid", "html") and line.startswith("→ "):
            yield "\n".join(source), line[2:], kind == "html"
            source = []
        elif kind:
            source.append(line)


def page_data():
    """The list that the page says its examples have."""
    text = (ROOT / "templates/liquid/README.md").read_text()
    named = re.search(r"In the examples the\nlist has (.*?); the time is", text, re.S) or re.search(
        r"In the examples the list has (.*?); the time is", text, re.S)
    cells = re.findall(r"`(\w+)` \(`?([^`)]*)`?\)", named.group(1).replace("\n", " "))
    return {name: "" if cell == "empty" else cell for name, cell in cells}


def test_language_page(tmp_path):
    data, wrong, examples = page_data(), [], list(page_examples())
    assert {"name": "Ann", "code": "007", "city": "", "bio": "<b> & more"}.items() <= data.items()
    variables = [f"--var={name}={cell}" for name, cell in data.items()]
    for source, wanted, html in examples:
        (tmp_path / "template").write_text(source)
        done = subprocess.run([LETTERSHOP, "render", "template", "--date", "2026-11-23T05:40:08Z", *variables,
                               *(["--html"] if html else [])],
                              cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode or done.stdout != wanted:
            wrong.append(f"{source}\n  got:    {done.stdout}{done.stderr}\n  wanted: {wanted}")
    assert len(examples) >= 60 and not wrong, "\n".join(wrong)
