"""render: plain Liquid to standard output."""
import json
import subprocess

import pytest

from relay import LETTERSHOP, lettershop
from terminal import Terminal


def render(folder, template, *arguments, check=0):
    (folder / "t.liquid").write_text(template)
    return lettershop("render", "t.liquid", *arguments, cwd=folder, check=check)


def test_values(tmp_path):
    (tmp_path / "d.json").write_text(json.dumps({"name": "Ann", "n": 3, "list": [1, 2], "o": {"k": "v"}}))
    assert render(tmp_path, "{{ name }} {{ n | plus: 1 }} {% for i in list %}[{{ i }}]{% endfor %} {{ o.k }}{{ none }}!",
                  "--data", "d.json").stdout == "Ann 4 [1][2] v!"


def test_var_wins_over_data(tmp_path):
    (tmp_path / "d.json").write_text('{"name": "Ann", "other": "x"}')
    assert render(tmp_path, "{{ name }}{{ other }}", "--data", "d.json", "--var", "name=Bob").stdout == "Bobx"


def test_html_escapes(tmp_path):
    assert render(tmp_path, "{{ a }}", "--var", "a=<b>").stdout == "<b>"
    assert render(tmp_path, "{{ a }}", "--var", "a=<b>", "--html").stdout == "&lt;b&gt;"


def test_no_line_break_is_added_or_lost(tmp_path):
    assert render(tmp_path, "").stdout == ""
    assert render(tmp_path, "a\n\n").stdout == "a\n\n"


def test_date(tmp_path):
    assert render(tmp_path, "{{ 'now' | date: '%Y-%m-%d %H:%M' }}", "--date", "2026-03-01T09:30Z").stdout == \
        "2026-03-01 09:30"


def test_standard_input(tmp_path):
    done = subprocess.run([LETTERSHOP, "render", "-", "--var", "a=b"], input="x{{ a }}", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "xb")


@pytest.mark.parametrize("template, place", [("ok\n  {% if x %}", "t.liquid:2:"), ("{{ a | nofilter }}", "t.liquid:1:")])
def test_mistakes_have_a_place(tmp_path, template, place):
    done = render(tmp_path, template, check=2)
    assert done.stderr.startswith(place) and done.stdout == ""


def test_wrong_data(tmp_path):
    (tmp_path / "d.json").write_text('{"a":\n tru }')
    assert "d.json:2:" in render(tmp_path, "x", "--data", "d.json", check=2).stderr
    (tmp_path / "d.json").write_text('[1]')
    assert "d.json:1:1: the data is not a JSON object" in render(tmp_path, "x", "--data", "d.json", check=2).stderr


def test_no_file(tmp_path):
    assert "none.liquid" in lettershop("render", "none.liquid", cwd=tmp_path, check=2).stderr


def test_numbers_of_json_are_exact(tmp_path):
    (tmp_path / "d.json").write_text('{"a": 1.0, "b": 1e3, "c": 123456789012345678901234567890, "d": [-9223372036854775809]}')
    assert render(tmp_path, "{{ a }} {{ b }} {{ c | plus: 1 }} {{ d[0] }} {% if a == 1 %}{{ c | json }}{% endif %}{{ a.size }}",
                  "--data", "d.json").stdout == \
        "1.0 1000.0 123456789012345678901234567891 -9223372036854775809 123456789012345678901234567890"


def test_variables_are_untyped(tmp_path):
    assert render(tmp_path, "{% if n > 5 %}{{ n }}{% endif %}{% if e %}no{% endif %}", "--var", "n=007", "--var", "e="
                  ).stdout == "007"


def test_links(tmp_path):
    page = '<a href="{{ u }}">'
    assert render(tmp_path, page, "--html", "--var", "u=https://a/?b&c").stdout == '<a href="https://a/?b&amp;c">'
    wrong = render(tmp_path, page, "--html", "--var", "u=java\tscript:x", check=2)
    assert (wrong.stdout, "1:13: a link 'javascript:' is not sent" in wrong.stderr) == ("", True)


def test_steps_end_a_render(tmp_path):
    wrong = render(tmp_path, "{% for i in (1..99999999) %}{% endfor %}", check=2)
    assert "t.liquid:1:1: this row takes more than 10000000 steps" in wrong.stderr


def test_bounds(tmp_path):
    loop, deep = "{% for i in (1..100) %}{{ i }}{% endfor %}", "{% if true %}" * 101 + "x" + "{% endif %}" * 101
    assert render(tmp_path, loop, "--max-steps", "1000").returncode == 0
    assert "more than 100 steps" in render(tmp_path, loop, "--max-steps", "100", check=2).stderr
    assert "more than 50 bytes" in render(tmp_path, loop, "--max-output", "50", check=2).stderr
    assert "more than 100 blocks" in render(tmp_path, deep, check=2).stderr
    assert render(tmp_path, deep, "--max-nesting", "101").stdout == "x"


def test_caret_on_a_terminal(tmp_path):
    (tmp_path / "t.liquid").write_text("one\nHä {{ name | upcaze }}\tx\n")
    t = Terminal("render", "t.liquid", cwd=tmp_path)
    t.end()
    assert "  Hä {{ name | upcaze }} x\r\n               ^\r\n" in t.text
    assert "^" not in lettershop("render", "t.liquid", cwd=tmp_path, check=2).stderr
