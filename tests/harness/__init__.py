"""What tests of the running programs use: a private instance, people in it, mail, and patience with a deadline.

    import unittest
    import harness

    class Delivery(unittest.TestCase):
        def setUp(self):
            self.mansio = harness.shared()              # one instance for all tests, private() for a test that breaks things
            self.domain = self.mansio.new_domain()      # names nobody else uses
            self.livia = self.mansio.new_account(self.domain)

        def test_mail_arrives(self):
            self.mansio.send("someone@outside.test", self.livia.address, subject="Salve")
            message = self.mansio.wait_for_mail(self.livia, subject="Salve")

docs/testing.md tells more.
"""

from . import filters
from .imapcase import ImapCase
from .imapwire import ImapWire
from .mansio import Account, Mansio, message, private, shared, unique
from .objectstore import ObjectStore
from .outside import Outside
from .patience import eventually
from .queuecase import QueueCase
from .second import Second
from .sink import Sink, converse
from .stranger import Stranger, settle
from .thunderbird import Thunderbird
from .web import Web
from .webclient import Browser
from .wire import Wire

__all__ = ["Account", "Browser", "ImapCase", "ImapWire", "Mansio", "ObjectStore", "Outside", "QueueCase", "Second", "Sink", "Stranger", "Thunderbird",
           "Web", "Wire", "converse", "eventually", "filters", "message", "private", "settle", "shared", "unique"]
