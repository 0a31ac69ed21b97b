"""Letters in every charset that can be written, read back by Python's `email`: each text as the row has it."""
import csv
import email
import email.policy
from email.header import decode_header, make_header

import pytest

from relay import lettershop

LATIN, CYRILLIC, GREEK = "Zoë naïve Größe", "Привет Жанна", "Καλημέρα κόσμε"
CHINESE, TAIWANESE, JAPANESE, KOREAN = "你好，世界", "臺灣繁體字", "日本語のメール", "안녕하세요"
TEXTS = {
    **{f"iso-8859-{n}": LATIN for n in (1, 9, 15)}, "iso-8859-2": "Žluťoučký kůň", "iso-8859-3": "Ĉu ŝi ĝuas", "iso-8859-4": "Čā šķiļ",
    "iso-8859-5": CYRILLIC, "iso-8859-6": "مرحبا", "iso-8859-7": GREEK, "iso-8859-8": "שלום", "iso-8859-10": "Þórður Ŋ",
    "iso-8859-11": "สวัสดี", "iso-8859-13": "Ąžuolas", "iso-8859-14": "Ŵyddfa", "iso-8859-16": "Ștefan Țepeș",
    "windows-1250": "Žluťoučký “kůň”", "windows-1251": CYRILLIC + " №", "windows-1252": LATIN + " €", "windows-1253": GREEK,
    "windows-1254": "Şişli ğ", "windows-1255": "שלום", "windows-1256": "مرحبا پ", "windows-1257": "Ąžuolas", "koi8-r": CYRILLIC,
    "koi8-u": CYRILLIC + " їє", "gb2312": CHINESE, "gbk": CHINESE + "鎔", "gb18030": CHINESE + "😀é", "big5": TAIWANESE,
    "iso-2022-jp": JAPANESE, "shift_jis": JAPANESE, "euc-jp": JAPANESE, "euc-kr": KOREAN,
}
OUTSIDE = "ᚠᛇᚻ"  # runes: in none of them but gb18030


def words(message, name):
    return str(make_header(decode_header(message[name])))


@pytest.mark.parametrize("charset", TEXTS)
def test_read_back(charset, tmp_path):
    text = TEXTS[charset]
    rows = [("ann@post.example", "Ann", "plain"), ("two@post.example", text, text), ("three@post.example", (text + " ") * 12 + text, (text + "\n\n. ") * 40),
            ("four@post.example", OUTSIDE, text)]
    (tmp_path / "letter.eml").write_text(
        f"From: {text} <a@example.com>\nTo: {{{{ name }}}} <{{{{ email }}}}>\nSubject: {text} {{{{ name }}}}\nCharset: {charset}\n"
        f"Html-Body: body.html\n\n{text}\n{{{{ body }}}}\n{text}", encoding="utf-8")
    (tmp_path / "body.html").write_text(f"<p>{text} {{{{ body }}}}</p>", encoding="utf-8")
    with open(tmp_path / "list.csv", "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([("email", "name", "body"), *rows])
    done = lettershop("check", "letter.eml", "list.csv", cwd=tmp_path, check=0)
    assert ("charset: 1 warning" in done.stdout) == (charset != "gb18030"), done.stdout
    lettershop("preview", "letter.eml", "list.csv", "--out", "p", cwd=tmp_path, check=0)
    paths = sorted((tmp_path / "p/eml").iterdir())
    assert len(paths) == len(rows)
    for path, (_, name, body) in zip(paths, rows):
        raw = path.read_bytes()
        assert raw.isascii() and all(len(line) <= 78 for line in raw.split(b"\r\n"))
        message = email.message_from_bytes(raw)
        used = "utf-8" if name == OUTSIDE and charset != "gb18030" else charset
        assert words(message, "Subject") == f"{text} {name}"
        assert text in words(message, "From")
        for header in "Subject", "From":
            assert {c for _, c in decode_header(message[header]) if c} == {used}
        texts = [p for p in message.walk() if not p.is_multipart()]
        assert [p.get_content_charset() for p in texts] == [used, used]
        plain = texts[0].get_payload(decode=True).decode(used).replace("\r\n", "\n")
        assert plain == f"{text}\n{body}\n{text}\n"
        assert f"<p>{text} " in texts[1].get_payload(decode=True).decode(used)
        modern = email.message_from_bytes(raw, policy=email.policy.default)
        assert not [d for p in modern.walk() for d in p.defects]
