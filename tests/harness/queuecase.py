"""What tests of the queue begin with: a person who sends, domains elsewhere, and the mail that their servers kept."""

import itertools
import unittest

from .mansio import shared
from .patience import eventually


class QueueCase(unittest.TestCase):
    def setUp(self):
        self.mansio = shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.kept = []
        self.numbers = itertools.count(1)

    def zone(self, *records):
        """A domain elsewhere with these records."""
        name = f"far{next(self.numbers)}-{self.domain}".replace(".example", ".test")
        self.mansio.outside_zone(name, list(records))
        return name

    def wait(self, count=1):
        eventually(lambda: len(self.kept) >= count, 15, f"mail number {count}")
        return self.kept[-1]

    def bounce(self, **kwargs):
        got = self.mansio.wait_for_mail(self.livia, **kwargs)
        self.assertEqual(got.get_content_type(), "multipart/report")
        return got
