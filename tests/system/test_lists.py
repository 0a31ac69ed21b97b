"""Lists in every form through the whole program: what is said of them, retries and resumes, the side
files, and lists that are traps."""
import csv
import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest

from relay import LETTERSHOP, LONG, ROOT, Relay, lettershop, results, write_letter, write_list

LETTER = "From: Post <post@sender.example>\nTo: {{ email }}\nSubject: For {{ name }}\n\nDear {{ name }},\n{{ note }}\n"


def rows_of(n):
    return [{"email": f"user{i}@list.example", "name": f"Jürgen {i}", "note": f"line {i}\nand \"another\""}
            for i in range(1, n + 1)]


def as_csv(rows, encoding):
    out = io.StringIO(newline="")
    w = csv.DictWriter(out, rows[0], delimiter=";")
    w.writeheader()
    w.writerows(rows)
    return out.getvalue().encode(encoding)


def workbook(sheet, **parts):
    """An XLSX of one sheet, its XML given."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "".join(f'<Relationship Id="{i}" Type="{office}/{i}" Target="{i}.xml"/>' for i in ("worksheet", *parts))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("xl/workbook.xml", f'<workbook xmlns:r="{office}"><sheets><sheet name="S" r:id="worksheet"/></sheets></workbook>')
        z.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relations}</Relationships>")
        with z.open("xl/worksheet.xml", "w", force_zip64=True) as f:
            for piece in sheet if not isinstance(sheet, str) else [sheet]:
                f.write(piece.encode())
        for name, text in parts.items():
            z.writestr(f"xl/{name}.xml", text)
    return out.getvalue()


def xlsx(rows):
    def cell(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'
    table = [list(rows[0]), *(r.values() for r in rows)]
    return workbook("<worksheet><sheetData>" + "".join("<row>" + "".join(map(cell, r)) + "</row>" for r in table)
                    + "</sheetData></worksheet>")


def ods(body):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        z.writestr("content.xml", "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"S\">"
                   + body + "</table:table></office:spreadsheet></office:body></office:document-content>")
    return out.getvalue()


FORMS = {
    "cp1252.csv": lambda rows: as_csv(rows, "cp1252"),
    "utf-16.csv": lambda rows: as_csv(rows, "utf-16"),
    "list.csv.gz": lambda rows: gzip.compress(as_csv(rows, "utf-8")),
    "list.xlsx": xlsx,
    "list.jsonl": lambda rows: "".join(json.dumps(r) + "\n" for r in rows).encode(),
    "list.json": lambda rows: json.dumps(rows, indent=1).encode(),
}


@pytest.fixture
def letter(tmp_path):
    (tmp_path / "letter.eml").write_text(LETTER)
    return tmp_path


@pytest.mark.parametrize("name", FORMS)
def test_tried_again_and_resumed(letter, name):
    """Every recipient is refused at first, so each row is fetched again by its place; the run is cut in
    two; everybody gets exactly their own message once."""
    rows = rows_of(120)
    (letter / name).write_bytes(FORMS[name](rows))
    with Relay(letter / "relay", "--greylist", "--store", letter / "kept") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        send = ("send", "letter.eml", name, "--relay", url, "--yes", "--retry-for", "30s")
        lettershop(*send, "--rows", "1-", cwd=letter, check=0)
        assert r.recipients() == {row["email"]: 1 for row in rows}
        lettershop(*send, "--resume", "--rows", "1-", cwd=letter, check=0)
        assert sum(r.recipients().values()) == 120
    assert {row["recipient"] for row in results(letter / "results.csv")} == {row["email"] for row in rows}
    for file in (letter / "kept").iterdir():
        text = file.read_bytes()
        n = text.split(b"To: user")[1].split(b"@")[0]
        assert b"line " + n + b"\r\nand \"another\"" in text


@pytest.mark.parametrize("name", FORMS)
def test_from_standard_input(letter, name):
    content = FORMS[name](rows_of(3))
    done = subprocess.run([LETTERSHOP, "check", "letter.eml", "-"], input=content, cwd=letter, capture_output=True, check=True)
    assert b"3 rows (" in done.stdout and b"3 messages" in done.stdout


def test_another_way_to_read_is_another_campaign(letter):
    rows = rows_of(5)
    (letter / "list.csv").write_bytes(as_csv(rows, "cp1252"))
    send = ("send", "letter.eml", "list.csv", "--relay", "null:", "--yes")
    lettershop(*send, cwd=letter, check=0)
    done = lettershop(*send, "--resume", "--encoding", "cp1250", cwd=letter, check=2)
    assert "option encoding is new: 'cp1250'" in done.stderr
    done = lettershop(*send, "--resume", cwd=letter, check=0)


def test_a_list_without_header(letter):
    (letter / "list.csv").write_text("a@list.example;Ann;x\nb@list.example;Bob;y\n")
    done = lettershop("check", "letter.eml", "list.csv", "--no-header", "--columns", "email,name,note", cwd=letter, check=0)
    assert "2 rows (CSV, semicolon, UTF-8): 2 messages" in done.stdout


def test_failed_rows_of_json_keep_what_is_in_them(letter):
    rows = [{"email": f"user{i}@list.example", "name": "Ann", "note": None, "lines": [{"n": i, "at": [1.5, True, "é\""]}]}
            for i in range(1, 4)]
    (letter / "list.json").write_text(json.dumps(rows))
    with Relay(letter / "relay", "--refuse", "user2=550 5.1.1 unknown") as r:
        lettershop("send", "letter.eml", "list.json", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", cwd=letter,
                   check=1)
    failed = [json.loads(line) for line in (letter / "results.failed.jsonl").read_text().splitlines()]
    assert [f.pop("mail_reason") for f in failed] == ["refused: 550 5.1.1 unknown"]
    assert failed == rows[1:2]
    done = lettershop("check", "letter.eml", "results.failed.jsonl", cwd=letter, check=0)
    assert "1 row (JSON, an object a line, UTF-8): 1 message" in done.stdout


def put_lines(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))


MISSPELT = "From: a@x.example\nTo: {{ email }}\nSubject: {{ nubmer }}\n\n{% if discuont %}x{% endif %}{{ nmae | default: 'you' }}\n"


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.json", "grouped"])
def test_a_misspelt_name_is_found_in_every_form(letter, name):
    """The member is one of the last object only."""
    (letter / "letter.eml").write_text(MISSPELT)
    rows = [{"email": f"user{i}@list.example", "name": "Ann", "number": i} for i in range(1500)]
    rows[-1]["discount"] = 5
    options = ()
    if name == "list.csv":
        (letter / name).write_text("email,name,number,discount\na@list.example,Ann,5,\n")
    elif name == "list.json":
        (letter / name).write_text(json.dumps(rows))
    else:
        put_lines(letter / name, rows)
    if name == "grouped":
        options = ("--group-by", "email")
    out = lettershop("check", "letter.eml", name, *options, cwd=letter, check=2).stdout
    assert "3 errors" in out
    for place, word, meant in (("3:13", "nubmer", "number"), ("5:7", "discuont", "discount"), ("5:33", "nmae", "name")):
        assert f"letter.eml:{place}: there is no column '{word}'\n  did you mean '{meant}'?" in out
    (letter / "letter.eml").write_text("From: a@x.example\nTo: {{ email }}\nSubject: {{ sender }}\n\n"
                                       "{% assign x = 1 %}{{ x }}{% if discount %}y{% endif %}\n")
    lettershop("check", "letter.eml", name, *options, "--var", "sender=me", cwd=letter, check=0)
    out = lettershop("check", "letter.eml", name, *options, "--var", "sender=me", "--where", "discuont == 1", cwd=letter, check=2).stdout
    assert "--where:1:1: there is no column 'discuont'\n  did you mean 'discount'?" in out


def test_a_member_that_a_row_has_not_is_an_empty_value(letter):
    (letter / "letter.eml").write_text("From: a@x.example\nTo: {{ email }}\nSubject: x\n\n{{ name }}{{ late }}{{ late | default: 1 }}\n")
    rows = [{"email": f"user{i}@list.example", "name": "Ann"} for i in range(1500)] + [
        {"email": "b@list.example", "name": "Bob", "late": "x"}, {"email": "c@list.example", "name": None, "late": ""}]
    put_lines(letter / "list.jsonl", rows)
    out = lettershop("check", "letter.eml", "list.jsonl", cwd=letter, check=0).stdout
    assert "empty value: 1,502 warnings" in out
    assert "list.jsonl:1: 'late' is empty, and the letter prints it (letter.eml:5:14)" in out


def test_a_member_that_an_item_has_not_is_an_empty_value(letter):
    (letter / "letter.eml").write_text("From: a@x.example\nTo: {{ email }}\nSubject: x\n\n"
                                       "{% for l in lines %}{{ l.itme }}{{ l.item }}{{ l.n | default: 1 }}\n{% endfor %}{{ customer.name }}\n")
    put_lines(letter / "list.jsonl", [
        {"email": "a@list.example", "lines": [{"item": "Tea"}, {"item": "Cup"}], "customer": {"name": "Ann"}},
        {"email": "b@list.example", "lines": [], "customer": {}}, {"email": "c@list.example"}])
    out = lettershop("check", "letter.eml", "list.jsonl", cwd=letter, check=0).stdout
    assert "empty value: 3 warnings" in out
    assert "list.jsonl:1: 'l.itme' is empty, and the letter prints it (letter.eml:5:24)\n  write {{ l.itme | default: \"...\" }}" in out
    for line in (2, 3):
        assert f"list.jsonl:{line}: 'customer.name' is empty, and the letter prints it (letter.eml:6:16)" in out


def test_failed_rows_of_json_are_a_list_for_the_same_letter(letter):
    """Also when none of them has what others had."""
    (letter / "letter.eml").write_text("From: a@x.example\nTo: {{ email }}\nSubject: x\n\n{% if discount %}x{% endif %}{{ reason }}\n")
    rows = [{"email": f"user{i}@list.example", "n": i, "reason": "old"} for i in range(1, 4)] + [{"email": "b@list.example", "discount": 5}]
    put_lines(letter / "list.jsonl", rows)
    with Relay(letter / "relay", "--refuse", "user2=550 5.1.1 unknown", "--refuse", "user3=550 5.1.1 unknown") as r:
        lettershop("send", "letter.eml", "list.jsonl", "--relay", f"smtp://localhost:{r.port}?tls=none", "--yes", cwd=letter,
                   check=1)
    failed = [json.loads(line) for line in (letter / "results.failed.jsonl").read_text().splitlines()]
    said = "refused: 550 5.1.1 unknown"
    assert failed == [{"email": "user2@list.example", "n": 2, "reason": "old", "mail_reason": said, "discount": None},
                      {"email": "user3@list.example", "n": 3, "reason": "old", "mail_reason": said}]
    out = lettershop("check", "letter.eml", "results.failed.jsonl", cwd=letter, check=0).stdout
    assert "2 rows (JSON, an object a line, UTF-8): 2 messages" in out


@pytest.mark.parametrize("options", [(), ("--group-by", "email")])
def test_nul_in_json_is_a_problem_of_its_row(letter, options):
    rows = [{"email": "a@list.example", "name": "Ann", "note": ""}, {"email": "b@list.example", "name": "B\0b", "note": ""},
            {"email": "c@list.example", "name": "Cid", "note": [{"x": "\0"}]}]
    put_lines(letter / "list.jsonl", rows)
    out = lettershop("check", "letter.eml", "list.jsonl", *options, cwd=letter, check=2).stdout
    assert "2 errors" in out
    assert "list.jsonl:2: the value of 'name' has a NUL character (\\u0000)" in out
    assert "list.jsonl:3: the value of 'note' has a NUL character (\\u0000)" in out
    lettershop("send", "letter.eml", "list.jsonl", *options, "--relay", "maildir:out", "--yes", "--bad-rows", "skip", cwd=letter, check=1)
    assert len(list((letter / "out/new").iterdir())) == 1
    failed = [json.loads(line) for line in next(letter.glob("*.failed.jsonl")).read_text().splitlines()]
    assert [f["name"] for f in failed] == ["B\0b", "Cid"]


# A process of its own, because a child's peak begins with that of whoever forked it.
MEASURE = """import os, sys
p = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(p, 0)
print(usage.ru_maxrss // 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_of(*arguments, cwd):
    """Exit status, peak memory in MiB, what was printed."""
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, LETTERSHOP, *arguments], cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text, peak = done.stdout[:-1].rsplit("\n", 1)
    return done.returncode, int(peak), text


