"""What a session is told of by itself (RFC 5465), without IDLE and of mailboxes that it has not selected."""

import pathlib
import re
import socket
import tempfile
import time
import unittest

import harness
from harness.filters import Daemon

MESSAGE = b"From: Marcus <m@outside.test>\r\nSubject: Salve\r\n\r\nbody\r\n"
BOTH = "MessageNew MessageExpunge"
ALL = "MessageNew MessageExpunge FlagChange"


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.one, self.two = self.session(), self.session()

    def append(self, mailbox="Archive", wire=None):
        reply, _ = (wire or self.one).append(mailbox, MESSAGE)
        assert reply.startswith("OK"), reply

    def lines(self, count, wire=None):
        return [(wire or self.two).line() for _ in range(count)]

    def quiet(self, wire=None):
        self.assertTrue((wire or self.two).quiet(0.3))

    def refused(self, command, how, wire=None):
        reply, _ = (wire or self.two).run(command)
        self.assertTrue(reply.startswith(how), reply)


class OtherMailboxes(Case):
    def test_new_expunged_and_changed_messages_are_told_by_status(self):
        self.assertIn(b"NOTIFY", self.two.must("CAPABILITY")[0].split())
        validity = self.two.must("STATUS Archive (UIDVALIDITY)")[0].split()[-1].rstrip(b")").decode()
        self.assertEqual(self.two.must(f"NOTIFY SET (personal ({ALL}))"), [])
        self.append()
        self.assertEqual(self.two.line(), f'* STATUS "Archive" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY {validity} UNSEEN 1)'.encode())
        self.one.must("SELECT Archive")
        self.one.must("STORE 1 +FLAGS.SILENT (\\Seen)")
        self.assertEqual(self.two.line(), f'* STATUS "Archive" (UIDVALIDITY {validity} UNSEEN 0)'.encode())
        self.one.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertIn(b"UNSEEN 0", self.two.line())
        self.one.must("EXPUNGE")
        self.assertIn(b"(MESSAGES 0 UIDNEXT 2 ", self.two.line())
        self.quiet()

    def test_with_condstore_the_mod_sequence_is_told(self):
        self.two.must("ENABLE CONDSTORE")
        self.two.must(f"NOTIFY SET (mailboxes Archive ({ALL}))")
        self.append()
        self.assertRegex(self.two.line().decode(), r'^\* STATUS "Archive" \(MESSAGES 1 UIDNEXT 2 .*HIGHESTMODSEQ \d+\)$')
        self.one.must("SELECT Archive")
        self.one.must("STORE 1 +FLAGS.SILENT (\\Flagged)")
        self.assertRegex(self.two.line().decode(), r'^\* STATUS "Archive" \(UIDVALIDITY \d+ UNSEEN 1 HIGHESTMODSEQ \d+\)$')

    def test_only_what_was_asked_for_is_told(self):
        for name in ("lists", "lists/imap", "listsandmore", "other"):
            self.one.must(f"CREATE {name}")
        self.one.must("UNSUBSCRIBE other")
        told = {
            "subtree lists": ["lists", "lists/imap"],
            "subtree (lists/imap other)": ["lists/imap", "other"],
            "mailboxes (lists nowhere)": ["lists"],
            "subscribed": ["lists", "lists/imap", "listsandmore"],
            "personal": ["lists", "lists/imap", "listsandmore", "other"],
            "inboxes": ["lists", "lists/imap", "listsandmore", "other"],
        }
        for choice, names in told.items():
            self.two.must(f"NOTIFY SET ({choice} ({BOTH}))")
            for name in ("lists", "lists/imap", "listsandmore", "other"):
                self.append(name)
            got = [re.search(rb'STATUS "([^"]+)"', line)[1].decode() for line in self.lines(len(names))]
            self.assertEqual(got, names, choice)
            self.assertEqual(self.two.must("NOOP"), [], choice)

    def test_groups_that_meet_in_a_mailbox_add_up_and_none_asks_for_nothing(self):
        self.two.must(f"NOTIFY SET (mailboxes INBOX ({BOTH})) (personal (SubscriptionChange)) (subtree Archive NONE)")
        self.append("INBOX")
        self.assertIn(b'STATUS "INBOX"', self.two.line())
        self.one.must("UNSUBSCRIBE INBOX")
        self.assertEqual(self.two.line(), b'* LIST (\\HasNoChildren) "/" "INBOX"')
        self.append("Archive")
        self.quiet()

    def test_the_subscribed_are_those_that_are_now(self):
        self.two.must(f"NOTIFY SET (subscribed ({BOTH}))")
        self.one.must("UNSUBSCRIBE Archive")
        self.append("Archive")
        self.quiet()
        self.one.must("SUBSCRIBE Archive")
        self.append("Archive")
        self.assertIn(b"MESSAGES 2", self.two.line())

    def test_status_tells_where_each_mailbox_stands_first(self):
        self.append("Archive")
        self.two.must("SELECT INBOX")
        lines = self.two.must(f"NOTIFY SET STATUS (selected ({BOTH})) (mailboxes (Archive INBOX Sent nowhere) ({BOTH}))")
        self.assertEqual([re.sub(rb"UIDVALIDITY \d+", b"V", line) for line in sorted(lines)],
                         [b'* STATUS "Archive" (MESSAGES 1 UIDNEXT 2 V)', b'* STATUS "Sent" (MESSAGES 0 UIDNEXT 1 V)'])  # fmt: skip

    def test_mail_from_outside_is_told_within_100_ms_to_many_sessions(self):
        wires = [self.session() for _ in range(10)]
        for wire in wires:
            wire.must(f"NOTIFY SET (inboxes ({BOTH}))")
        self.mansio.send("x@outside.test", self.livia.address)
        accepted = time.monotonic()
        for wire in wires:
            self.assertIn(b'STATUS "INBOX" (MESSAGES 1', wire.line())
        self.assertLess(time.monotonic() - accepted, 0.3)

    def test_idle_tells_the_same_and_goes_on_afterwards(self):
        self.two.must(f"NOTIFY SET (personal ({BOTH}))")
        tag = self.two.start("IDLE")
        self.assertEqual(self.two.line(), b"+ idling")
        self.append()
        self.assertIn(b'STATUS "Archive" (MESSAGES 1', self.two.line())
        self.two.send("DONE\r\n")
        self.two.finish(tag)
        self.append()
        self.assertIn(b'STATUS "Archive" (MESSAGES 2', self.two.line())

    def test_another_accounts_mail_is_never_told(self):
        marcus = self.session(self.mansio.new_account(self.domain))
        marcus.must(f"NOTIFY SET STATUS (personal ({ALL} MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))")
        self.append("INBOX")
        self.one.must("CREATE mine")
        self.one.must('SETMETADATA INBOX (/shared/comment "x")')
        self.one.must('SETMETADATA "" (/private/comment "x")')
        self.quiet(marcus)


