"""Runs one kind of test, or one share of it, so that several processes can work side by side.

Usage: python tests/run.py KIND [SHARE/SHARES] [-k PATTERN]      KIND: unit, conformance, functional
Run as a file, not by -m: os-vif names its chains of iptables after the file.
"""

import argparse
import fnmatch
import os
import sys
import unittest
from collections.abc import Iterator


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def shares(tests: list[unittest.TestCase], count: int) -> list[list[unittest.TestCase]]:
    """Divides tests evenly. Those that need a second daemon stay together, since it is started once a process."""
    result: list[list[unittest.TestCase]] = [[] for _ in range(count)]
    weights = [0] * count
    pairs = [test for test in tests if len(getattr(test, "hosts", ())) > 1]
    result[0], weights[0] = pairs, 2 * len(pairs)
    for test in tests:
        if test not in pairs:
            smallest = weights.index(min(weights))
            result[smallest].append(test)
            weights[smallest] += 1
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("share", nargs="?", default="1/1")
    parser.add_argument("-k", dest="pattern", default="")
    arguments = parser.parse_args()
    number, count = map(int, arguments.share.split("/"))
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(folder)
    suite = unittest.TestLoader().discover(os.path.join(folder, arguments.kind), top_level_dir=os.path.dirname(folder))
    tests = [test for test in flat(suite) if fnmatch.fnmatchcase(test.id(), f"*{arguments.pattern}*")]
    mine = shares(tests, count)[number - 1]
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(mine))
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