def zip_bomb(name, megabytes):
    """A part of spaces, packed a MiB at a time and written down as often as it takes."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = pack.compress(b" " * (1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    packed, crc = piece * megabytes + pack.flush(), 0
    for _ in range(megabytes):
        crc = zlib.crc32(b" " * (1 << 20), crc)
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(packed), megabytes << 20, len(name), 0)
    with zipfile.ZipFile(io.BytesIO(workbook("<worksheet/>"))) as z:
        others = {n: z.read(n) for n in z.namelist() if n != name}
    out = b"PK\3\4" + common + name.encode() + packed
    folder = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name.encode()
    for other, content in others.items():
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, zlib.crc32(content), len(content), len(content), len(other), 0)
        folder += b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + other.encode()
        out += b"PK\3\4" + common + other.encode() + content
    return out + folder + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(others) + 1, len(others) + 1, len(folder), len(out), 0)


TEXT = "<c t=\"inlineStr\"><is><t>email</t></is></c>"
TRAPS = {
    "a bomb of rows": (lambda: zip_bomb("xl/worksheet.xml", 80), "is over 300 times as large as it is packed"),
    "entities": (lambda: workbook("<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><worksheet>&b;"
                                  "</worksheet>"), "has a document type"),
    "a tag without end": (lambda: workbook(["<worksheet "] + [f"a{i}=\"{'x' * 1000}\" " for i in range(50000)]),
                          "a tag of it has no end"),
    "names without end": (lambda: workbook("<worksheet>" + "".join(f"<n{i}/>" for i in range(400000))), "cannot be read"),
    "elements in elements": (lambda: workbook("<a>" * 1000), "too deep"),
    "a large cell": (lambda: workbook(["<worksheet><sheetData><row>" + TEXT + "</row><row><c t=\"str\"><v>"]
                                      + ["0123456789" * 100] * 2000 + ["</v></c></row></sheetData></worksheet>"]),
                     "cell A2 of the sheet is over 1 MiB"),
    "a row of large cells": (lambda: workbook(["<worksheet><sheetData><row>" + TEXT + "</row><row>"]
                                              + ["<c t=\"str\"><v>" + "0123456789" * 100000 + "</v></c>"] * 10
                                              + ["</row></sheetData></worksheet>"]), "row 2 of the sheet is over 8 MiB"),
    "a cell far to the right": (lambda: workbook("<worksheet><sheetData><row><c r=\"ZZZ1\"><v>1</v></c></row></sheetData></worksheet>"),
                                "has cells beyond column 16384"),
    "a row that stands for a million": (
        lambda: ods("<table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell office:value-type=\"string\" "
                    "table:number-columns-repeated=\"1000\"><text:p>0123456789</text:p></table:table-cell></table:table-row>"),
        "row 1 of the sheet is repeated 1000000 times, over 64 MiB of cells"),
    "a cell that stands for many": (
        lambda: ods("<table:table-row><table:table-cell office:value-type=\"string\" table:number-columns-repeated=\"16385\">"
                    "<text:p>x</text:p></table:table-cell></table:table-row>"), "has cells beyond column 16384"),
    "an object without end": (lambda: b"[{\"a\": \"" + b"x" * (9 << 20), "the element that begins here is over 8 MiB"),
    "brackets without end": (lambda: b"[{\"a\": " + b"[" * (1 << 20), "the list ends within the element that begins here"),
    "packed zeros": (lambda: gzip.compress(b"email\n" + bytes(9 << 20), 9) * 10, "over 200 times as large as it is packed"),
}


@pytest.mark.parametrize("name", TRAPS)
def test_traps(letter, name):
    make, says = TRAPS[name]
    (letter / "list").write_bytes(make())
    status, peak, text = peak_of("check", "letter.eml", "list", cwd=letter)
    assert status == 2 and says in text, text
    assert peak < 128


def test_a_deep_object_is_a_problem_of_its_row(letter):
    (letter / "list.jsonl").write_text("{\"email\": \"a@list.example\", \"name\": \"\", \"note\": \"\"}\n{\"email\": " + "[" * 100000 + "]" * 100000 + "}\n")
    done = lettershop("check", "letter.eml", "list.jsonl", cwd=letter, check=2)
    assert "list.jsonl:2: not JSON" in done.stdout and "1 error" in done.stdout


@pytest.mark.parametrize("shared", [False, True])
def test_memory_does_not_grow_with_a_workbook(letter, shared):
    """The shared texts are more than what is kept of them in memory."""
    (letter / "letter.eml").write_text("From: a@sender.example\nTo: {{ email }}\nSubject: x\n\n{{ n }}\n")
    n = 400000 if LONG else 30000

    def sheet():
        yield "<worksheet><sheetData><row><c t=\"str\"><v>email</v></c><c t=\"str\"><v>n</v></c></row>"
        for i in range(n):
            text = f"<c t=\"s\"><v>{i}</v></c>" if shared else f"<c><v>{i}</v></c>"
            yield f"<row><c t=\"str\"><v>user{i}@list.example</v></c>{text}</row>"
        yield "</sheetData></worksheet>"

    parts = {}
    if shared:
        parts["sharedStrings"] = "<sst>" + "".join(f"<si><t>{i} {'x' * 700}</t></si>" for i in range(n)) + "</sst>"
    (letter / "list.xlsx").write_bytes(workbook(sheet(), **parts))
    status, peak, text = peak_of("check", "letter.eml", "list.xlsx", cwd=letter)
    assert status == 0 and f"{n:,} rows (XLSX, sheet 'S'): {n:,} messages" in text, text
    assert peak < 160


def test_beside_pythons_csv():
    """Lists by RFC 4180 have the cells that were written; other differences have names."""
    done = subprocess.run(["tests/conformance/csv-differential", "100000" if LONG else "4000"], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "0 differences without a reason" in done.stdout


def test_failed_rows_keep_the_words_of_the_list(tmp_path):
    """A column `reason` of the list is the user's own, and a row that cannot be read is not healed by the way."""
    (tmp_path / "letter.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: Hello\n\nBecause of {{ reason }}.\n")
    (tmp_path / "list.csv").write_text("email,reason\nno1@x.example,your bill\nx@x.example,ragged,row\ny@x.example,fine\n"
                                   "z@x.example,a \"quote\"\n")
    with Relay(tmp_path / "relay", "--refuse", "^no=550 5.1.1 unknown") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        lettershop("send", "letter.eml", "list.csv", "--relay", url, "--yes", "--bad-rows", "skip", cwd=tmp_path, check=1)
    with open(tmp_path / "results.failed.csv", newline="", encoding="utf-8") as f:
        failed = list(csv.reader(f))
    assert failed[0] == ["email", "reason", "mail_reason"]
    assert failed[1] == ["no1@x.example", "your bill", "refused: 550 5.1.1 unknown"]
    assert [(x[0], len(x)) for x in failed[2:]] == [("x@x.example,ragged,row", 4), ('z@x.example,a "quote"', 4)]
    done = lettershop("check", "letter.eml", "results.failed.csv", cwd=tmp_path, check=2)
    assert "results.failed.csv:3: 4 cells, the header has 3" in done.stdout and "results.failed.csv:4" in done.stdout
    with Relay(tmp_path / "relay2", "--store", tmp_path / "kept") as r:
        url = f"smtp://localhost:{r.port}?tls=none"
        lettershop("send", "letter.eml", "results.failed.csv", "--relay", url, "--yes", "--bad-rows", "skip", "--results",
                   "second.csv", cwd=tmp_path, check=1)
        assert r.recipients() == {"no1@x.example": 1}
    assert [b"Because of your bill" in p.read_bytes() for p in (tmp_path / "kept").iterdir()] == [True]


