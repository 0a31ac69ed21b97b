"""A template that does too much fails its row with a sentence, not the run; the bounds can be raised."""
from relay import lettershop, results

LETTER = """\
From: p@sender.example
To: {{ email }}
Subject: bounds

{% for i in (1..n) %}{% for k in (1..10) %}{{ k }}{% endfor %}{% endfor %}
"""


def test_steps_and_output(shop):
    (shop / "letter.eml").write_text(LETTER)
    (shop / "list.csv").write_text("email,n\nsmall@list.example,3\nlarge@list.example,2000\n")
    for bound in ("--max-steps=5000", "--max-output=1000"):
        done = lettershop("check", "letter.eml", "list.csv", bound, cwd=shop, check=2)
        assert "list.csv:3" in done.stdout and "list.csv:2" not in done.stdout, done.stdout
    lettershop("check", "letter.eml", "list.csv", cwd=shop, check=0)
    done = lettershop("send", "letter.eml", "list.csv", "--relay", "null:", "--yes", "--max-steps", "5000",
                      "--bad-rows", "skip", cwd=shop, check=1)
    assert {x["recipient"]: x["status"] for x in results(shop / "dry-run.csv")} == {
        "small@list.example": "sent", "large@list.example": "skipped"}, done.stderr


def test_nesting(shop):
    (shop / "letter.eml").write_text("From: p@sender.example\nTo: {{ email }}\nSubject: x\n\n" +
                                     "{% if email %}" * 5 + "deep" + "{% endif %}" * 5 + "\n")
    (shop / "list.csv").write_text("email\nann@list.example\n")
    lettershop("check", "letter.eml", "list.csv", cwd=shop, check=0)
    assert "letter.eml:5" in lettershop("check", "letter.eml", "list.csv", "--max-nesting", "3", cwd=shop, check=2).stdout
