"""generate.py N [SEED] - N templates with data, a JSON object a line, the same for the same seed.

Most are short, so that a difference has one cause. Values are mostly of the kind that a filter wants; one in eight is
of any kind."""
import json
import random
import sys

DATA = {
    "n": [0, 1, 7, -3, 42, 1000000007], "d": [0.5, 2.25, -1.75, 10.0, 3.14159],
    "s": ["Ground control to Major Tom", "a,b,,c", " padded\t", "Straße und Bäume", "x", "12", "3.5", "<b>bold</b> & more",
          "line\nbreak\r\nmore", "aaaa"],
    "e": [""], "z": [None], "t": [True], "f": [False],
    "l": [[3, 1, 2], [], [5], [1, 2, 2, 3, None, 1]],
    "w": [["b", "A", "c"], ["x"], [], ["pear", "Apple", "fig", "apple"]],
    "o": [[{"k": "x", "v": 3}, {"k": "y", "v": 1}, {"k": "x", "v": 2}], [{"k": "z"}, {"v": 4}]],
    "h": [{"a": 1, "b": "two", "c": [1, 2]}, {}],
}
KIND = {"n": "number", "d": "number", "s": "text", "e": "text", "z": "any", "t": "any", "f": "any", "l": "list",
        "w": "list", "o": "objects", "h": "any"}
LITERAL = {
    "number": ["0", "1", "2", "-1", "3", "10", "2.5", "-0.5", "1.0", "100"],
    "small": ["0", "1", "2", "3", "5", "10", "-1", "-2"],
    "text": ["'a'", "'b, c'", "''", "' '", "'-'", "\"Tom\"", "'x'", "'2'"],
    "property": ["'k'", "'v'", "'none'"],
    "list": ["l", "w", "(1..4)", "(2..0)"],
    "objects": ["o"],
    "any": ["nil", "true", "false", "empty", "blank", "none", "h", "h.a", "h.c", "l[0]", "l[-1]", "o[0].k", "w.first", "l.last",
            "s.size", "l.size", "h.none.deep", "h['b']", "(1..3)"],
}
FILTERS = {  # input kind: (name, kinds of arguments it must and may have)
    "text": [("append", "text"), ("prepend", "text"), ("capitalize", ""), ("downcase", ""), ("upcase", ""), ("escape", ""),
             ("escape_once", ""), ("lstrip", ""), ("rstrip", ""), ("strip", ""), ("newline_to_br", ""), ("strip_newlines", ""),
             ("strip_html", ""), ("remove", "text"), ("remove_first", "text"), ("remove_last", "text"), ("replace", "text text"),
             ("replace_first", "text text"), ("replace_last", "text text"), ("size", ""), ("slice", "small small?"),
             ("slice", "small"), ("split", "text"), ("truncate", "small text?"), ("truncatewords", "small text?"),
             ("url_encode", ""), ("url_decode", ""), ("base64_encode", ""), ("default", "text"), ("first", ""), ("last", "")],
    "number": [("abs", ""), ("at_least", "number"), ("at_most", "number"), ("ceil", ""), ("floor", ""), ("divided_by", "number"),
               ("minus", "number"), ("modulo", "number"), ("plus", "number"), ("round", "small?"), ("times", "number"),
               ("default", "number"), ("append", "text")],
    "list": [("first", ""), ("last", ""), ("join", "text?"), ("reverse", ""), ("size", ""), ("sort", ""), ("sort_natural", ""),
             ("uniq", ""), ("compact", ""), ("concat", "list"), ("slice", "small small?"), ("sum", "")],
    "objects": [("map", "property"), ("where", "property text?"), ("sort", "property"), ("uniq", "property"), ("sum", "property"),
                ("sort_natural", "property"), ("compact", "property"), ("first", ""), ("size", "")],
}
GIVES = {"split": "list", "first": "any", "last": "any", "join": "text", "size": "number", "map": "list", "slice": "same",
         "default": "same", "sum": "number", "append": "text"}


