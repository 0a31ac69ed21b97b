// read_mailparser.js - messages as mailparser of npm reads them. Paths on standard input; a JSON line each.
//
// mailparser joins what a person would read: all texts become one, all HTML another. Parts are its attachments.
const fs = require("fs"), readline = require("readline"), crypto = require("crypto");
const { simpleParser } = require("mailparser"), libmime = require("libmime");
const FIELDS = ["From", "Sender", "To", "Cc", "Bcc", "Reply-To"];
const HOW = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true, keepCidLinks: true };

// A field that mailparser does not know comes as it stands; this is the decoder that it uses for the others.
const words = text => libmime.decodeWords(text);
const mailboxes = list => list.flatMap(a => a.group ? mailboxes(a.group) : [[a.name || "", a.address]]);
const values = (mail, field) => {
  const got = mail.headers.get(field.toLowerCase());
  return got ? [].concat(got).flatMap(v => v.value) : [];
};
const part = a => ({
  type: a.contentType, disposition: a.contentDisposition || null, name: a.filename || null, cid: a.cid || null,
  sha256: crypto.createHash("sha256").update(a.content).digest("hex"), size: a.content.length,
  bytes: a.contentType === "message/rfc822" ? a.content.toString("hex") : undefined,
});

async function read(path) {
  const mail = await simpleParser(fs.createReadStream(path), HOW);
  const addresses = Object.fromEntries(FIELDS.map(f => [f, mailboxes(values(mail, f))]));
  return {
    subject: mail.subject || "", note: words(mail.headers.get("x-note") || ""), date: mail.date instanceof Date, addresses,
    groups: values(mail, "To").filter(a => a.group && !a.group.length).map(a => a.name),
    text: mail.text === undefined ? null : mail.text, html: mail.html || null, files: mail.attachments.map(part),
    defects: mail.headerLines.filter(l => !l.key).map(l => "a header line without a name: " + l.line),
  };
}

(async () => {
  for await (const path of readline.createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await read(path)));
})();
