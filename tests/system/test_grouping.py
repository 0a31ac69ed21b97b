"""Rows with one key are one message (--group-by, --duplicates group): what it holds, what each row's line says,
and that a group is never sent in part or twice, whatever stops it."""
import collections
import csv
import email
import email.policy
import gzip
import json
import random
import subprocess
import time
import zipfile

import pytest

import journal
import preload
import relay
from relay import Relay, lettershop

LETTER = """\
From: Shop <shop@sender.example>
To: {{ name }} <{{ email }}>
Subject: {{ rows.size }} things, {{ customer }}:{% for r in rows %} {{ r.item }}{% endfor %}

Dear {{ name }},
{% for r in rows %}* {{ r.item }} at {{ r.Price }}{% if r.price > 9 %} (dear){% endif %}{% unless r.note %} no note{% endunless %}
{% endfor %}
"""
ORDERS = """\
customer,name,email,item,price,note
c1,Ann,ann@x.example,pen,10,x
c2,Bob,bob@x.example,ink,2,
c1,Ann,ann@x.example,"paper, white",9,
c3,Cy,cy@x.example,cap,007,y
 c2 ,Bob,BOB@x.example,glue,3.50,z
"""
GROUPS = {1: (1, 3), 2: (2, 5), 4: (4,)}


@pytest.fixture(name="orders")
def orders_shop(tmp_path):
    (tmp_path / "letter.eml").write_text(LETTER)
    (tmp_path / "list.csv").write_text(ORDERS)
    return tmp_path


def send(shop, *arguments, status=0, to="maildir:out", by=("--group-by", "customer"), source="list.csv"):
    return lettershop("send", "letter.eml", source, "--relay", to, "--yes", *by, *arguments, cwd=shop, check=status)


def lines(shop, name="dry-run.csv"):
    """Row -> its line; each row has one."""
    found = {}
    for line in relay.results(shop / name):
        assert int(line["row"]) not in found, "two lines for row " + line["row"]
        found[int(line["row"])] = line
    return found


def messages(shop, folder="out"):
    """Address -> message, read by Python."""
    found = {}
    for path in sorted((shop / folder / "new").iterdir()):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        address = mail["To"].addresses[0].addr_spec
        assert address not in found, "two messages to " + address
        found[address] = mail
    return found


def body(mail, kind="plain"):
    return mail.get_body((kind,)).get_content()


def same(shop, groups, name="dry-run.csv"):
    """Rows of a group share what became of them and the message."""
    found = lines(shop, name)
    assert found.keys() == {row for rows in groups.values() for row in rows}
    for rows in groups.values():
        for key in ("status", "message_id", "recipient", "code", "reply", "attempts"):
            assert len({found[row][key] for row in rows}) == 1, (rows, key)
    assert len({found[first]["message_id"] for first in groups}) == len(groups)
    return found


def same_status(shop, groups, name="results.csv"):
    found = lines(shop, name)
    for rows in groups.values():
        assert len({found[row]["status"] for row in rows}) == 1, rows
    return found


def test_what_a_message_holds(orders):
    send(orders)
    mails = messages(orders)
    assert mails.keys() == {"ann@x.example", "bob@x.example", "cy@x.example"}
    assert mails["ann@x.example"]["Subject"] == "2 things, c1: pen paper, white"
    assert body(mails["ann@x.example"]) == "Dear Ann,\n* pen at 10 (dear)\n* paper, white at 9 no note\n\n"
    assert body(mails["bob@x.example"]) == "Dear Bob,\n* ink at 2 no note\n* glue at 3.50\n\n"
    assert body(mails["cy@x.example"]) == "Dear Cy,\n* cap at 007\n\n"
    found = same(orders, GROUPS)
    assert {row: line["line"] for row, line in found.items()} == {1: "2", 2: "3", 3: "4", 4: "5", 5: "6"}
    for first, mail in ((1, "ann@x.example"), (2, "bob@x.example"), (4, "cy@x.example")):
        assert found[first]["message_id"] == mails[mail]["Message-ID"]


