"""Somebody else's mail server: an SMTP server on an address of its own that keeps what it gets.

    with harness.Outside(mansio, "elsewhere.test") as elsewhere:        # zone with MX, and the server behind it
        mansio.submit(livia, "bob@elsewhere.test", subject="Salve")
        envelope = elsewhere.wait_for_mail()                            # .mail_from .rcpt_tos .content

`answer` decides about each recipient: a function (mail_from, rcpt_to) -> "250 2.1.5 Ok" or "550 5.1.1 No such user" ...
"""

import itertools
import os

from aiosmtpd.controller import Controller

from .patience import eventually

_numbers = itertools.count(2)


class _Handler:
    def __init__(self, outside):
        self.outside = outside

    async def handle_RCPT(self, server, session, envelope, address, options):  # pylint: disable=invalid-name
        answer = self.outside.answer(envelope.mail_from, address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # pylint: disable=invalid-name
        self.outside.received.append(envelope)
        return "250 2.0.0 Kept"


class Outside:
    def __init__(self, mansio, domain, answer=lambda mail_from, rcpt_to: "250 2.1.5 Ok", tls=None):
        self.received = []
        self.answer = answer
        self.mansio, self.domain = mansio, domain
        # Test processes that share an instance share its port for this, so each has addresses of its own in 127.0.0.0/8.
        self.address = f"127.{1 + os.getpid() % 250}.{os.getpid() // 250 % 250}.{next(_numbers)}"
        self.controller = Controller(_Handler(self), hostname=self.address, port=mansio.port["outside"], tls_context=tls,
                                     server_hostname=f"mx.{domain}", enable_SMTPUTF8=True)  # fmt: skip

    def start(self):
        self.controller.start()
        self.mansio.outside_zone(self.domain, ["@ MX 10 mx", f"mx A {self.address}"])
        return self

    def stop(self):
        self.controller.stop()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def wait_for_mail(self, count=1, seconds=20):
        """The last envelope, once there are `count`."""
        eventually(lambda: len(self.received) >= count, seconds, f"mail number {count} at {self.domain}")
        return self.received[-1]
