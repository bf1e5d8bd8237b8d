"""The page for users names tests as proofs; they must be there."""

import os
import pathlib
import re
import unittest

from nova_lxd import conf

TESTS = pathlib.Path(__file__).parent.parent
PAGE = pathlib.Path(os.environ.get("NOVA_LXD_SOURCE", TESTS.parent)) / ".." / "docs" / "how-to" / "openstack.md"


class SupportMatrixTest(unittest.TestCase):

    def setUp(self):
        self.text = PAGE.read_text(encoding="utf-8")
        self.rows = [[cell.strip() for cell in row] for row in re.findall(
            r"(?m)^\| `((?:operation|guest|console|storage|networking)\.[a-z.-]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|$", self.text)]

    def test_every_proof_in_the_support_matrix_exists(self):
        named = set(re.findall(r"`(test_\w+)`", self.text))
        there = {name for file in TESTS.rglob("test_*.py")
                 for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}
        self.assertGreater(len(named), 20)
        self.assertEqual(set(), named - there)

    def test_every_section_has_one_of_novas_words_and_what_works_has_a_proof(self):
        self.assertGreater(len(self.rows), 55)
        self.assertEqual(len(self.rows), len({section for section, *_ in self.rows}))
        for section, state, proof, _ in self.rows:
            self.assertIn(state, ("complete", "partial", "missing", "unknown"), section)
            if state in ("complete", "partial"):
                self.assertRegex(proof, "test_|all-in-one", section)

    def test_every_option_is_explained(self):
        self.assertEqual([], [option.name for option in conf.OPTIONS if f"`{option.name}`" not in self.text])
