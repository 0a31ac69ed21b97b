"""words.py - texts to put into letters: every script of Unicode, every charset that is written, hostile names."""
import collections
import functools
import hashlib
import sys
import unicodedata

CHARSETS = ["utf-8", *(f"iso-8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
            *(f"windows-125{n}" for n in range(9)), "koi8-r", "koi8-u", "gb2312", "gbk", "gb18030", "big5", "iso-2022-jp",
            "shift_jis", "euc-jp", "euc-kr"]
WIDE = {"gb2312", "gbk", "gb18030", "big5", "iso-2022-jp", "shift_jis", "euc-jp", "euc-kr"}

HOSTILE = ["a" * 80, "é" * 40, "漢" * 40, " ", '"', ",", "<evil@bad.example>", "(x)", "\\", "=?UTF-8?Q?x?=", "=?", "?=", "_", "=",
           "&", "'", "<", ";", ":", "@", ".", "From ", "words in a row here", "--", "--=_x", "%", "test", "😀", "e\u0301", "\u200d",
           "👩\u200d👩\u200d👧", "ﷺ", "-", "*", "#", "[x](y)", "`", "|", "~~", "<b>", "&amp;", "!", "$", "/", "undisclosed:;", "\t"]


@functools.cache
def scripts():
    """{first word of the names of its letters: letters}: Unicode's scripts, as near as this table knows them."""
    found = collections.defaultdict(list)
    for point in range(0xa1, sys.maxunicode + 1):
        char = chr(point)
        if unicodedata.category(char)[0] in "LMNS":
            first = unicodedata.name(char, "").split(" ")[0].split("-")[0]
            if first and len(found[first]) < 500:
                found[first].append(char)
    return {name: chars for name, chars in sorted(found.items()) if any(unicodedata.category(c)[0] == "L" for c in chars)}


@functools.cache
def letters(charset):
    """What the charset has beyond ASCII."""
    if charset == "utf-8":
        return sorted({c for chars in scripts().values() for c in chars[:3]})
    found = []
    for point in range(0xa1, 0x20000 if charset == "gb18030" else 0x10000):
        char = chr(point)
        if unicodedata.category(char)[0] not in "LNPS":
            continue
        try:
            if char.encode(charset).decode(charset) == char:
                found.append(char)
        except UnicodeError:
            pass
    return found


def fits(charset, text):
    try:
        return text.encode(charset).decode(charset) == text
    except UnicodeError:
        return False


class Words:
    """Texts of one letter: mostly of its charset, sometimes of a script that it has not."""

    def __init__(self, rng, charset):
        self.rng, self.charset, self.letters = rng, charset, letters(charset)

    def own(self, most=6):
        """Words that fit into the charset."""
        rng = self.rng
        return " ".join("".join(rng.choice(self.letters if rng.random() < 0.8 else "abcXYZ019") for _ in range(rng.randint(1, 9)))
                        for _ in range(rng.randint(1, most)))

    def script(self, name, most=4):
        """Words of one script; a mark stands behind a letter."""
        chars = scripts()[name]
        base = [c for c in chars if unicodedata.category(c)[0] in "LN"]
        out = []
        for _ in range(self.rng.randint(1, most)):
            word = self.rng.choice(base) + "".join(self.rng.choice(chars) for _ in range(self.rng.randint(0, 8)))
            out.append(word + self.rng.choice(base))
        return " ".join(out)

    def hostile(self, most=6):
        return "".join(self.rng.choice(HOSTILE) + self.rng.choice(["", " "]) for _ in range(self.rng.randint(0, most)))

    def any(self, script, most=5):
        return self.rng.choice([self.own, self.own, self.hostile, lambda most: self.script(script, most)])(most)

    def name(self, script):
        """In one line, without blanks at its ends, and none but the blank."""
        return self.any(script).replace("\t", " ").strip(" ")

    def body(self, script, most=12):
        lines = [self.any(script, most) for _ in range(self.rng.randint(0, 6))]
        return "".join(line + self.rng.choice(["\n", "\n", "\n\n", "\r\n", " \n", "\n.", "\nFrom "]) for line in lines)

    def file(self, script):
        """A name that every system takes, so that it is shown as it stands."""
        name = "".join(c for c in self.any(script, 3) if c not in '<>:"|?*\\/\t\u200d').strip(" .")
        return (name[:40].strip(" .") or "file") + self.rng.choice([".pdf", ".bin", "", ".tar.gz", ".PNG", ".doc"])


def sha256(octets):
    return hashlib.sha256(octets).hexdigest()
