"""preview: the messages as files, and pages that load nothing and run nothing of the letter."""
import base64
import email
import email.policy
import hashlib
import html
import html.parser
import json
import re

import pytest

from relay import lettershop, write_letter, write_list

HOSTILE = """\
<!DOCTYPE html><html><head><link rel=stylesheet href="http://evil.example/css"><LINK rel=preconnect href=//evil.example>
<meta http-equiv=refresh content="0;url=http://evil.example/"><base href="http://evil.example/">
<style>@import url(http://evil.example/i);</style></head><body onload="alert(1)">
"></iframe><script>document.body.textContent='ESCAPED'</script>&quot;&gt;</iframe><script>alert(2)</script>
<img src="http://evil.example/x.png"><img src='cid:dot.gif'><img src=cid:none.gif>
<script>alert(3)</script><iframe src="http://evil.example/"></iframe><a href="http://evil.example/" target=_top>x</a>
<p>{{ name }}</p></body></html>
"""
DOT = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.text = [], [], ""
        self.inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        else:
            self.text += data

    def all(self, tag):
        return [a for t, a in self.tags if t == tag]

    def policy(self):
        metas = [a["content"] for a in self.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
        assert len(metas) == 1
        return {rule.split()[0]: rule.split()[1:] for rule in metas[0].split(";")}


def preview(folder, *arguments, status=0):
    return lettershop("preview", "letter.eml", "list.csv", "--out", "p", *arguments, cwd=folder, check=status)


def list_items(folder):
    items = []
    for path in sorted((folder / "p/list").iterdir()):
        number, rows = re.fullmatch(r"lettershopList\((\d+),(\[.*\])\)\n", path.read_text(), re.S).groups()
        assert int(number) == int(path.stem)
        items += json.loads(rows)
    return items


def check_scripts(page):
    """Only the page's own script may run: the policy names it by its hash, and nothing else."""
    policy = page.policy()
    assert policy["default-src"] == ["'none'"] and policy["img-src"] == ["data:"]
    assert policy["base-uri"] == policy["form-action"] == ["'none'"]
    hashes = ["'sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() + "'" for s in page.scripts]
    assert len(hashes) == 1 and policy["script-src"][0] == hashes[0]
    return policy


def test_files(shop):
    write_list(shop / "list.csv", 12)
    out = preview(shop, "--limit", 7).stdout
    assert "7 messages" in out and "p/index.html" in out
    assert sorted(p.name for p in (shop / "p").iterdir()) == [".made-by-lettershop-preview", "eml", "index.html", "list",
                                                            "m"]
    names = sorted(p.name for p in (shop / "p/eml").iterdir())
    assert names == [f"{i:06}-user{i}@list.example.eml" for i in range(1, 8)]
    assert sorted(p.name for p in (shop / "p/m").iterdir()) == [f"{i:06}.html" for i in range(1, 8)]
    message = email.message_from_bytes((shop / "p/eml" / names[2]).read_bytes(), policy=email.policy.default)
    assert message["To"].addresses[0].addr_spec == "user3@list.example" and message.defects == []


def test_the_first_hundred(shop):
    write_list(shop / "list.csv", 130)
    assert "--limit all" in preview(shop).stdout
    assert len(list((shop / "p/eml").iterdir())) == 100
    assert "--limit all" not in preview(shop, "--limit", "all").stdout
    assert len(list((shop / "p/eml").iterdir())) == 130


def test_same_bytes_again(shop):
    write_list(shop / "list.csv", 3)
    read = lambda: {p.name: p.read_bytes() for p in (shop / "p/eml").iterdir()}
    fixed = ["--seed", "5", "--date", "2026-03-01T09:00Z"]
    preview(shop, *fixed)
    first = read()
    preview(shop, *fixed)
    assert read() == first
    preview(shop, "--seed", "6", "--date", "2026-03-01T09:00Z")
    assert read() != first


def test_same_bytes_as_sent(shop):
    write_list(shop / "list.csv", 3)
    fixed = ["--seed", "5", "--date", "2026-03-01T09:00Z"]
    preview(shop, *fixed)
    lettershop("send", "letter.eml", "list.csv", "--relay", "eml:sent", "--yes", *fixed, cwd=shop, check=0)
    assert sorted(p.read_bytes() for p in (shop / "p/eml").iterdir()) == \
        sorted(p.read_bytes() for p in (shop / "sent").iterdir() if p.is_file())


def test_pages_link_to_each_other(shop):
    write_list(shop / "list.csv", 3)
    preview(shop)
    links = [{a.get("id"): a["href"] for a in Page(p.read_text()).all("a")} for p in sorted((shop / "p/m").iterdir())]
    assert "previous" not in links[0] and links[0]["next"] == "000002.html"
    assert links[1]["previous"] == "000001.html" and links[1]["next"] == "000003.html"
    assert "next" not in links[2]


def test_index_and_list(shop):
    write_list(shop / "list.csv", 1203)
    preview(shop, "--limit", "all")
    items = list_items(shop)
    assert len(items) == 1203 and [i[0] for i in items] == list(range(2, 1205))
    assert items[700][1].endswith("<user701@list.example>") and items[700][2] == "Hello Name 701"
    assert len(list((shop / "p/list").iterdir())) == 3
    index = shop / "p/index.html"
    assert index.stat().st_size < 20000
    page = Page(index.read_text())
    policy = check_scripts(page)
    assert policy["frame-src"] == ["'self'", "file:"] and page.all("body")[0]["data-items"] == "1203"
    assert all(p.stat().st_size < 200000 for p in (shop / "p/list").iterdir())


@pytest.fixture
def hostile(shop):
    (shop / "dot.gif").write_bytes(DOT)
    (shop / "letter.html").write_text(HOSTILE)
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: {{ name }}\nHtml-Body: letter.html\n"
                 "Inline: dot.gif\nAttachment: dot.gif; name=\"&lt;x.gif\"\n\n</pre><script>alert(4)</script>{{ name }}\n")
    (shop / "list.csv").write_text('email,name\na@b.example,"</script></title><script>alert(5)</script>&amp;\'"\n')
    preview(shop)
    return shop


def test_hostile_letter_stays_in_its_frame(hostile):
    text = (hostile / "p/m/000001.html").read_text()
    page = Page(text)
    check_scripts(page)
    assert "alert(" not in page.scripts[0]
    frames = page.all("iframe")
    assert len(frames) == 1 and frames[0]["sandbox"] == "" and "src" not in frames[0]
    assert [t for t, _ in page.tags if t in ("link", "base", "img", "object", "form", "embed")] == []
    assert all(not k.startswith("on") for _, a in page.tags for k in a)
    assert all("evil.example" not in str(v) for t, a in page.tags for k, v in a.items() if k != "srcdoc")
    assert "</script></title><script>alert(5)</script>&amp;'" in page.text
    assert "</pre><script>alert(4)</script>" in page.text
    assert "&lt;x.gif" in page.text and "image/gif" in page.text


def test_frame_has_its_own_policy_and_no_help_for_fetching(hostile):
    frame = Page(Page((hostile / "p/m/000001.html").read_text()).all("iframe")[0]["srcdoc"])
    assert frame.tags[0] == ("meta", {"http-equiv": "Content-Security-Policy",
                                      "content": "default-src 'none'; img-src data:; style-src 'unsafe-inline'"})
    assert frame.all("link") == frame.all("base") == []
    assert [m for m in frame.all("meta") if m.get("http-equiv") == "refresh"] == []
    images = [i["src"] for i in frame.all("img")]
    assert "data:image/gif;base64," + base64.b64encode(DOT).decode() in images
    assert "alert(5)" in frame.text  # as text


def test_hostile_rows_in_the_list(hostile):
    raw = (hostile / "p/list/000001.js").read_text()
    assert "<" not in raw and list_items(hostile)[0][2].startswith("</script></title>")
    assert "alert" not in (hostile / "p/index.html").read_text()


def test_hostile_addresses_make_safe_names(shop):
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ email }}\nSubject: s\n\nHi\n")
    (shop / "list.csv").write_text('email\n"""../../x""@b.example"\na/b$(id)@b.example\n-rf@b.example\n')
    preview(shop)
    names = sorted(p.name for p in (shop / "p/eml").iterdir())
    assert len(names) == 3
    for i, name in enumerate(names):
        assert re.fullmatch(rf"00000{i + 1}-[A-Za-z0-9@._+-]+\.eml", name)


