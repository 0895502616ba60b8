"""What tests of IMAP begin with: a person of its own, and sessions that are closed when the test ends."""

import unittest

from .imapwire import ImapWire
from .mansio import shared


class ImapCase(unittest.TestCase):
    def setUp(self):
        self.mansio = shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def session(self, account=None):
        wire = ImapWire(self.mansio, account or self.livia)
        self.addCleanup(wire.close)
        return wire
