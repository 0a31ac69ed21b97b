"""letters.py - letters of random structure, their lists and files, and what every reader must get back for a row."""
import csv
import html

from words import Words, scripts, sha256

COLUMNS = ["email", "name", "subject", "note", "body", "markup", "file", "path", "cc"]
KINDS = ["text", "html", "html only", "both", "markdown", "parts", "invitation", "raw parts"]
FILES = [("paper.pdf", "application/pdf"), ("logo.png", "image/png"), ("sound.mp3", "audio/mpeg"), ("film.mp4", "video/mp4"),
         ("page.html", "text/html"), ("table.csv", "text/csv"), ("data.json", "application/json"), ("blob", "application/octet-stream"),
         ("inner.eml", "message/rfc822")]
INNER = "From: In <in@example.com>\r\nTo: b@example.com\r\nSubject: inner\r\nMIME-Version: 1.0\r\n\r\n.dot\r\nFrom here\r\n"


def quote(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')



def ended(text):
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if not text or text.endswith("\n") else text + "\n"


def literal(text):
    """Of the letter's own text: nothing of a template."""
    for mark in "{}%":
        text = text.replace(mark, "")
    return text


class Letter:
    def __init__(self, rng, folder, number, charset, rows, keys):
        self.rng, self.folder, self.charset, self.keys = rng, folder, charset, keys
        self.kind = KINDS[number % len(KINDS)]
        self.words = Words(rng, charset)
        self.names = list(scripts())
        self.first_script = number * rows
        self.files = []  # [type, disposition, name or column, octets or column]
        self.html = self.kind in ("html", "html only", "both", "markdown", "parts")
        self.subtype = None
        self.headers = []
        self.rows = [self.make_row(i) for i in range(rows)]
        (folder / "files").mkdir(parents=True)
        self.choose()
        self.write()

    # ---- the list

    def script_of(self, i):
        return self.names[(self.first_script + i) % len(self.names)]

    def make_row(self, i):
        w, script = self.words, self.script_of(i)
        local = self.rng.choice([f"user{i}", f"first.last+{i}", f'"a b{i}"', f'"a@b{i}"', f'"x\\"y{i}"', f"o'neil{i}"])
        return {"email": f"{local}@{self.rng.choice(['list.example', 'bücher.example', '例え.example', 'a-b.c.example'])}",
                "name": w.script(script) if i % 2 else w.name(script), "subject": w.name(script), "note": w.name(script),
                "body": w.body(script), "markup": w.name(script), "file": w.file(script), "path": f"row{i}.bin", "cc": w.name(script)}

    # ---- the letter

    def choose(self):
        rng, w = self.rng, self.words
        self.fixed = literal(w.own(20) + "\n" + (w.hostile(8) if self.charset == "utf-8" else "") + "\n")
        self.head = " ".join(literal(w.own(3)).split())
        self.sender = literal(w.own(3))
        self.group, self.reply, self.signed = (rng.random() < 0.3 for _ in range(3))
        if self.html and self.kind not in ("html only", "parts") and rng.random() < 0.5:
            self.add("Inline", "logo.png", "image/png", disposition="inline")
        for name, kind in rng.sample(FILES, rng.choice([0, 0, 1, 2, 3])):
            self.add("Attachment", name, kind)
        if rng.random() < 0.4:
            self.add("Attachment", "files/{{ path }}", "application/octet-stream", name="{{ file }}")
        if rng.random() < 0.3:
            self.add("Attachment", "notes.txt", "text/plain", extra=f"; encoding={rng.choice(['quoted-printable', 'base64'])}")
        if self.kind in ("parts", "raw parts"):
            self.files, self.headers = [], []
        elif rng.random() < 0.3:
            self.subtype = "mixed"
            self.headers.append("Multipart: mixed; boundary=\"=_our-own\"" if rng.random() < 0.5 else "Multipart: mixed")
        self.smime = rng.random() < 0.15

    def add(self, header, path, kind, disposition="attachment", name=None, extra=""):
        octets = INNER.encode() if kind == "message/rfc822" else self.octets(path)
        if "{{" not in path:
            (self.folder / path).write_bytes(octets)
        shown = name or self.words.file(self.rng.choice(self.names))
        shown = shown if "{{" in shown else literal(shown).strip(" .") or "file"
        cid = "; cid=pic" if header == "Inline" else ""
        self.headers.append(f'{header}: {path}; name="{quote(shown)}"{cid}{extra}')
        self.files.append([kind, disposition, shown, octets])

    def octets(self, path):
        if (self.folder / path).exists():
            return (self.folder / path).read_bytes()
        if path == "notes.txt":
            return ended(self.words.own(30) + "\n. dot \nFrom\n" + "x" * 1200 + "\n").replace("\n", "\r\n").encode()
        return self.rng.randbytes(self.rng.choice([0, 1, 56, 57, 58, 3000]))

    def write(self):
        rng = self.rng
        to = "To: undisclosed-recipients:;\nBcc: {{ name }} <{{ email }}>" if self.group else "To: {{ name }} <{{ email }}>"
        lines = [f'From: "{quote(self.sender)}" <shop@example.com>', to,
                 'Cc: "Fixed, Name" <c@example.com>, Friends: Dr. {{ cc }} <d@example.com>, e@example.org;',
                 f"Subject: {self.head} {{{{ subject }}}}", "X-Note: {{ note }}", f"X-Fixed: {self.head}"]
        lines += ["Reply-To: {{ cc }} <r@example.com>"] if self.reply else []
        lines += [f"Charset: {self.charset}"] if self.charset != "utf-8" else []
        lines += [f"DKIM: {self.keys}/key.pem; selector=s"] if self.signed else []
        lines += [f"SMIME: {self.keys}/me.pem; key={self.keys}/me.key"] if self.smime else []
        picture = '<img src="cid:pic">' if any(f[1] == "inline" for f in self.files) else ""
        page = f"<p>{html.escape(self.head)}|{{{{ markup }}}}|</p>{picture}\n"
        if self.kind == "both":
            (self.folder / "body.html").write_text(page, encoding="utf-8")
            lines.append("Html-Body: body.html")
        if self.kind == "invitation":
            (self.folder / "event.ics").write_text("BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:{{ subject }}\nEND:VEVENT\n"
                                                   "END:VCALENDAR\n", encoding="utf-8")
            lines.append("Calendar: event.ics")
        body = {"html": page, "html only": page, "markdown": f"# x\n\n**{{{{ markup }}}}**{' ![](cid:pic)' if picture else ''}\n",
                "parts": f"pre\n--cut\nContent-Type: text/plain\n\n{{{{ body }}}}\n--cut\nContent-Type: text/html\n\n{page}\n--cut--\n",
                "raw parts": "--cut\nContent-Type: text/plain\n\n{{ body }}\n--cut\nContent-Type: application/x-thing\n"
                             "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=thing.bin\n\nAAEC\n--cut--\n"}
        kind = {"html": "text/html", "html only": "text/html", "markdown": "text/markdown",
                "parts": "multipart/alternative; boundary=cut", "raw parts": "multipart/mixed; boundary=cut"}.get(self.kind)
        lines += [f"Content-Type: {kind}"] if kind else []
        lines += ["Text-Body: none"] if self.kind == "html only" else []
        rng.shuffle(lines)
        lines[rng.randrange(len(lines)):0] = self.headers
        text = "\n".join(lines) + "\n\n" + body.get(self.kind, f"{self.fixed}{{{{ body }}}}{self.fixed}")
        (self.folder / "letter.eml").write_text(text, encoding="utf-8", newline="")
        for i, row in enumerate(self.rows):
            (self.folder / "files" / row["path"]).write_bytes(f"row {i}".encode() * (i * 7))
        with open(self.folder / "list.csv", "w", newline="", encoding="utf-8") as f:
            out = csv.DictWriter(f, COLUMNS)
            out.writeheader()
            out.writerows(self.rows)

    # ---- what must come back

    def text(self, row):
        """None: it is made of the HTML."""
        if self.kind == "markdown":
            picture = " ![](cid:pic)" if any(f[1] == "inline" for f in self.files) else ""
            return f"# x\n\n**{row['markup']}**{picture}\n"
        if self.kind in ("parts", "raw parts"):
            return ended(row["body"])
        return None if self.html and self.kind != "both" else ended(self.fixed + row["body"] + self.fixed)

    def attached(self, row, i):
        for kind, disposition, name, octets in self.files:
            by_row = name == "{{ file }}"
            yield [kind, disposition, row["file"] if by_row else name, sha256(f"row {i}".encode() * (i * 7)) if by_row else sha256(octets)]
        if self.kind == "raw parts":
            yield ["application/x-thing", "attachment", "thing.bin", sha256(b"\0\1\2")]

    def shape(self):
        inline = [f[0] for f in self.files if f[1] == "inline"]
        attached = [f[0] for f in self.files if f[1] == "attachment"]
        body = "text/html" if self.html else "text/plain"
        if self.kind in ("parts", "raw parts"):
            tree = ["alternative", "text/plain", "text/html"] if self.html else ["mixed", "text/plain", "application/x-thing"]
        else:
            body = ["related", body, *inline] if inline else body
            first = ["text/plain"] if self.html and self.kind != "html only" else []
            last = ["text/calendar"] if self.kind == "invitation" else []
            tree = ["alternative", *first, body, *last] if first or last else body
            if attached:
                tree = ["mixed", tree, *attached]
            if self.subtype:
                tree = tree if tree[0] == "mixed" else ["mixed", tree]
        return ["signed", tree, "application/pkcs7-signature"] if self.smime else tree

    def expect(self, i):
        row = self.rows[i]
        local, _, domain = row["email"].rpartition("@")
        local = local[1:-1].replace('\\"', '"') if local.startswith('"') else local
        person = [row["name"], f"{local}@{domain.encode('idna').decode()}"]
        return {"shape": self.shape(), "subject": f"{self.head} {row['subject']}".strip(" "), "note": row["note"], "date": True, "defects": [],
                "addresses": {"From": [[self.sender, "shop@example.com"]], "Sender": [], "To": [] if self.group else [person], "Bcc": [],
                              "Cc": [["Fixed, Name", "c@example.com"], [f"Dr. {row['cc']}".strip(" "), "d@example.com"], ["", "e@example.org"]],
                              "Reply-To": [[row["cc"], "r@example.com"]] if self.reply else []},
                "groups": ["undisclosed-recipients"] if self.group else [],
                "text": self.text(row), "html_has": row["markup"] if self.html else None, "head": self.head,
                "files": list(self.attached(row, i)), "invitation": self.kind == "invitation", "summary": row["subject"]}