def test_rows_that_cannot_be_sent_have_a_page(shop):
    (shop / "list.csv").write_text("email,name,plan\na@b.example,A,\nno address,B,\nc@b.example,C,\n")
    done = preview(shop, status=2)
    assert "list.csv:3:" in done.stderr and "2 messages" in done.stdout and "1 row that cannot be sent" in done.stdout
    items = list_items(shop)
    assert [i[0] for i in items] == [2, 3, 4] and [bool(i[3]) for i in items] == [False, True, False]
    assert "This row cannot be sent" in Page((shop / "p/m/000002.html").read_text()).text


def test_a_wrong_letter_writes_nothing(shop):
    write_list(shop / "list.csv", 2)
    write_letter(shop / "letter.eml", "From: a@b.example\nTo: {{ emial }}\nSubject: s\n\nHi\n")
    assert "letter.eml:2:" in preview(shop, status=2).stderr
    assert not (shop / "p").exists()


def test_foreign_folders_are_left_alone(shop):
    write_list(shop / "list.csv", 2)
    (shop / "p").mkdir()
    (shop / "p/mine.txt").write_text("mine")
    assert "holds files that are not a preview's" in preview(shop, status=2).stderr
    assert [p.name for p in (shop / "p").iterdir()] == ["mine.txt"]


def test_its_own_folder_is_replaced(shop):
    write_list(shop / "list.csv", 9)
    preview(shop)
    (shop / "p/mine.txt").write_text("mine")
    preview(shop, "--rows", "2-3")
    assert len(list((shop / "p/eml").iterdir())) == len(list((shop / "p/m").iterdir())) == 2
    assert (shop / "p/mine.txt").read_text() == "mine"


def test_an_empty_folder_is_taken(shop):
    write_list(shop / "list.csv", 2)
    (shop / "p").mkdir()
    preview(shop)


def test_nobody(shop):
    write_list(shop / "list.csv", 2)
    assert "choose none" in preview(shop, "--rows", "5", status=2).stderr
