"""The page for users names tests as proofs; they must be there."""

import os
import pathlib
import re
import unittest

TESTS = pathlib.Path(__file__).parent.parent
PAGE = pathlib.Path(os.environ.get("NOVA_LXD_SOURCE", TESTS.parent)) / ".." / "docs" / "how-to" / "openstack.md"


class SupportMatrixTest(unittest.TestCase):

    def test_every_proof_in_the_support_matrix_exists(self):
        named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
        there = {name for file in TESTS.rglob("test_*.py")
                 for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}
        self.assertGreater(len(named), 20)
        self.assertEqual(set(), named - there)