def test_html_markdown_attachment(orders):
    (orders / "letter.eml").write_text(
        "From: a@b.example\nTo: {{ email }}\nSubject: x\nContent-Type: text/markdown\n"
        "Attachment: {{ customer | strip }}-{{ rows.size }}.txt\n\n"
        "{% for r in rows %}- {{ r.item }} <b>\n{% endfor %}")
    for name in ("c1-2", "c2-2", "c3-1"):
        (orders / f"{name}.txt").write_text(name)
    (orders / "list.csv").write_text(ORDERS.replace("pen", "<pen>"))
    send(orders)
    mail = messages(orders)["ann@x.example"]
    assert "<li>&lt;pen&gt; <b></li>" in body(mail, "html")
    assert "paper, white" in body(mail)
    assert [a.get_filename() for a in mail.iter_attachments()] == ["c1-2.txt"]


@pytest.mark.parametrize("form", ["xlsx", "ods", "jsonl", "json", "gz", "stdin"])
def test_every_form_of_list(orders, form):
    rows = list(csv.DictReader(ORDERS.splitlines()))
    source, text = f"list.{form}", None
    (orders / "letter.eml").write_text(LETTER.replace("{% if r.price > 9 %} (dear){% endif %}", ""))  # a text of JSON is no number
    if form in ("jsonl", "json"):
        (orders / source).write_text("\n".join(map(json.dumps, rows)) if form == "jsonl" else json.dumps(rows))
    elif form == "gz":
        (orders / source).write_bytes(gzip.compress(ORDERS.encode()))
    elif form == "stdin":
        source, text = "-", ORDERS
    else:
        pack_workbook(orders / source, [list(rows[0])] + [list(r.values()) for r in rows], form)
    done = subprocess.run([relay.LETTERSHOP, "send", "letter.eml", source, "--relay", "maildir:out", "--yes", "--group-by",
                           "customer"], cwd=orders, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    note = "" if form.startswith("json") else " no note"  # an empty text is true, an empty cell is not
    assert body(messages(orders)["bob@x.example"]) == f"Dear Bob,\n* ink at 2{note}\n* glue at 3.50\n\n"
    same(orders, GROUPS)


def pack_workbook(path, table, form):
    """The least that a sheet of texts is."""
    def cell(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        return (f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' if form == "xlsx" else
                f'<table:table-cell office:value-type="string"><text:p>{text.replace(" ", "<text:s/>")}</text:p></table:table-cell>')
    with zipfile.ZipFile(path, "w") as z:
        if form == "xlsx":
            ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
            rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
            z.writestr("_rels/.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                       f'<Relationship Id="a" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
            z.writestr("xl/workbook.xml", f'<workbook {ns} xmlns:r="{rel}"><sheets><sheet name="S" sheetId="1" r:id="s"/>'
                       '</sheets></workbook>')
            z.writestr("xl/_rels/workbook.xml.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
                       f'relationships"><Relationship Id="s" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
            z.writestr("[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
            z.writestr("xl/worksheets/sheet1.xml", f"<worksheet {ns}><sheetData>" + "".join(
                "<row>" + "".join(map(cell, row)) + "</row>" for row in table) + "</sheetData></worksheet>")
            return
        names = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
        z.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        z.writestr("content.xml", f"<office:document-content {names}><office:body><office:spreadsheet><table:table>" + "".join(
            "<table:table-row>" + "".join(map(cell, row)) + "</table:table-row>" for row in table) +
            "</table:table></office:spreadsheet></office:body></office:document-content>")


def test_nested_values_of_json(orders):
    (orders / "letter.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: {{ n }}\n\n"
                                       "{% for r in rows %}{% for l in r.lines %}{{ l.x | plus: 1 }};{% endfor %}{% endfor %}\n")
    (orders / "list.jsonl").write_text('{"email": "a@x.example", "n": 1, "lines": [{"x": 1}, {"x": 2.5}]}\n'
                                       '{"email": "b@x.example", "n": 2}\n{"email": "a@x.example", "n": 3, "lines": [{"x": 7}]}\n')
    send(orders, by=("--group-by", "email"), source="list.jsonl")
    assert body(messages(orders)["a@x.example"]) == "2;3.5;8;\n"
    assert messages(orders)["a@x.example"]["Subject"] == "1"


# ---- mistakes

@pytest.mark.parametrize("letter,place,hint", [
    ("{% for r in rows %}{{ r.itme }}{% endfor %}", "letter.eml:5:24: there is no column 'itme'", "did you mean 'item'"),
    ("{{ rows.first.itme }}{{ rows[0].prise }}", "letter.eml:5:14: there is no column 'itme'", "'price'"),
    ("{% for r in rows %}{% if r.itme %}x{% endif %}{% endfor %}", "there is no column 'itme'", "'item'"),
])
def test_misspelt_members(orders, letter, place, hint):
    (orders / "letter.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: x\n\n" + letter + "\n")
    out = lettershop("check", "letter.eml", "list.csv", "--group-by", "customer", cwd=orders, check=2).stdout
    assert place in out and hint in out


def test_names_that_are_no_mistake(orders):
    (orders / "letter.eml").write_text(
        "From: a@b.example\nTo: {{ email }}\nSubject: x\n\n{% for r in rows %}{{ r.size }}{{ r['item'] }}{% endfor %}"
        "{% assign r = 'x' %}{{ r.anything }}{% for rows in rows %}{{ rows.item }}{% endfor %}\n")
    lettershop("check", "letter.eml", "list.csv", "--group-by", "customer", cwd=orders, check=0)


def test_rows_without_groups(orders):
    out = lettershop("check", "letter.eml", "list.csv", cwd=orders, check=2).stdout
    assert "there is no column 'rows'" in out and "--group-by COLUMN" in out


@pytest.mark.parametrize("options,says,hint", [
    (("--group-by", "custmer"), "list.csv:1: the list has no column 'custmer' to group its rows by", "did you mean 'customer'?"),
    (("--group-by", "customer", "--duplicates", "group"), "two ways to group the rows", ""),
])
def test_options_that_cannot_be(orders, options, says, hint):
    done = send(orders, *options, status=2, by=())
    assert says in done.stderr and hint in done.stderr
    assert not (orders / "out").exists()


def test_a_column_named_rows(orders):
    (orders / "list.csv").write_text("email,Rows\na@x.example,1\n")
    done = send(orders, status=2, by=("--group-by", "email"))
    assert "list.csv:1: the list has a column 'Rows'" in done.stderr and "another name" in done.stderr


BAD = """\
customer,name,email,item,price,note
c1,Ann,ann@x.example,pen,10,x
c2,Bob,bob@x.example,ink,2,
c1,Ann,ann@x.example,two,many,cells,here
,No,no@x.example,cap,1,
c3,Cy,cy@x.example,cap,1,
c3,Di,di@x.example,cap,1,
c4,Ed,ed,cap,1,
c4,Ed,,hat,1,
"""


def test_bad_rows_are_found_with_their_lines(orders):
    (orders / "list.csv").write_text(BAD)
    out = lettershop("check", "letter.eml", "list.csv", "--group-by", "customer", cwd=orders, check=2).stdout
    assert "list.csv:4: line 4, of the group that begins in line 2: 7 cells, the header has 6" in out
    assert "list.csv:5: no value in the column 'customer', by which rows are grouped" in out
    assert "list.csv:7: line 7, of the group that begins in line 6: its address is di@x.example, and that of line 6 is cy@x.example" in out
    assert "list.csv:8: " in out and "4 errors" in out
    done = send(orders, status=2)
    assert "7 of 8 rows cannot be sent; nothing was sent" in done.stderr


@pytest.mark.parametrize("preflight", [True, False])
def test_bad_groups_are_left_out_whole(orders, preflight):
    (orders / "list.csv").write_text(BAD)
    send(orders, "--bad-rows", "skip", *([] if preflight else ["--no-preflight"]), status=1)
    found = lines(orders)
    assert [found[row]["status"] for row in range(1, 9)] == ["skipped", "sent"] + ["skipped"] * 6
    assert found[1]["reply"] == found[3]["reply"] == \
        "cannot be rendered: line 4, of the group that begins in line 2: 7 cells, the header has 6"
    assert messages(orders).keys() == {"bob@x.example"}
    failed = relay.results(orders / "dry-run.failed.csv")
    assert [r["item"] for r in failed] == ["pen", "", "cap", "cap", "cap", "cap", "hat"]
    assert failed[1]["customer"] == "c1,Ann,ann@x.example,two,many,cells,here"  # as it was, for somebody to mend


def test_a_group_too_large(orders):
    rows = "".join(f"c{1 if i % 2 else i},N,{'big' if i % 2 else f'u{i}'}@x.example,i{i},1,\n" for i in range(2100))
    (orders / "list.csv").write_text(BAD.splitlines()[0] + "\n" + rows)
    out = lettershop("check", "letter.eml", "list.csv", "--group-by", "customer", cwd=orders, check=2).stdout
    assert "list.csv:3: more than 1000 rows, or 8 MiB, have the key of this group" in out
    send(orders, "--bad-rows", "skip", status=1)
    found = lines(orders)
    assert found.keys() == set(range(1, 2101))
    assert collections.Counter(line["status"] for line in found.values()) == {"sent": 1050, "skipped": 1050}


# ---- who takes part

def test_conditions_choose_rows_and_counts_choose_groups(orders):
    send(orders, "--where", "price > 2", "--limit", "2")
    found = lines(orders)
    assert found.keys() == {1, 3, 4}
    assert found[1]["message_id"] == found[3]["message_id"] != found[4]["message_id"]
    send(orders, "--resume", "--limit", "all")
    same(orders, {1: (1, 3), 4: (4,), 5: (5,)})
    assert body(messages(orders)["BOB@x.example"]) == "Dear Bob,\n* glue at 3.50\n\n"
    done = send(orders, "--resume", "--where", "price > 1", status=2)
    assert "begun with --where price > 2, and now it is with --where price > 1: groups that were sent to would have other rows" in done.stderr


def test_a_group_with_a_row_that_the_condition_cannot_tell(orders):
    with open(orders / "list.csv", "a", encoding="utf-8") as f:
        f.write("c1,Ann,ann@x.example,lamp,dear,z\nc9,Eve,eve@x.example,hat,free,z\n")
    by = ["--group-by", "customer", "--where", "price > 2"]
    out = lettershop("check", "letter.eml", "list.csv", *by, cwd=orders, check=2).stdout
    assert "condition that cannot be told: 2 errors" in out
    assert "list.csv:7: line 7, of the group that begins in line 2: --where cannot be told: " in out
    assert "list.csv:8: --where cannot be told: " in out
    send(orders, "--where", "price > 2", "--bad-rows", "skip", status=1)
    found = lines(orders)
    assert {n: line["status"] for n, line in found.items()} == {
        1: "skipped", 3: "skipped", 4: "sent", 5: "sent", 6: "skipped", 7: "skipped"}
    send(orders, "--resume", status=1)
    assert len(messages(orders)) == 2


def test_shards_have_whole_groups(orders):
    with open(orders / "list.csv", "a", encoding="utf-8") as f:
        for i in range(60):
            f.write(f"d{i % 20},N,u{i % 20}@x.example,thing,1,\n")
    for part in (1, 2, 3):
        send(orders, "--shard", f"{part}/3", "--results", f"r{part}.csv")
    groups = [tuple(lines(orders, f"r{part}.csv")) for part in (1, 2, 3)]
    assert sorted(sum(groups, ())) == list(range(1, 66)) and all(groups)
    assert len(messages(orders)) == 23  # none twice


def test_sample_rows_only(orders):
    send(orders, "--sample", "2", "--results", "a.csv")
    send(orders, "--rows", "2-5", "--skip", "1", "--results", "b.csv", to="maildir:more")
    assert len({line["message_id"] for line in lines(orders, "a.csv").values()}) == 2
    assert lines(orders, "b.csv").keys() == {3, 4}
    send(orders, "--only", "bob@x.example", "--results", "c.csv", to="maildir:bob")
    assert lines(orders, "c.csv").keys() == {2, 5}


def test_duplicates_among_groups(orders):
    (orders / "list.csv").write_text(ORDERS + "c9,Ann,ANN@x.example,box,1,\nc9,Ann,ann@x.example,bag,1,\n")
    out = lettershop("check", "letter.eml", "list.csv", "--group-by", "customer", cwd=orders, check=2).stdout
    assert "list.csv:2: ann@x.example has 2 different rows: lines 2, 7" in out and "first group of an address" in out
    send(orders, "--duplicates", "skip", status=1)
    found = lines(orders)
    assert found[6]["reply"] == found[7]["reply"] == "duplicate of line 2" and len(messages(orders)) == 3


def test_suppressed_groups(orders):
    (orders / "optout").write_text("bob@x.example\n")
    send(orders, "--suppress", "optout", status=1)
    assert {row: line["status"] for row, line in lines(orders).items()} == \
        {1: "sent", 2: "skipped", 3: "sent", 4: "sent", 5: "skipped"}


def test_duplicates_group(orders):
    (orders / "list.csv").write_text("email,customer,name,item,price,note\nann@x.example,c,Ann,pen,1,\nbob@x.example,c,Bob,ink,1,\n"
                                     "ANN@x.example,c,Ann,ink,1,\n<ann@x.example>,c,Ann,ink,1,\nbob@x.example,c,Bob,ink,1,\n")
    out = lettershop("check", "letter.eml", "list.csv", cwd=orders, check=2).stdout
    assert "--group-by COLUMN" in out
    by = ("--duplicates", "group")
    assert "2 messages" in lettershop("check", "letter.eml", "list.csv", *by, cwd=orders, check=0).stdout
    send(orders, by=by, status=0)
    groups = {1: (1, 3, 4), 2: (2, 5)}
    same(orders, groups)
    assert body(messages(orders)["ann@x.example"]).count("*") == 3
    send(orders, "--resume", by=by)
    send(orders, "--resume", by=())
    same(orders, groups)
    for other in (("--group-by", "email"), ("--group-by", "name")):
        done = send(orders, "--resume", by=other, status=2)
        assert "was begun with --duplicates group, and now it is with --group-by" in done.stderr
    assert len(messages(orders)) == 2


def test_another_grouping_stops_a_resume(orders):
    send(orders, "--limit", "1")
    done = send(orders, "--resume", by=("--group-by", "name"), status=2)
    assert "was begun with --group-by customer, and now it is with --group-by name" in done.stderr
    done = send(orders, "--resume", "--accept-changes", by=("--duplicates", "group"), status=2)
    assert "and now it is with --duplicates group" in done.stderr
    assert len(messages(orders)) == 1
    send(orders, "--resume", "--limit", "all", by=())  # as it was begun
    same(orders, GROUPS)


def test_groups_of_a_campaign_without(orders):
    (orders / "letter.eml").write_text("From: a@b.example\nTo: {{ email }}\nSubject: {{ item }}\n\nHi\n")
    send(orders, "--limit", "1", "--duplicates", "send", by=())
    done = send(orders, "--resume", "--limit", "all", status=2)
    assert "was begun without groups, and now it is with --group-by customer" in done.stderr


def test_an_edited_list(orders):
    """Rows are known by a column that tells them apart; groups are what they are now."""
    numbered = "line," + ORDERS.replace("\nc", "\nX,c").replace("\n c", "\nX, c")
    before = [f"{i},{line.split(',', 1)[1]}" if i else line for i, line in enumerate(numbered.splitlines())]
    (orders / "list.csv").write_text("\n".join(before) + "\n")
    (orders / "old.csv").write_text("\n".join(before) + "\n")
    send(orders, "--limit", "2")
    done = lines(orders)
    after = [before[0], before[5], before[1], before[3], before[2], before[4], "9,c9,New,new@x.example,hat,1,"]
    (orders / "list.csv").write_text("\n".join(after) + "\n")
    wrong = send(orders, "--resume", "--limit", "all", "--key", "email", status=2)
    assert "does not tell rows apart" in wrong.stderr
    send(orders, "--resume", "--limit", "all", "--key", "line", "--old-list", "old.csv")
    found = same(orders, {1: (1, 4), 2: (2, 3), 5: (5,), 6: (6,)})
    assert found[1]["message_id"] == done[2]["message_id"] and found[3]["message_id"] == done[1]["message_id"]
    assert messages(orders).keys() == {"ann@x.example", "bob@x.example", "cy@x.example", "new@x.example"}
    (orders / "old.csv").write_text("\n".join(after) + "\n")
    (orders / "list.csv").write_text("\n".join([*after, "10,c1,Ann,,late,1,"]) + "\n")
    wrong = send(orders, "--resume", "--key", "line", "--old-list", "old.csv", status=2)
    assert "list.csv:8: this row was not of the group of line 3" in wrong.stderr


def test_a_row_that_joined_later(orders):
    """A file of --only that changed: no text says so, but the journal knows who was one message."""
    (orders / "who").write_text("ann@x.example\n")
    (orders / "list.csv").write_text(ORDERS + "c1,Ann,,late,1,\n")
    send(orders, "--only", "who")
    (orders / "who").write_text("ann@x.example\ncy@x.example\n")
    send(orders, "--resume", "--only", "who")
    assert lines(orders).keys() == {1, 3, 4}
    (orders / "who").write_text("ann@x.example\nbob@x.example\n")
    send(orders, "--resume", "--only", "who")
    same(orders, GROUPS)


def test_a_group_that_changed_is_not_sent(orders):
    (orders / "list.csv").write_text(ORDERS.replace("c1,Ann,ann@x.example,\"paper, white\"", "c1,Ann,ann2@x.example,paper"))
    (orders / "who").write_text("ann@x.example\n")
    send(orders, "--only", "who")
    (orders / "who").write_text("ann2@x.example\nann@x.example\ncy@x.example\n")
    done = send(orders, "--resume", "--only", "who", status=2)
    assert "list.csv:4: this row was not of the group of line 2" in done.stderr
    done = send(orders, "--resume", "--only", "who", "--no-preflight", status=2)
    assert "list.csv:4: this row was not of the group of line 2" in done.stderr
    assert messages(orders).keys() == {"ann@x.example"} and lines(orders).keys() == {1}


# ---- what becomes of them

def url(r):
    return f"smtp://localhost:{r.port}?tls=none"


def test_refused_deferred_and_fed_back(orders):
    with Relay(orders / "relay", "--refuse", "^bob=550 5.1.1 nobody", "--refuse", "^cy=450 4.2.0 later") as r:
        send(orders, "--retry-for", "1s", "--suppress-add", "gone.csv", to=url(r), status=1)
        same(orders, GROUPS, "results.csv")
        again = {row: line["status"] for row, line in lines(orders, "results.csv").items()}
        assert again == {1: "sent", 2: "refused", 3: "sent", 4: "deferred", 5: "refused"}
        assert (orders / "gone.csv").read_text().count("bob@x.example") == 1
        failed = relay.results(orders / "results.failed.csv")
        assert [row["item"] for row in failed] == ["ink", "cap", "glue"]
        told = json.loads(lettershop("status", "results.csv", "--json", cwd=orders, check=0).stdout)
        assert told["sent"] == 2 and told["refused"] == 2 and told["deferred"] == 1
    with Relay(orders / "relay2") as r:
        send(orders, "--resume", to=url(r), status=1)
        assert [a.recipients for a in r.accepted()] == [["cy@x.example"]]
        send(orders, "--results", "again.csv", to=url(r), source="results.failed.csv")
        assert len(r.accepted()) == 2
    same(orders, {1: (1, 2)}, "again.csv")
    lettershop("results", "results.csv", "--join", "list.csv", "--out", "joined.csv", cwd=orders, check=0)
    joined = relay.results(orders / "joined.csv")
    assert [row["mail_status"] for row in joined] == ["sent", "refused", "sent", "sent", "refused"]
    assert joined[1]["mail_id"] == joined[4]["mail_id"] != joined[0]["mail_id"]


def test_redirected_with_a_canary(orders):
    with Relay(orders / "relay") as r:
        send(orders, "--redirect-to", "me@x.example", "--canary", "1", to=url(r))
        assert [a.recipients for a in r.accepted()] == [["me@x.example"]] * 3
    same(orders, GROUPS, "redirected.csv")


def test_a_canary_counts_messages(orders):
    with open(orders / "list.csv", "a", encoding="utf-8") as f:
        f.write("c5,Fred,fred@x.example,hat,1,\n")
    with Relay(orders / "relay", "--refuse", "^cy=550 5.1.1 nobody") as r:
        send(orders, "--limit", "2", to=url(r))  # four rows
        done = send(orders, "--resume", "--limit", "all", "--canary", "3", to=url(r), status=3)
        assert "1 of the first 3 were not accepted" in done.stderr
        assert r.recipients().keys() == {"ann@x.example", "bob@x.example"}
        send(orders, "--resume", "--limit", "all", to=url(r), status=1)
        assert r.recipients() == {"ann@x.example": 1, "bob@x.example": 1, "fred@x.example": 1}


def test_retried_while_it_runs(orders):
    with Relay(orders / "relay", "--greylist") as r:
        send(orders, "--retry-for", "20s", to=url(r))
        assert sorted(a.recipients[0] for a in r.accepted()) == ["ann@x.example", "bob@x.example", "cy@x.example"]
    assert {line["attempts"] for line in same(orders, GROUPS, "results.csv").values()} == {"2"}


def test_show_any_row(orders):
    send(orders)
    wanted = {line["message_id"]: line for line in lines(orders).values()}
    for row in (1, 3, 5):
        shown = lettershop("show", "dry-run.csv", "letter.eml", "list.csv", "--row", row, cwd=orders, check=0).stdout
        mail = email.message_from_string(shown, policy=email.policy.default)
        assert wanted[mail["Message-ID"]]["recipient"] == ("bob@x.example" if row == 5 else "ann@x.example")
    lettershop("show", "dry-run.csv", "letter.eml", "list.csv", "--row", 9, cwd=orders, check=2)


def test_preview(orders):
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", "--group-by", "customer", cwd=orders, check=0)
    assert len(list((orders / "p" / "eml").iterdir())) == 3


def test_the_power_fails(orders):
    """What was handed out and has no answer on the disk is in doubt: whole groups, whose rows stand anywhere."""
    groups = collections.defaultdict(list)
    with open(orders / "list.csv", "w", encoding="utf-8") as f:
        f.write("customer,name,email,item,price,note\n")
        for i in range(600):
            f.write(f"k{i % 200},N,u{i % 200}@x.example,i{i},1,\n")
            groups[i % 200 + 1].append(i + 1)
    (orders / "boot").write_text("00000000-0000-4000-8000-000000000001\n")
    with Relay(orders / "relay", "--delay", "3") as r:
        run = relay.begin("send", "letter.eml", "list.csv", "--group-by", "customer", "--relay", url(r), "--yes", cwd=orders)
        until = time.monotonic() + 20
        while len(r.accepted()) < 40 and time.monotonic() < until:
            time.sleep(0.005)
        run.kill()
        run.communicate()
        command = ["send", "letter.eml", "list.csv", "--relay", url(r), "--yes", "--resume"]
        again = preload.environment(boot=orders / "boot")
        lettershop(*command, cwd=orders, env=again, check=1)
        assert set(r.recipients().values()) == {1}, "a group was sent twice"
        found = same_status(orders, groups)
        doubt = [row for row, line in found.items() if line["status"] == "in_doubt"]
        assert 3 <= len(doubt) < 600 == len(found)
        lettershop(*command, "--in-doubt", "resend", cwd=orders, env=again, check=0)
        assert len(r.recipients()) == 200
    same(orders, groups, "results.csv")


def test_killed_between_records(orders):
    """At each write to the journal and each call to the relay, before, in the middle and behind it."""
    groups = collections.defaultdict(list)
    with open(orders / "list.csv", "w", encoding="utf-8") as f:
        f.write("customer,name,email,item,price,note\n")
        for i in range(24):
            f.write(f"k{i % 8},N,u{i % 8}@x.example,i{i},1,\n")
            groups[i % 8 + 1].append(i + 1)
    in_doubt = kills = 0
    rng = random.Random(5)
    for calls, path, most in (("pwrite", ".journal/", 14), ("sendmsg,send", "socket", 9), ("recv", "socket", 9)):
        for nth in range(1, most, 2):
            for place in ("results.csv", "results.csv.journal", "results.in-doubt.csv", "results.failed.csv"):
                subprocess.run(["rm", "-rf", orders / place], check=True)
            with Relay(orders / f"relay-{path[0]}{calls[:4]}-{nth}", "--refuse", "^u3@=550 5.1.1 no") as r:
                command = ["send", "letter.eml", "list.csv", "--group-by", "customer", "--relay", url(r), "--yes",
                           "--connections", "2"]
                order = f"call={calls} path={path} nth={nth} do={rng.choice(('before', 'half', 'after')) if calls != 'recv' else 'after'}"
                run = subprocess.run([relay.LETTERSHOP, *command], cwd=orders, env=preload.environment(order), timeout=60,
                                     stdin=subprocess.DEVNULL, capture_output=True, check=False)
                kills += run.returncode == -9
                doubt = journal.in_doubt(orders / "results.csv") if (orders / "results.csv.journal").exists() else {}
                lettershop(*command, "--resume", cwd=orders, check=1)
                found = same(orders, groups, "results.csv")
                got = collections.Counter(rcpt for a in r.accepted() for rcpt in a.recipients)
                assert set(got.values()) == {1}, "a group was sent twice"
                held = {int(row) for row, line in found.items() if line["status"] == "in_doubt"}
                assert held == {row for first in doubt for row in groups[first]}
                in_doubt += len(held)
                for first, rows in groups.items():
                    assert found[first]["status"] == "in_doubt" or (f"u{first - 1}@x.example" in got) == (found[first]["status"] == "sent")
                if held:
                    assert [row["item"] for row in relay.results(orders / "results.in-doubt.csv")] == \
                        [f"i{row - 1}" for row in sorted(held)]
                lettershop(*command, "--resume", "--in-doubt", "resend", cwd=orders, check=1)
                after = same(orders, groups, "results.csv")
                assert {row for row, line in after.items() if line["status"] == "refused"} == set(groups[4])
                assert {line["status"] for line in after.values()} == {"sent", "refused"}
                assert all(after[row]["message_id"] == found[row]["message_id"] for row in after)
    assert kills >= 10 and in_doubt > 0
