#!/usr/bin/env python3
"""Proves the practice relay against smtplib and raw sockets.

    python3 tests/fake/selftest.py build/release/fake-relay [selftest_tls.Tls.test_starttls ...]

Standard library only; the last line is "N passed, N failed"."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import practice  # noqa: E402 (the folder is known only now)

MODULES = ["selftest_" + name for name in ("session", "strict", "record", "tls", "auth", "faults", "policies")]


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        Result.passed += 1


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    practice.PLACES["program"] = sys.argv[1]
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:] or MODULES)
    result = unittest.TextTestRunner(resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{Result.passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