class Selected(Case):
    def setUp(self):
        super().setUp()
        for _ in range(3):
            self.append("INBOX")
        self.one.must("SELECT INBOX")
        self.two.must("SELECT INBOX")

    def expunge(self, number):
        self.one.must(f"STORE {number} +FLAGS.SILENT (\\Deleted)")
        self.one.must("EXPUNGE")

    def test_selected_is_told_at_once_and_outside_of_idle(self):
        self.two.must(f"NOTIFY SET (selected ({ALL}))")
        self.one.must("STORE 2 +FLAGS.SILENT (\\Flagged)")
        self.assertEqual(self.two.line(), b"* 2 FETCH (FLAGS (\\Flagged) UID 2)")
        self.expunge(1)
        self.assertEqual(self.lines(2), [b"* 1 FETCH (FLAGS (\\Deleted) UID 1)", b"* 1 EXPUNGE"])
        self.append("INBOX")
        self.assertEqual(self.lines(2)[0], b"* 3 EXISTS")

    def test_selected_delayed_keeps_numbers_until_a_command(self):
        self.two.must(f"NOTIFY SET (selected-delayed ({ALL}))")
        self.expunge(1)
        self.assertEqual(self.two.line(), b"* 1 FETCH (FLAGS (\\Deleted) UID 1)")
        self.quiet()
        self.assertEqual(self.two.must("FETCH 2 UID"), [b"* 2 FETCH (UID 2)"])
        self.assertEqual(self.two.must("NOOP"), [b"* 1 EXPUNGE"])
        self.append("INBOX")
        self.assertEqual(self.lines(2)[0], b"* 3 EXISTS")

    def test_new_messages_come_with_what_was_asked_for(self):
        self.two.must(f"NOTIFY SET (selected (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge))")
        self.append("INBOX")
        lines = self.lines(3)
        self.assertEqual(lines[0], b"* 4 EXISTS")
        self.assertRegex(lines[2].decode(), r"(?s)^\* 4 FETCH \(UID 4 FLAGS \(.*\) BODY\[HEADER\.FIELDS \(Subject\)\] \{18\}\r\nSubject: Salve\r\n\r\n\)$")
        self.mansio.send("x@outside.test", self.livia.address, subject="Outside")
        lines = self.lines(3)
        self.assertEqual(lines[0], b"* 5 EXISTS")
        self.assertIn(b"Subject: Outside", lines[2])

    def test_what_the_session_appends_itself_is_not_fetched(self):
        self.two.must("NOTIFY SET (selected (MessageNew (UID ENVELOPE) MessageExpunge))")
        reply, lines = self.two.append("INBOX", MESSAGE)
        self.assertTrue(reply.startswith("OK"))
        self.assertEqual(lines, [b"* 4 EXISTS", b"* 1 RECENT"])
        self.assertEqual(self.two.must("COPY 1:2 INBOX"), [b"* 6 EXISTS", b"* 3 RECENT"])
        self.append("INBOX")
        self.assertIn(b"* 7 FETCH (UID 7 ENVELOPE (", self.lines(3)[2])

    def test_fetching_new_messages_does_not_make_them_seen(self):
        self.two.must("NOTIFY SET (selected (MessageNew (UID BODY[TEXT]) MessageExpunge))")
        self.append("INBOX")
        self.assertEqual(self.lines(3)[2], b"* 4 FETCH (UID 4 BODY[TEXT] {6}\r\nbody\r\n)")
        self.assertNotIn(b"Seen", self.two.must("UID FETCH 4 FLAGS")[0])

    def test_without_flagchange_flags_are_not_told(self):
        self.two.must(f"NOTIFY SET (selected ({BOTH}))")
        self.one.must("STORE 1 +FLAGS.SILENT (\\Flagged)")
        self.quiet()
        self.assertEqual(self.two.must("NOOP"), [])

    def test_where_the_selected_mailbox_is_not_asked_for_it_stands_still(self):
        for command in (f"NOTIFY SET (personal ({ALL}))", "NOTIFY SET (selected NONE)", "NOTIFY NONE"):
            self.two.must("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))")
            self.two.must("NOOP")
            before = int(self.two.must("SEARCH RETURN (COUNT) ALL")[0].split()[-1])
            self.two.must(command)
            self.append("INBOX")
            self.one.must("STORE 1 +FLAGS.SILENT (\\Answered)")
            self.quiet()
            self.assertEqual(self.two.must("NOOP"), [], command)
            self.one.must("STORE 1 -FLAGS.SILENT (\\Answered)")
            lines = self.two.must(f"NOTIFY SET (selected ({ALL}))")
            self.assertIn(b"* %d EXISTS" % (before + 1), lines, "what gathered is told at once")

    def test_the_selected_mailbox_is_the_one_selected_at_the_time(self):
        self.two.must(f"NOTIFY SET (selected ({BOTH})) (personal ({BOTH}))")
        self.two.must("SELECT Archive")
        self.append("INBOX")
        self.assertIn(b'* STATUS "INBOX" (MESSAGES 4', self.two.line())
        self.append("Archive")
        self.assertEqual(self.lines(2)[0], b"* 1 EXISTS")
        self.two.must("UNSELECT")
        self.append("Archive")
        self.assertIn(b'* STATUS "Archive" (MESSAGES 2', self.two.line())

    def test_expunges_are_vanished_with_qresync(self):
        self.two.must("ENABLE QRESYNC")
        self.two.must(f"NOTIFY SET (selected ({BOTH}))")
        self.expunge(2)
        self.assertEqual(self.two.line(), b"* VANISHED 2")


