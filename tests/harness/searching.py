"""Tests of the search index: an account, its session, and how far its index is."""

import re
import unittest

from .imapwire import ImapWire
from .mansio import private
from .patience import eventually


def literal(data):
    return b"{%d+}\r\n" % len(data) + data


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = private({"imapd_sweep_seconds": "1"})

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def setUp(self):
        self.account = self.mansio.new_account(self.mansio.new_domain())
        self.wire = self.session()

    def session(self):
        wire = ImapWire(self.mansio, self.account, timeout=60)
        self.addCleanup(wire.close)
        return wire

    def index(self, verb):
        return self.mansio.command("index", verb, self.account.address)

    def indexed(self):
        """(messages, of these in the index, to be taken out)"""
        return tuple(int(n) for n in re.findall(r"(?:Messages|in the index|taken out) +(\d+)", self.index("show")))

    def wait_for_index(self, count):
        eventually(lambda: self.indexed() == (count, count, 0), 60)

    def add(self, *messages, mailbox="INBOX"):
        for message in messages:
            self.assertRegex(self.wire.append(mailbox, message)[0], "^OK")

    def search(self, keys, wire=None):
        keys = keys if isinstance(keys, bytes) else keys.encode()
        reply, lines = (wire or self.wire).run(b"UID SEARCH CHARSET UTF-8 " + keys)
        self.assertTrue(reply.startswith("OK"), (keys, reply))
        return [line for line in lines if line.startswith(b"* SEARCH")][0]

    def unreadable(self):
        """From here on nothing but the index can answer."""
        account = self.mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE local_part || '@' || d.name = '{self.account.address}'")[0]
        self.mansio.sql(f"UPDATE email SET blob = gen_random_uuid() WHERE account_id = {account}")
        self.mansio.kill("imapd")
        self.mansio.wait_until_ready("imapd")
        self.wire = self.session()
        self.wire.must("SELECT INBOX")
        return account
