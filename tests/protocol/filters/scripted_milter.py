"""A milter on libmilter (Sendmail's own library): what a message's X-Do fields ask for is done, and what it was told goes into a file.

    scripted_milter.py PORT FILE
"""

import json
import sys

import Milter


class Scripted(Milter.Base):
    def __init__(self):
        self.told, self.wishes = {}, []

    def note(self, **facts):
        self.told.update(facts)

    def connect(self, name, family, address):
        self.note(name=name, address=address[0] if address else None, j=self.getsymval("j"), daemon=self.getsymval("{daemon_name}"))
        return Milter.CONTINUE

    def hello(self, name):
        self.note(helo=name)
        return Milter.CONTINUE

    def envfrom(self, sender, *parameters):
        self.note(sender=sender, parameters=list(parameters), id=self.getsymval("i"), rcpts=[])
        self.wishes = []
        return Milter.CONTINUE

    def envrcpt(self, to, *parameters):
        self.told["rcpts"].append(to)
        if "refuse" in to:
            self.setreply("550", "5.7.1", "first line", "second line")
            return Milter.REJECT
        return Milter.CONTINUE

    def data(self):
        return Milter.CONTINUE

    def header(self, name, value):
        if name == "X-Do":
            self.wishes.append(value)
        return Milter.CONTINUE

    def eoh(self):
        self.bytes = 0
        return Milter.CONTINUE

    def body(self, chunk):
        self.bytes += len(chunk)
        return Milter.CONTINUE

    def abort(self):
        self.note(aborted=True)
        return Milter.CONTINUE

    def eom(self):
        self.note(bytes=self.bytes)
        with open(sys.argv[2], "w", encoding="utf-8") as file:
            json.dump(self.told, file)
        acts = {
            "add": lambda: self.addheader("X-Added", "by libmilter"),
            "insert": lambda: self.addheader("X-Inserted", "on top", 0),
            "change": lambda: self.chgheader("Subject", 1, "changed"),
            "delete": lambda: self.chgheader("X-Gone", 1, ""),
            "body": lambda: self.replacebody(b"another body\r\n"),
            "from": lambda: self.chgfrom("<changed@outside.test>"),
            "quarantine": lambda: self.quarantine("looks odd"),
            "progress": self.progress,
        }
        for wish in self.wishes:
            if wish.startswith("rcpt "):
                self.addrcpt(wish[5:])
            elif wish.startswith("norcpt "):
                self.delrcpt(wish[7:])
            elif wish in acts:
                acts[wish]()
        if "reject" in self.wishes:
            return Milter.REJECT
        if "tempfail" in self.wishes:
            return Milter.TEMPFAIL
        if "discard" in self.wishes:
            return Milter.DISCARD
        return Milter.CONTINUE if "continue" in self.wishes else Milter.ACCEPT


Milter.factory = Scripted
Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.DELRCPT | Milter.CHGFROM | Milter.QUARANTINE)
Milter.runmilter("scripted", f"inet:{sys.argv[1]}@127.0.0.1", 60)