class Names(Case):
    def setUp(self):
        super().setUp()
        self.two.must("NOTIFY SET (personal (MailboxName SubscriptionChange))")

    def test_made_renamed_and_removed_mailboxes(self):
        self.one.must("CREATE a")
        self.assertEqual(self.two.line(), b'* LIST (\\HasNoChildren \\Subscribed) "/" "a"')
        self.one.must("CREATE a/b")
        self.assertEqual(self.lines(2), [b'* LIST (\\HasNoChildren \\Subscribed) "/" "a/b"', b'* LIST (\\HasChildren \\Subscribed) "/" "a"'])
        self.one.must("RENAME a c")
        self.assertEqual(self.two.line(), b'* LIST (\\HasChildren \\Subscribed) "/" "c" ("OLDNAME" ("a"))')
        self.quiet()
        self.one.must("DELETE c")
        self.assertEqual(self.two.line(), b'* LIST (\\NonExistent \\HasChildren) "/" "c"')
        self.one.must("DELETE c/b")
        self.assertEqual(self.lines(2), [b'* LIST (\\NonExistent \\HasNoChildren) "/" "c/b"', b'* LIST (\\NonExistent \\HasNoChildren) "/" "c"'])

    def test_subscriptions(self):
        self.one.must("UNSUBSCRIBE Sent")
        self.assertEqual(self.two.line(), b'* LIST (\\HasNoChildren \\Sent) "/" "Sent"')
        self.one.must("SUBSCRIBE Sent")
        self.assertEqual(self.two.line(), b'* LIST (\\HasNoChildren \\Subscribed \\Sent) "/" "Sent"')

    def test_the_sessions_own_acts_are_not_told(self):
        for command in ("CREATE x/y", "RENAME x/y z", "UNSUBSCRIBE z", "DELETE z"):
            self.assertEqual(self.two.must(command), [], command)
        self.quiet()

    def test_names_are_in_the_form_that_the_session_uses(self):
        self.one.must("ENABLE UTF8=ACCEPT")
        self.one.must('CREATE "Entwürfe"')
        self.assertEqual(self.two.line(), b'* LIST (\\HasNoChildren \\Subscribed) "/" "Entw&APw-rfe"')

    def test_a_name_that_is_not_there_yet_can_be_waited_for(self):
        self.two.must(f"NOTIFY SET (mailboxes later (MailboxName {BOTH}))")
        self.one.must("CREATE sooner")
        self.one.must("CREATE later")
        self.append("later")
        self.assertEqual(self.two.line(), b'* LIST (\\HasNoChildren \\Subscribed) "/" "later"')
        self.assertIn(b'* STATUS "later" (MESSAGES 1', self.two.line())

    def test_too_much_at_once_ends_it(self):
        tag = self.two.start("IDLE")
        self.two.line()
        self.mansio.sql(f"""INSERT INTO mailbox (account_id, name) SELECT a.id, 'many ' || n FROM generate_series(1, 1100) AS n, account a
                        JOIN domain d ON d.id = a.domain_id WHERE a.local_part || '@' || d.name = '{self.livia.address}'""")
        self.one.must("CREATE last")
        self.assertTrue(self.two.line().startswith(b"* OK [NOTIFICATIONOVERFLOW]"))
        self.two.send("DONE\r\n")
        self.two.finish(tag)
        self.one.must("CREATE another")
        self.assertEqual(self.two.must("NOOP"), [])


