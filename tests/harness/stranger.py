"""A client from elsewhere, for rules that spare this machine: it comes by XCLIENT, with whatever address a test wants.

    with Stranger(mansio, "192.0.2.7") as stranger:     # mta.xclient_networks must hold 127.0.0.1
        stranger.greet("mx.client.test")
        stranger.say("MAIL FROM:<a@client.test>")
"""

from .patience import eventually
from .wire import Wire


def settle(mansio):
    """Waits until the MTA knows of all settings and lists that were changed before. For private instances: mta.vrfy is the sign."""
    sign, code = ("disabled", 502) if mansio.command("setting", "get", "mta.vrfy").strip() == "off" else ("off", 252)
    mansio.command("setting", "set", "mta.vrfy", sign)
    with mansio.smtp() as client:
        eventually(lambda: client.docmd("VRFY", "postmaster")[0] == code, 20, "the word from the database")


class Stranger(Wire):
    def __init__(self, mansio, address, port=None, greeted=True, **attributes):
        super().__init__(mansio.host, port or mansio.port["smtp"])
        self.reply()
        shown = f"IPV6:{address}" if ":" in address else address
        words = [f"ADDR={shown}"] + [f"{name}={value}" for name, value in attributes.items()]
        self.send(f"XCLIENT {' '.join(words)}\r\n".encode())
        self.greeting = self.reply() if greeted else None

    def greet(self, name="mx.client.test", verb="EHLO"):
        """Says EHLO; the extensions. (The greeting has been taken.)"""
        code, text = self.say(f"{verb} {name}")
        assert code == 250, text
        return text.split("\n")[1:]

    def try_recipient(self, sender, recipient, helo="mx.client.test"):
        """EHLO, MAIL and RCPT: the answer to RCPT."""
        self.greet(helo)
        code, text = self.say(f"MAIL FROM:<{sender}>")
        assert code == 250, text
        return self.say(f"RCPT TO:<{recipient}>")

    def deliver(self, text="Subject: Salve\r\n\r\nSalve!\r\n"):
        """DATA and the message: the answer."""
        code, answer = self.say("DATA")
        if code != 354:
            return code, answer
        self.send(text.encode() + b".\r\n")
        return self.reply()