def test_a_resume_of_no_campaign_begins_none(tmp_path):
    write_letter(tmp_path / "letter.eml")
    write_list(tmp_path / "list.csv", 3)
    send = ["send", "letter.eml", "list.csv", "--relay", "null:", "--yes"]
    said = lettershop(*send, "--results", "results.csv", "--resume", cwd=tmp_path, check=2).stderr
    assert "there is no campaign of 'results.csv' to resume" in said and "leave out --resume to begin one" in said
    lettershop(*send, "--results", "spring.csv", cwd=tmp_path, check=0)
    assert "'spring.csv'" in lettershop(*send, "--resume", cwd=tmp_path, check=2).stderr
    assert not (tmp_path / "results.csv").exists() and not (tmp_path / "results.csv.journal").exists()
    assert "nothing was left" in lettershop(*send, "--results", "spring.csv", "--resume", cwd=tmp_path, check=0).stdout


# ---- the list was taken for what it is not ----

def sheets(form):
    """A cover page, the people, and a sheet that is hidden."""
    def table(*cells):
        if form == "xlsx":
            return "<worksheet><sheetData><row>" + "".join(f'<c t="str"><v>{c}</v></c>' for c in cells) + "</row></sheetData></worksheet>"
        return "<table:table-row>" + "".join(f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in cells) + \
               "</table:table-row>"
    cover, people = table("Title"), table("email", "name", "note")
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "xl/workbook.xml": f'<workbook xmlns:r="{office}"><sheets><sheet name="Cover" r:id="a"/><sheet name="People" r:id="b"/>'
                           '<sheet name="Secret" r:id="b" state="hidden"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": "<Relationships>" + "".join(
            f'<Relationship Id="{i}" Type="{office}/worksheet" Target="{i}.xml"/>' for i in "ab") + "</Relationships>",
        "xl/a.xml": cover, "xl/b.xml": people,
    } if form == "xlsx" else {
        "content.xml": '<office:document-content><office:automatic-styles><style:style style:name="h" style:family="table">'
                       '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
                       f'<office:body><office:spreadsheet><table:table table:name="Cover">{cover}</table:table>'
                       f'<table:table table:name="People">{people}</table:table>'
                       f'<table:table table:name="Secret" table:style-name="h">{people}</table:table>'
                       "</office:spreadsheet></office:body></office:document-content>"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, text in parts.items():
            z.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize("form", ["xlsx", "ods"])
def test_the_wrong_sheet_is_named_and_so_are_the_others(letter, form):
    (letter / "list").write_bytes(sheets(form))
    has = f"the list ({form.upper()}, sheet 'Cover' of 3) has 'Title'; --sheet NAME takes another: 'Cover', 'People'\n"
    said = lettershop("check", "letter.eml", "list", cwd=letter, check=2).stdout
    assert "there is no column 'name'\n" in said and "\n  " + has in said
    said = lettershop("check", "letter.eml", "list", "--address-column", "Whom", cwd=letter, check=2)
    assert has in said.stdout + said.stderr
    said = lettershop("check", "letter.eml", "list", "--group-by", "whom", cwd=letter, check=2)
    assert has in said.stdout + said.stderr
    (letter / "letter.eml").write_text("From: a@sender.example\nSubject: x\n\nHi\n")
    assert "add a line 'To: {{ ... }}'; " + has in lettershop("check", "letter.eml", "list", cwd=letter, check=2).stdout
    said = lettershop("check", "letter.eml", "list", "--sheet", "People", cwd=letter, check=2)
    assert "no recipients" in said.stdout + said.stderr


@pytest.mark.parametrize("text, ways, says", [
    ("email;name;note\na@x.example;A;\n", ["--delimiter", "comma"], "the list (CSV, comma, UTF-8) has 'email;name;note'\n"),
    ("email\nname\n", [], "the list (CSV, comma, UTF-8) has 'email'\n"),
    ("email,name,note\na@x.example,A,\n\"b,c\n", [], "(the list was read as CSV, comma, UTF-8)\n"),
    ("email,email,note\n", [], "(the list was read as CSV, comma, UTF-8)\n"),
])
def test_how_a_list_was_read_is_said_where_it_does_not_fit(letter, text, ways, says):
    (letter / "list.csv").write_text(text)
    said = lettershop("check", "letter.eml", "list.csv", *ways, cwd=letter, check=2)
    assert says in said.stdout + said.stderr