class Annotations(Case):
    def test_enable_metadata_tells_what_other_sessions_set(self):
        self.assertEqual(self.two.must("ENABLE METADATA"), [b"* ENABLED METADATA"])
        self.one.must('SETMETADATA INBOX (/shared/comment "x" /private/comment "y")')
        lines = [self.two.line()]
        if b"/private/comment" not in lines[0]:
            lines.append(self.two.line())
        self.assertIn(lines, ([b'* METADATA "INBOX" /shared/comment /private/comment'],
                              [b'* METADATA "INBOX" /shared/comment', b'* METADATA "INBOX" /private/comment']))  # fmt: skip
        self.one.must("SETMETADATA INBOX (/shared/comment NIL)")
        self.assertEqual(self.two.line(), b'* METADATA "INBOX" /shared/comment')
        self.one.must('SETMETADATA "" (/private/vendor/x "y")')
        self.assertEqual(self.two.line(), b'* METADATA "" /private/vendor/x')
        self.assertEqual(self.two.must('SETMETADATA INBOX (/shared/comment "mine")'), [], "its own act")
        self.assertEqual(self.one.must("NOOP"), [], "it did not ask")
        self.append("INBOX")
        self.quiet()

    def test_notify_tells_of_the_mailboxes_asked_for(self):
        self.two.must("NOTIFY SET (mailboxes Archive (MailboxMetadataChange)) (personal (ServerMetadataChange))")
        self.one.must('SETMETADATA INBOX (/shared/comment "x")')
        self.one.must('SETMETADATA Archive (/shared/comment "x")')
        self.assertEqual(self.two.line(), b'* METADATA "Archive" /shared/comment')
        self.one.must('SETMETADATA "" (/private/comment "x")')
        self.assertEqual(self.two.line(), b'* METADATA "" /private/comment')
        self.two.must("NOTIFY SET (personal (MailboxMetadataChange))")
        self.one.must('SETMETADATA "" (/private/comment "z")')
        self.quiet()