class Generator:
    def __init__(self, rng):
        self.r = rng
        self.names = 0

    def value(self, kind):
        if self.r.random() < 0.125:
            kind = self.r.choice(list(LITERAL))
        names = [v for v, k in KIND.items() if k == kind]
        if names and self.r.random() < 0.5:
            return self.r.choice(names)
        return self.r.choice(LITERAL[kind])

    def chain(self, kind=None, most=2):
        kind = kind or self.r.choice(list(FILTERS) + ["any"])
        out = self.value(kind)
        for _ in range(self.r.randint(0, most)):
            if kind == "any":
                kind = self.r.choice(list(FILTERS))
            name, args = self.r.choice(FILTERS[kind])
            given = [self.value(a.rstrip("?")) for a in args.split() if not a.endswith("?") or self.r.random() < 0.5]
            out += f" | {name}" + (": " + ", ".join(given) if given else "")
            gives = GIVES.get(name, "same")
            kind = kind if gives == "same" else gives
        return out

    def condition(self):
        parts = []
        for _ in range(self.r.choice([1, 1, 1, 2, 3])):
            kind = self.r.choice(["number", "number", "text", "list", "any"])
            left = self.value(kind)
            roll = self.r.random()
            if roll < 0.25:
                parts.append(left)
            elif roll < 0.4:
                parts.append(f"{left} contains {self.value(self.r.choice(['text', 'number']))}")
            else:
                parts.append(f"{left} {self.r.choice(['==', '!=', '<', '>', '<=', '>=', '<>'])} {self.value(kind)}")
        return "".join(p + f" {self.r.choice(['and', 'or'])} " for p in parts[:-1]) + parts[-1]

    def name(self):
        self.names += 1
        return "v" + str(self.names)

    def block(self, depth):
        return "".join(self.statement(depth - 1) for _ in range(self.r.randint(1, 2)))

    def loop(self, depth, tag):
        options = "".join(
            self.r.choice(["", "", f" {o}{self.value('small') if o.endswith(':') else ''}"]) for o in
            (["reversed", "limit:", "offset:"] if tag == "for" else ["cols:", "limit:", "offset:"]))
        name = self.name()
        inner = self.r.choice([
            f"{{{{ {name} }}}} ", f"{{{{ {name} | upcase }}}}{{{{ {tag}loop.index }}}}", f"{{{{ {tag}loop.rindex0 }}}}{{{{ {tag}loop.last }}}} ",
            f"{{% if {name} == 2 %}}{{% {self.r.choice(['break', 'continue'])} %}}{{% endif %}}{{{{ {name} }}}}",
            "{% cycle 'a', 'b', 'c' %}", "{% cycle n: 'a', 'b' %}", f"{{% ifchanged %}}{{{{ {name} }}}}{{% endifchanged %}}",
            f"{{{{ {name}.k }}}}{{{{ {name}[0] }}}}"] + ([self.block(depth)] if depth else []))
        over = self.value(self.r.choice(["list", "list", "objects", "any"]))
        otherwise = "{% else %}none" if tag == "for" and self.r.random() < 0.3 else ""
        return f"{{% {tag} {name} in {over}{options} %}}{inner}{otherwise}{{% end{tag} %}}"

    def statement(self, depth):
        roll = self.r.random()
        if roll < 0.45 or depth <= 0:
            return f"{{{{ {self.chain()} }}}}" + self.r.choice(["", " ", "\n"])
        if roll < 0.55:
            name = self.name()
            return f"{{% assign {name} = {self.chain()} %}}{{{{ {name} }}}}" + self.r.choice(["", f"{{{{ {name}.size }}}}", f"{{{{ {name}[0] }}}}"])
        if roll < 0.7:
            middle = f"{{% elsif {self.condition()} %}}{self.block(depth)}" if self.r.random() < 0.3 else ""
            otherwise = f"{{% else %}}{self.block(depth)}" if self.r.random() < 0.6 else ""
            return f"{{% if {self.condition()} %}}{self.block(depth)}{middle}{otherwise}{{% endif %}}"
        if roll < 0.74:
            return f"{{% unless {self.condition()} %}}a{{% else %}}b{{% endunless %}}"
        if roll < 0.79:
            kind = self.r.choice(["number", "text"])
            whens = "".join(f"{{% when {self.value(kind)}{self.r.choice([',', ' or'])} {self.value(kind)} %}}{i}" for i in range(2))
            return f"{{% case {self.value(kind)} %}}{whens}{{% else %}}-{{% endcase %}}"
        if roll < 0.91:
            return self.loop(depth, "for")
        if roll < 0.93:
            return self.loop(depth, "tablerow")
        if roll < 0.96:
            name = self.name()
            return f"{{% capture {name} %}}{self.block(depth)}{{% endcapture %}}[{{{{ {name} | strip }}}}]"
        return self.r.choice(["{% increment i %}{% increment i %}", "{% decrement i %}", "{% raw %}{{ x }}{% endraw %}", "a {%- comment -%} x {%- endcomment -%} b",
                              " {{- s -}} .", "{% echo n | plus: 1 %}", "{% liquid\nassign q = n\necho q\n%}", "{%- if true -%} y {%- endif -%}"])


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for i in range(count):
        g = Generator(random.Random(f"{seed}/{i}"))
        template = "".join(g.statement(g.r.choice([1, 1, 2])) for _ in range(g.r.choice([1, 1, 1, 2])))
        print(json.dumps({"template": template, "data": {k: g.r.choice(v) for k, v in DATA.items()}}, ensure_ascii=False))


if __name__ == "__main__":
    main()
