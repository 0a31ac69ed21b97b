"""classes.py - why a peer and lettershop differ: each class is a row of the table in tests/conformance/README.md.

A class is a name, the peers it is about, and a test of (template, ours, theirs), which are {"out": text} or
{"error": sentence}. The first class that fits a difference explains it."""
import re


def has(pattern):
    found = re.compile(pattern)
    return lambda template, ours, theirs: bool(found.search(template))


def they_say(pattern):
    found = re.compile(pattern)
    return lambda template, ours, theirs: bool(found.search(theirs.get("error", "")))


def they_print(pattern):
    found = re.compile(pattern)
    return lambda template, ours, theirs: bool(found.search(theirs.get("out", "")))


def we_say(pattern):
    found = re.compile(pattern)
    return lambda template, ours, theirs: bool(found.search(ours.get("error", "")))


def both(*tests):
    return lambda *case: all(t(*case) for t in tests)


def no_zero_sign(template, ours, theirs):
    return "out" in ours and "out" in theirs and theirs["out"].replace("-0.0", "0.0") == ours["out"].replace("-0.0", "0.0")


def less(template, ours, theirs):
    """Theirs is ours with something missing."""
    rest = iter(ours.get("out", ""))
    return "out" in ours and all(c in rest for c in theirs.get("out", "?"))


def reordered(template, ours, theirs):
    return sorted(ours.get("out", "")) == sorted(theirs.get("out", "?").replace("-0.0", "0.0"))


RUBY = [
    ("no-such-filter", they_say("undefined filter")),
    ("division-by-0.0", we_say("divided by 0")),
    ("sign-of-zero", no_zero_sign),
    ("first-of-text", both(has(r"\| (first|last)|\.(first|last)"), less)),
    ("first-of-text", has(r"\| (first|last) \| ")),
    ("sort-unstable", both(has(r"\| sort(_natural)?: "), reordered)),
    ("sort-unstable-then-cut", has(r"\| sort(_natural)?: [^|]*\| (uniq|first|last|slice|map)|\| sort(_natural)?: .*\[0\]")),
    ("exponent", both(they_print(r"e-\d\d"), has("divided_by|times"))),
    ("property-of-integer", we_say("cannot select the property")),
    ("limit-of-tablerow", we_say("of the loop is not a whole number")),
    ("break-in-tablerow", has(r"tablerow.*(break|continue)")),
    ("blank-without-rails", has(r"\bblank\b")),
]
def no_point_zero(template, ours, theirs):
    def plain(text):
        return text.replace(".0", "")
    return "out" in ours and "out" in theirs and plain(ours["out"]) == plain(theirs["out"])


def same_words(template, ours, theirs):
    return "out" in theirs and ours.get("out", "").split() == theirs["out"].split()


CONDITION = r"\{% (if|unless|elsif) [^%]*(==|!=|<>|<|>|contains| and | or |empty|blank)"
NUMBERS = "abs|at_least|at_most|ceil|floor|divided_by|minus|modulo|plus|round|times|sum"
LIQUIDJS = [
    ("no-such-tag", they_say(r"tag .* not found")),
    ("object-as-text", they_print(r"(?i)\[object |\[OB?J?E?C?T?\.*")),
    ("tablerow-line-breaks", both(has("tablerow"), lambda t, o, h: "".join(o.get("out", "").split()) == "".join(h.get("out", "?").split()))),
    ("tablerow-of-nothing", has(r"\{% tablerow")),
    ("decimal-point-zero", no_point_zero),
    ("mistake-not-reported", both(lambda t, o, h: "error" in o and "out" in h)),
    ("range-as-text", has(r"\(\d+\.\.\d+\)")),
    ("comparison-of-kinds", has(CONDITION)),
    ("case-once", has(r"\{% case")),
    ("size-of-a-number", has(r"\.size|\| size")),
    ("index-of-text", has(r"\[-?\d\]|\.(first|last)|\| (first|last)")),
    ("loop-bounds", has(r"\{% for [^%]*(limit|offset)")),
    ("loop-of-a-text", has(r"\{% for \w+ in \w")),
    ("kinds-in-arithmetic", has(rf"\| ({NUMBERS})")),
    ("array-as-text", has(r"\| (append|prepend|upcase|downcase|capitalize|escape|replace|remove|truncate|split|strip|slice|url_|base64|newline|lstrip|rstrip)")),
    ("property-of-no-object", has(r"\| (map|where|sort|sort_natural|uniq|compact)")),
    ("join-of-no-list", has(r"\| (join|concat|reverse|default)")),
]