class Shared(Case):
    """Mailboxes of another account, as far as its owner allows."""

    def setUp(self):
        super().setUp()
        self.marcus = self.mansio.new_account(self.domain)
        self.reader = self.session(self.marcus)
        self.one.must("CREATE projects")
        self.one.must(f"SETACL projects {self.marcus.address} lrs")
        self.name = f"Other Users/{self.livia.address}/projects"

    def test_messages_of_a_shared_mailbox_are_told_with_what_the_reader_has_seen(self):
        self.reader.must(f'NOTIFY SET (subtree "Other Users" ({ALL}))')
        self.append("projects")
        self.assertIn(f'STATUS "{self.name}" (MESSAGES 1 UIDNEXT 2 '.encode(), line := self.reader.line())
        self.assertIn(b"UNSEEN 1", line)
        self.one.must("SELECT projects")
        self.one.must("STORE 1 +FLAGS.SILENT (\\Flagged \\Seen)")
        self.assertIn(b"UNSEEN 1", self.reader.line(), "the reader has not seen it")
        self.append("Archive")
        self.quiet(self.reader)

    def test_personal_ones_are_the_sessions_own(self):
        self.reader.must(f"NOTIFY SET (personal ({BOTH}))")
        self.append("projects")
        self.quiet(self.reader)

    def test_status_has_the_shared_ones_that_were_asked_for(self):
        lines = self.reader.must(f'NOTIFY SET STATUS (mailboxes ("{self.name}" "Other Users/{self.livia.address}/INBOX") ({BOTH}))')
        self.assertEqual(len(lines), 1)
        self.assertIn(self.name.encode(), lines[0])

    def test_who_may_not_read_any_more_hears_no_more(self):
        self.reader.must(f'NOTIFY SET (mailboxes "{self.name}" ({BOTH} MailboxMetadataChange))')
        self.one.must('SETMETADATA projects (/shared/comment "x" /private/comment "of the owner")')
        self.assertEqual(self.reader.line(), f'* METADATA "{self.name}" /shared/comment'.encode())
        self.one.must(f"DELETEACL projects {self.marcus.address}")
        self.append("projects")
        self.one.must('SETMETADATA projects (/shared/comment "y")')
        self.quiet(self.reader)
        self.one.must(f"SETACL projects {self.marcus.address} lr")
        self.append("projects")
        self.assertIn(b"MESSAGES 2", self.reader.line())


