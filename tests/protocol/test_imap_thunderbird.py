"""Debian's Thunderbird reads, moves, searches and sends. Pictures of it are in build/test-logs."""

import pathlib
import shutil
import unittest

import harness

PICTURES = pathlib.Path(__file__).resolve().parents[2] / "build" / "test-logs"
SUBJECT = "Grüße aus Rom"

OPEN_INBOX = """
const server = MailServices.accounts.defaultAccount.incomingServer;
document.getElementById("tabmail").currentAbout3Pane.displayFolder(server.rootFolder.URI + "/INBOX");
server.performExpand(null);
"""
ROWS = """
const view = document.getElementById("tabmail").currentAbout3Pane.gDBView;
return view ? Array.from({length: view.rowCount}, (_, i) => view.cellTextForColumn(i, "subjectCol")) : [];
"""
READ = """
const about = document.getElementById("tabmail").currentAboutMessage;
return about?.gMessage ? about.getMessagePaneBrowser().contentDocument.body.textContent : "";
"""
SEARCH = """
const root = MailServices.accounts.defaultAccount.incomingServer.rootFolder;
const search = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
search.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, root.descendants.find(f => f.URI.endsWith("/INBOX")));
const term = search.createTerm();
term.attrib = Ci.nsMsgSearchAttrib.Body;
term.op = Ci.nsMsgSearchOp.Contains;
const value = term.value;
value.attrib = term.attrib;
value.str = arguments[0];
term.value = value;
term.booleanAnd = true;
search.appendTerm(term);
const hits = [];
search.registerListener({
    QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
    onNewSearch() {},
    onSearchHit(header) { hits.push(header.mime2DecodedSubject); },
    onSearchDone() { done(hits); },
});
search.search(null);
"""
COMPOSE = """
const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
params.type = Ci.nsIMsgCompType.New;
params.format = Ci.nsIMsgCompFormat.PlainText;
params.identity = MailServices.accounts.defaultAccount.defaultIdentity;
params.composeFields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
[params.composeFields.to, params.composeFields.subject, params.composeFields.body] = arguments;
MailServices.compose.OpenComposeWindowWithParams(null, params);
"""


@unittest.skipUnless(shutil.which("thunderbird") and shutil.which("Xvfb"), "thunderbird and xvfb are not installed")
class Thunderbird(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        domain = self.mansio.new_domain()
        self.livia, self.gaius = self.mansio.new_account(domain), self.mansio.new_account(domain)
        self.wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.wire.close)
        for n in range(1, 6):
            text = f"From: Gaius <g@example.org>\r\nTo: l@example.org\r\nSubject: letter {n}\r\nMessage-ID: <{n}@example.org>\r\n"
            text += f"Content-Type: text/plain; charset=utf-8\r\n\r\nThe café number {n}\r\n"
            self.wire.append("INBOX", text.encode())
        self.program = harness.Thunderbird()
        self.addCleanup(self.program.close)
        self.program.add_account(self.mansio, self.livia, "Livia")
        self.program.run(OPEN_INBOX)
        self.wait_for_rows(lambda rows: len(rows) == 5)

    def wait_for_rows(self, condition):
        return harness.eventually(lambda: condition(self.program.run(ROWS)), 60, "the list of messages")

    def picture(self, name):
        self.program.screenshot(PICTURES / f"thunderbird-{name}.png")

    def select(self, subject):
        row = self.program.run(ROWS).index(subject)
        self.program.run('document.getElementById("tabmail").currentAbout3Pane.threadTree.selectedIndex = arguments[0]', row)

    def here(self, mailbox, *keys):
        """What a search finds in the mailbox, on the server."""
        self.wire.must(f"EXAMINE {mailbox}")
        found = self.wire.must("SEARCH " + " ".join(keys))[0].split()[2:]
        self.wire.must("UNSELECT")
        return len(found)

    def test_reads_moves_searches_and_sends(self):
        program = self.program
        folders = program.run("return MailServices.accounts.defaultAccount.incomingServer.rootFolder.descendants.map(f => [f.URI.split('/').pop(), f.flags])")
        special = {name: flags for name, flags in folders}
        for name, bit in (("Sent", 0x200), ("Drafts", 0x400), ("Trash", 0x100), ("Junk", 0x40000000), ("Archive", 0x4000)):
            self.assertTrue(special[name] & bit, (name, special))
        self.select("letter 2")
        harness.eventually(lambda: "The café number 2" in program.run(READ), 30, "the letter's text")
        self.picture("read")
        harness.eventually(lambda: self.here("INBOX", "SEEN", "SUBJECT", '"letter 2"') == 1, 30, "its being seen")
        self.assertEqual(program.wait_for(SEARCH, "CAFE number 4"), ["letter 4"])
        archive = 'MailServices.accounts.defaultAccount.incomingServer.rootFolder.descendants.find(f => f.URI.endsWith("/Archive"))'
        program.run(f'document.getElementById("tabmail").currentAbout3Pane.commandController.doCommand("cmd_moveMessage", {archive})')
        harness.eventually(lambda: self.here("Archive", "SUBJECT", '"letter 2"') == 1 and self.here("INBOX", "ALL") == 4, 30, "its being moved")
        program.run(COMPOSE, self.gaius.address, SUBJECT, "Salvē, Gāī!\n")
        program.other_window()
        harness.eventually(lambda: program.run("return document.getElementById('msgSubject')?.value") == SUBJECT, 30, "the window to write in")
        self.picture("compose")
        program.run("GenericSendMessage(Ci.nsIMsgCompDeliverMode.Now)")
        program.main_window()
        message = self.mansio.wait_for_mail(self.gaius, subject=SUBJECT)
        self.assertIn("Salvē, Gāī!", message.get_payload(decode=True).decode())
        harness.eventually(lambda: self.here("Sent", "ALL") == 1, 30, "the copy of what was sent")
        # and what arrives meanwhile comes by itself
        self.mansio.send("someone@outside.test", self.livia.address, subject="while it idles")
        self.wait_for_rows(lambda rows: "while it idles" in rows)
        self.picture("list")


if __name__ == "__main__":
    unittest.main()
