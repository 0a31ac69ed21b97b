"""Generated letters, read back exactly by Python's email, GMime and mailparser: tests/readers."""
import subprocess
import sys

from relay import LONG, ROOT

LETTERS, ROWS = (500, 20) if LONG else (35, 3)


def test_three_readers_get_back_what_the_row_has():
    done = subprocess.run([sys.executable, ROOT / "tests/readers/run", str(LETTERS), str(ROWS)], capture_output=True, text=True,
                          encoding="utf-8", timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"python: {LETTERS * ROWS} of {LETTERS * ROWS} messages" in done.stdout
    print(done.stdout)