class Lost(unittest.TestCase):
    def test_what_happened_while_nobody_could_be_told_is_told_afterwards(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        with harness.ImapWire(mansio, livia) as wire:
            wire.must("LIST \"\" *")
            wire.must("NOTIFY SET (personal (MailboxName MailboxMetadataChange))")
            account = mansio.sql("SELECT account_id FROM mailbox LIMIT 1")[0]
            mansio.sql(f"INSERT INTO mailbox (account_id, name) VALUES ({account}, 'quietly')")
            mansio.sql(f"INSERT INTO annotation SELECT account_id, id, 0, '/shared/comment', 'x' FROM mailbox WHERE name = 'INBOX'")
            mansio.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mansio_imapd' AND pid <> pg_backend_pid()")
            self.assertEqual({wire.line(), wire.line()}, {b'* LIST (\\HasNoChildren \\Subscribed) "/" "quietly"', b'* METADATA "INBOX" /shared/comment'})


class Refusals(Case):
    def test_events_that_are_not_known_are_named(self):
        for event in ("AnnotationChange", "UserEvent", "MessageNew MessageExpunge AnnotationChange"):
            reply, _ = self.two.run(f"NOTIFY SET (personal ({event}))")
            self.assertTrue(reply.startswith("NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName"), reply)

    def test_what_does_not_go_together(self):
        for arguments in ("(personal (MessageNew))", "(personal (MessageExpunge))", "(personal (FlagChange))", "(personal ())",
                          "(selected (MailboxName))", f"(selected ({BOTH})) (selected-delayed ({BOTH}))", "(mailboxes ({BOTH}))",
                          "(somewhere NONE)", "personal NONE", f"(personal {BOTH})", "(selected (MessageNew (NOSUCH) MessageExpunge))"):  # fmt: skip
            self.refused(f"NOTIFY SET {arguments}", "BAD")
        for command in ("NOTIFY", "NOTIFY SET", "NOTIFY NONE NONE", "NOTIFY SOME"):
            self.refused(command, "BAD")

    def test_too_much_to_watch(self):
        names = " ".join(f"m{n}" for n in range(1001))
        self.refused(f"NOTIFY SET (mailboxes ({names}) ({BOTH}))", "NO [NOTIFICATIONOVERFLOW]")
        self.refused("NOTIFY SET" + f" (subtree x ({BOTH}))" * 51, "NO [NOTIFICATIONOVERFLOW]")

    def test_a_refused_command_leaves_what_was_asked_for_before(self):
        self.two.must(f"NOTIFY SET (personal ({BOTH}))")
        self.refused("NOTIFY SET (personal (Nonsense))", "NO [BADEVENT")
        self.append()
        self.assertIn(b'STATUS "Archive"', self.two.line())

    def test_unauthenticate_forgets_it(self):
        self.two.must(f"NOTIFY SET (personal ({BOTH}))")
        self.two.must("UNAUTHENTICATE")
        self.append()
        self.quiet()
        marcus = self.mansio.new_account(self.domain)
        self.assertTrue(self.two.login(marcus)[0].startswith("OK"))
        self.append()
        self.assertEqual(self.two.must("NOOP"), [])


class TwoServers(Case):
    """A second imapd on the same store, as on another node."""

    def setUp(self):
        super().setUp()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        place = self.mansio.instance.place
        kept = [line for line in place.configuration.read_text().splitlines() if not re.match(r"\s*(imapd_\w+|user)\s*=", line)]
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name, "mansio.conf")
        path.write_text("\n".join(kept + [f"imapd_imap = 127.0.0.1:{self.port}", ""]))
        self.daemon = Daemon([str(self.mansio.instance.build / "bin" / "mansio-imapd"), "-c", str(path)], self.port)
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.daemon.stop)

    def elsewhere(self):
        wire = harness.ImapWire(self.mansio, tls=False)
        self.addCleanup(wire.close)
        wire.socket.close()
        wire.socket = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        wire.line()
        wire.must("STARTTLS")
        wire.start_tls()
        self.assertTrue(wire.login(self.livia)[0].startswith("OK"))
        return wire

    def test_what_happens_on_one_is_told_on_the_other(self):
        far = self.elsewhere()
        far.must(f"NOTIFY SET (personal ({ALL} MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))")
        self.append("Archive")
        self.assertIn(b'* STATUS "Archive" (MESSAGES 1 UIDNEXT 2', far.line())
        self.one.must("SELECT Archive")
        self.one.must("STORE 1 +FLAGS.SILENT (\\Seen)")
        self.assertIn(b"UNSEEN 0", far.line())
        self.one.must("CREATE new")
        self.assertEqual(far.line(), b'* LIST (\\HasNoChildren \\Subscribed) "/" "new"')
        self.one.must("UNSUBSCRIBE new")
        self.assertEqual(far.line(), b'* LIST (\\HasNoChildren) "/" "new"')
        self.one.must('SETMETADATA new (/shared/vendor/a:b "x")')
        self.assertEqual(far.line(), b'* METADATA "new" /shared/vendor/a:b')
        self.one.must("DELETE new")
        self.assertEqual(far.line(), b'* LIST (\\NonExistent \\HasNoChildren) "/" "new"')


if __name__ == "__main__":
    unittest.main()
