"""Mailboxes of others: access lists, the names below which they are, what each reader has seen."""

import unittest

import harness

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"
ALL = "lrswipkxteacd"


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain, "livia")
        self.marcus = self.mansio.new_account(self.domain, "marcus")
        self.owner = self.session(self.livia)
        self.reader = self.session(self.marcus)
        self.tree = f"Other Users/{self.livia.address}"

    def session(self, account):
        wire = harness.ImapWire(self.mansio, account)
        self.addCleanup(wire.close)
        return wire

    def share(self, name, rights, who=None):
        self.owner.must(f'SETACL "{name}" {who or self.marcus.address} {rights}')

    def shared(self, rights, messages=0):
        """A mailbox of livia's that marcus has the rights to; its name as he knows it."""
        self.owner.must("CREATE projects")
        for _ in range(messages):
            self.owner.append("projects", MESSAGE)
        self.share("projects", rights)
        return f"{self.tree}/projects"

    def refused(self, wire, command, code):
        reply, _ = wire.run(command)
        self.assertTrue(reply.startswith(f"NO [{code}]"), f"{command}: {reply}")
        return reply

    def status(self, wire, name, items="MESSAGES UNSEEN RECENT HIGHESTMODSEQ"):
        line = wire.must(f'STATUS "{name}" ({items})')[0].decode()
        words = line[line.rindex("(") + 1 : -1].split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def flags(self, wire, which="1:*"):
        """{uid: flags}"""
        found = {}
        for line in wire.must(f"UID FETCH {which} (FLAGS)"):
            text = line.decode()
            if "FETCH" in text:
                uid = int(text.split("UID ")[1].split()[0].rstrip(")"))
                found[uid] = set(text.split("FLAGS (")[1].split(")")[0].split()) - {"\\Recent"}
        return found

    def listed(self, wire, pattern="*"):
        return sorted(line.rsplit(b'"', 2)[1].decode() for line in wire.must(f'LIST "" "{pattern}"'))


class Lists(Case):
    def test_the_owner_has_all_rights_and_is_in_the_list(self):
        self.assertEqual(self.owner.must("MYRIGHTS INBOX"), [f'* MYRIGHTS "INBOX" {ALL}'.encode()])
        self.assertEqual(self.owner.must("GETACL INBOX"), [f'* ACL "INBOX" "{self.livia.address}" "{ALL}"'.encode()])
        self.refused(self.owner, f"SETACL INBOX {self.livia.address} lr", "CANNOT")

    def test_rights_are_set_added_taken_away_and_deleted(self):
        def acl():
            return self.owner.must("GETACL INBOX")[0].decode().split(f'"{ALL}"')[1].strip()

        self.share("INBOX", "lr")
        self.assertEqual(acl(), f'"{self.marcus.address}" "lr"')
        self.share("INBOX", "+sw")
        self.share("INBOX", "-r")
        self.assertEqual(acl(), f'"{self.marcus.address}" "lsw"')
        self.share("INBOX", "lrs", "anyone")
        self.share("INBOX", "s", "-marcus")
        self.assertEqual(acl(), f'"anyone" "lrs" "{self.marcus.address}" "lsw" "-{self.marcus.address}" "s"')
        self.owner.must("DELETEACL INBOX -marcus")
        self.owner.must("DELETEACL INBOX anyone")
        self.assertEqual(acl(), f'"{self.marcus.address}" "lsw"')
        self.share("INBOX", '""')
        self.assertEqual(acl(), "")
        self.refused(self.owner, "DELETEACL INBOX marcus", "CANNOT")

    def test_old_letters_stand_for_the_new_rights(self):
        self.share("INBOX", "lrcd")
        self.assertIn(b'"lrkxtecd"', self.owner.must("GETACL INBOX")[0])
        self.share("INBOX", "lre")
        self.assertIn(b'"lred"', self.owner.must("GETACL INBOX")[0])
        self.assertTrue(self.owner.run("SETACL INBOX marcus lrq")[0].startswith("BAD"))
        self.assertTrue(self.owner.run("SETACL INBOX marcus LR")[0].startswith("BAD"))

    def test_what_can_be_given(self):
        self.assertEqual(self.owner.must("LISTRIGHTS INBOX marcus"),
                         [b'* LISTRIGHTS "INBOX" "marcus" "" l r s w i p k x t e a c d'])  # fmt: skip
        self.assertEqual(self.owner.must(f"LISTRIGHTS INBOX {self.livia.address}"),
                         [f'* LISTRIGHTS "INBOX" "{self.livia.address}" "{ALL}"'.encode()])  # fmt: skip
        self.refused(self.owner, "LISTRIGHTS INBOX nobody", "CANNOT")

    def test_rights_add_up_and_negative_ones_are_taken_away(self):
        name = self.shared("lr")
        self.share("projects", "sw", "anyone")
        self.assertEqual(self.reader.must(f'MYRIGHTS "{name}"')[0].split()[-1], b"lrsw")
        self.share("projects", "w", "-anyone")
        self.assertEqual(self.reader.must(f'MYRIGHTS "{name}"')[0].split()[-1], b"lrs")

    def test_anyone_is_the_owners_domain(self):
        neighbour = self.session(self.mansio.new_account(self.mansio.new_domain(self.tenant)))
        self.owner.must("CREATE projects")
        self.share("projects", "lr", "anyone")
        self.assertIn(f"{self.tree}/projects", self.listed(self.reader))
        self.assertEqual(self.listed(neighbour, "Other*"), [])

    def test_new_mailboxes_begin_with_the_list_above_them(self):
        self.shared("lrk")
        self.owner.must("CREATE projects/2026/autumn")
        self.assertIn(f'"{self.marcus.address}" "lrkc"'.encode(), self.owner.must("GETACL projects/2026/autumn")[0])
        self.owner.must("CREATE private")
        self.assertNotIn(b"marcus", self.owner.must("GETACL private")[0])

    def test_a_renamed_mailbox_keeps_its_list_and_a_deleted_one_loses_it(self):
        self.shared("lr")
        self.owner.must("RENAME projects plans")
        self.assertEqual(self.listed(self.reader, "Other*"), ["Other Users", f"{self.tree}", f"{self.tree}/plans"])
        self.owner.must("DELETE plans")
        self.owner.must("CREATE plans")
        self.assertEqual(self.listed(self.reader, "Other*"), [])

    def test_capability_and_namespace(self):
        words = self.owner.must("CAPABILITY")[0].decode().split()
        self.assertTrue({"ACL", "RIGHTS=kxte", "LIST-MYRIGHTS"} <= set(words))
        self.assertEqual(self.owner.must("NAMESPACE"),
                         [b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))'])  # fmt: skip


class Names(Case):
    def test_only_what_may_be_looked_up_is_listed(self):
        self.owner.must("CREATE secret")
        name = self.shared("lr")
        self.share("secret", "r")
        self.assertEqual(self.listed(self.reader, "Other*"), ["Other Users", self.tree, name])
        self.assertIn(b'* LIST (\\NonExistent \\Noselect \\HasChildren) "/" "Other Users"', self.reader.must('LIST "" %'))
        self.reader.must(f'SELECT "{self.tree}/secret"')

    def test_nobody_makes_mailboxes_of_those_names(self):
        for name in ("Other Users", "Other Users/x", "Shared Folders", "Shared Folders/x/y"):
            self.assertTrue(self.owner.run(f'CREATE "{name}"')[0].startswith("NO"), name)
            self.assertTrue(self.owner.run(f'RENAME Archive "{name}"')[0].startswith("NO"), name)

    def test_without_lookup_nothing_tells_that_a_mailbox_is_there(self):
        self.owner.must("CREATE secret")
        self.share("secret", "p")  # some right, but not to look it up
        commands = ("SELECT {}", "EXAMINE {}", "STATUS {} (MESSAGES)", "DELETE {}", "RENAME {} other", "SUBSCRIBE {}", "GETACL {}",
                    "MYRIGHTS {}", "LISTRIGHTS {} marcus", "SETACL {} marcus lr", "DELETEACL {} marcus", "CREATE {below}")  # fmt: skip
        self.reader.must("SELECT INBOX")
        self.reader.append("INBOX", MESSAGE)
        for command in (*commands, "COPY 1 {}", "MOVE 1 {}", "APPEND {} {{11+}}\r\nSubject: x\n"):
            there, gone, nobody = (
                self.reader.run(command.format(f'"{name}"', below=f'"{name}/below"'))[0]
                for name in (f"{self.tree}/secret", f"{self.tree}/absent", f"Other Users/nobody@{self.domain}/x")
            )
            self.assertEqual(there, gone, command)
            self.assertEqual(there, nobody, command)
            self.assertTrue(there.startswith("NO [NONEXISTENT]"), f"{command}: {there}")
            if command.startswith(("SELECT", "EXAMINE")):
                self.reader.must("SELECT INBOX")

    def test_subscriptions_are_the_readers_own(self):
        name = self.shared("lr")
        self.reader.must(f'SUBSCRIBE "{name}"')
        self.assertIn(f'* LSUB () "/" "{name}"'.encode(), self.reader.must('LSUB "" "Other*"'))
        self.assertIn(f'* LIST (\\HasNoChildren \\Subscribed) "/" "{name}"'.encode(),
                      self.reader.must('LIST (SUBSCRIBED) "" "Other*"'))  # fmt: skip
        self.owner.must("UNSUBSCRIBE projects")
        self.assertIn(f'* LSUB () "/" "{name}"'.encode(), self.reader.must('LSUB "" "Other*"'))
        self.reader.must(f'UNSUBSCRIBE "{name}"')
        self.assertEqual(self.reader.must('LSUB "" "Other*"'), [])

    def test_the_owners_special_mailboxes_are_not_the_readers(self):
        self.share("Sent", "lr")
        self.assertIn(f'* LIST (\\HasNoChildren) "/" "{self.tree}/Sent"'.encode(), self.reader.must('LIST "" "Other*"'))
        self.assertEqual([line for line in self.reader.must('LIST (SPECIAL-USE) "" *') if b"\\Sent" in line],
                         [b'* LIST (\\HasNoChildren \\Sent) "/" "Sent"'])  # fmt: skip

    def test_list_tells_rights_and_counts(self):
        name = self.shared("lrs", messages=2)
        lines = self.reader.must('LIST "" "Other*" RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN))')
        self.assertIn(f'* MYRIGHTS "{name}" lrs'.encode(), lines)
        self.assertIn(f'* STATUS "{name}" (MESSAGES 2 UNSEEN 2)'.encode(), lines)
        self.assertIn(f'* MYRIGHTS "INBOX" {ALL}'.encode(), self.owner.must('LIST "" INBOX RETURN (MYRIGHTS)'))
        self.share("projects", "l")
        lines = self.reader.must('LIST "" "Other*" RETURN (STATUS (MESSAGES))')
        self.assertEqual([line for line in lines if b"STATUS" in line], [])

    def test_names_beyond_ascii(self):
        self.owner.must('CREATE "Entw&APw-rfe"')
        self.share("Entw&APw-rfe", "lr")
        self.assertIn(f"{self.tree}/Entw&APw-rfe", self.listed(self.reader))
        self.reader.must("ENABLE UTF8=ACCEPT")
        self.reader.must(f'SELECT "{self.tree}/Entwürfe"')


class Rights(Case):
    """Each command asks for its right."""

    def test_reading(self):
        name = self.shared("l", messages=1)
        for command in ("SELECT", "EXAMINE"):
            self.refused(self.reader, f'{command} "{name}"', "NOPERM")
        self.refused(self.reader, f'STATUS "{name}" (MESSAGES)', "NOPERM")
        self.share("projects", "lr")
        ok, lines = self.reader.run(f'SELECT "{name}"')
        self.assertTrue(ok.startswith("OK [READ-ONLY]"), ok)
        self.assertIn(b"* OK [PERMANENTFLAGS ()]", b" ".join(lines))
        self.assertIn(b"body", b" ".join(self.reader.must("FETCH 1 BODY[]")))
        self.assertEqual(self.flags(self.reader), {1: set()})
        for command in ("STORE 1 +FLAGS (\\Seen)", "STORE 1 FLAGS ()", "EXPUNGE", "STORE 1 +FLAGS (\\Deleted x)"):
            self.refused(self.reader, command, "NOPERM")

    def test_flags(self):
        name = self.shared("lrs", messages=1)
        self.owner.must("SELECT projects")
        self.owner.must("STORE 1 +FLAGS (\\Flagged \\Deleted kept)")
        ok, lines = self.reader.run(f'SELECT "{name}"')
        self.assertTrue(ok.startswith("OK [READ-ONLY]"), ok)
        self.assertIn(b"[PERMANENTFLAGS (\\Seen)]", b" ".join(lines))
        self.reader.must("STORE 1 +FLAGS (\\Seen \\Answered)")
        self.assertEqual(self.flags(self.reader), {1: {"\\Seen", "\\Flagged", "\\Deleted", "kept"}})
        self.reader.must("STORE 1 FLAGS ()")
        self.assertEqual(self.flags(self.reader), {1: {"\\Flagged", "\\Deleted", "kept"}})
        self.share("projects", "lrwt")
        ok, lines = self.reader.run(f'SELECT "{name}"')
        self.assertTrue(ok.startswith("OK [READ-WRITE]"), ok)
        self.assertIn(b"[PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Draft kept \\*)]", b" ".join(lines))
        self.reader.must("STORE 1 FLAGS (\\Answered other)")
        self.assertEqual(self.flags(self.owner), {1: {"\\Answered", "other"}})
        self.assertEqual(self.flags(self.reader), {1: {"\\Answered", "other"}})

    def test_expunging(self):
        name = self.shared("lrt", messages=2)
        self.reader.must(f'SELECT "{name}"')
        self.reader.must("STORE 1 +FLAGS (\\Deleted)")
        self.refused(self.reader, "EXPUNGE", "NOPERM")
        self.refused(self.reader, "UID EXPUNGE 1", "NOPERM")
        self.refused(self.reader, "MOVE 1 INBOX", "NOPERM")
        self.reader.must("CLOSE")
        self.assertEqual(self.status(self.owner, "projects")["MESSAGES"], 2)
        self.share("projects", "lre")
        self.reader.must(f'SELECT "{name}"')
        self.assertIn(b"* 1 EXPUNGE", self.reader.must("EXPUNGE"))

    def test_appending(self):
        name = self.shared("lr")
        self.assertTrue(self.reader.append(name, MESSAGE)[0].startswith("NO [NOPERM]"))
        self.share("projects", "lri")
        self.assertTrue(self.reader.append(name, MESSAGE, "(\\Seen \\Flagged \\Deleted mine) ")[0].startswith("OK"))
        self.share("projects", "lris")
        self.assertTrue(self.reader.append(name, MESSAGE, "(\\Seen \\Flagged) ")[0].startswith("OK"))
        self.reader.must(f'SELECT "{name}"')
        self.assertEqual(self.flags(self.reader), {1: set(), 2: {"\\Seen"}})
        self.owner.must("SELECT projects")
        self.assertEqual(self.flags(self.owner), {1: set(), 2: set()})
        self.assertEqual(self.status(self.owner, "projects")["UNSEEN"], 2)
        self.assertEqual(self.status(self.reader, name)["UNSEEN"], 1)

    def test_appending_uses_the_owners_quota(self):
        name = self.shared("lri")
        self.mansio.command("account", "set", self.livia.address, "--quota", "1K")
        self.assertTrue(self.reader.append(name, b"Subject: x\r\n\r\n" + b"x" * 2000)[0].startswith("NO [OVERQUOTA]"))
        self.reader.append("INBOX", b"Subject: x\r\n\r\n" + b"x" * 2000)
        self.reader.must("SELECT INBOX")
        self.refused(self.reader, f'COPY 1 "{name}"', "OVERQUOTA")
        self.refused(self.reader, f'MOVE 1 "{name}"', "OVERQUOTA")

    def test_copying_and_moving_between_accounts(self):
        name = self.shared("lrswite")
        self.reader.append("INBOX", b"Subject: one\r\n\r\nits bytes\r\n", "(\\Seen \\Flagged mine) ")
        self.reader.append("INBOX", MESSAGE)
        self.reader.must("SELECT INBOX")
        ok, _ = self.reader.run(f'COPY 1:2 "{name}"')
        self.assertRegex(ok, r"^OK \[COPYUID \d+ 1:2 1:2\]")
        self.owner.must("SELECT projects")
        self.assertEqual(self.flags(self.owner), {1: {"\\Flagged", "mine"}, 2: set()})
        self.assertIn(b"its bytes", b"".join(self.owner.must("FETCH 1 BODY.PEEK[]")))
        self.reader.must(f'SELECT "{name}"')
        self.assertEqual(self.flags(self.reader), {1: {"\\Seen", "\\Flagged", "mine"}, 2: set()})
        self.assertRegex(" ".join(line.decode() for line in self.reader.must("MOVE 1 Archive")), r"COPYUID \d+ 1 1")
        self.assertEqual(self.status(self.owner, "projects")["MESSAGES"], 1)
        self.owner.must("NOOP")
        self.assertEqual(self.flags(self.owner), {2: set()})
        self.reader.must("SELECT Archive")
        self.assertEqual(self.flags(self.reader), {1: {"\\Seen", "\\Flagged", "mine"}})
        self.assertIn(b"its bytes", b"".join(self.reader.must("FETCH 1 BODY.PEEK[]")))
        # each account's own sum
        for account, messages in ((self.livia, 1), (self.marcus, 3)):
            local = account.address.split("@")[0]
            self.assertEqual(self.mansio.sql(f"SELECT u.messages FROM account_usage u JOIN account a ON a.id = u.account_id"
                                             f" JOIN domain d ON d.id = a.domain_id WHERE a.local_part = '{local}' AND d.name = '{self.domain}'"),
                             [str(messages)])  # fmt: skip

    def test_a_copy_outlives_its_source(self):
        name = self.shared("lr", messages=1)
        self.reader.must(f'SELECT "{name}"')
        self.reader.must("COPY 1 INBOX")
        self.owner.must("DELETE projects")
        self.reader.must("SELECT INBOX")
        self.assertIn(b"body", b"".join(self.reader.must("FETCH 1 BODY[]")))

    def test_flags_that_may_not_be_set_are_not_copied(self):
        self.reader.append("INBOX", MESSAGE, "(\\Seen \\Flagged \\Deleted mine) ")
        self.reader.must("SELECT INBOX")
        name = self.shared("lrit")
        self.reader.must(f'COPY 1 "{name}"')
        self.owner.must("SELECT projects")
        self.assertEqual(self.flags(self.owner), {1: {"\\Deleted"}})

    def test_making_deleting_and_renaming(self):
        name = self.shared("lr")
        self.refused(self.reader, f'CREATE "{name}/new"', "NOPERM")
        self.refused(self.reader, f'DELETE "{name}"', "NOPERM")
        self.refused(self.reader, f'RENAME "{name}" "{self.tree}/x"', "NOPERM")
        self.refused(self.reader, f'CREATE "{self.tree}/top"', "NONEXISTENT")
        self.share("projects", "lrkx")
        self.reader.must(f'CREATE "{name}/new/deep"')
        self.reader.must(f'RENAME "{name}/new" "{name}/old"')
        self.refused(self.reader, f'RENAME "{name}/old" "{self.tree}/top"', "NONEXISTENT")
        self.refused(self.reader, f'RENAME "{name}/old" mine', "CANNOT")
        self.refused(self.reader, f'RENAME Archive "{name}/theirs"', "CANNOT")
        self.reader.must(f'DELETE "{name}/old/deep"')
        self.assertEqual(self.listed(self.owner, "projects*"), ["projects", "projects/old"])

    def test_administering(self):
        name = self.shared("lr")
        for command in ("GETACL {}", "SETACL {} marcus lrs", "DELETEACL {} marcus", "LISTRIGHTS {} marcus"):
            self.refused(self.reader, command.format(f'"{name}"'), "NOPERM")
        self.share("projects", "lra")
        self.reader.must(f'SETACL "{name}" anyone lr')
        self.assertIn(f'* ACL "{name}" "{self.livia.address}" "{ALL}" "anyone" "lr"'.encode(), self.reader.must(f'GETACL "{name}"')[0])
        rows = self.mansio.sql(f"SELECT actor, object_name FROM audit WHERE object_kind = 'mailbox_acl' AND object_name LIKE '%projects for @{self.domain}'")
        self.assertEqual(rows, [f"{self.marcus.address}|{self.livia.address}: projects for @{self.domain}"])

    def test_a_right_that_is_taken_away_ends_what_goes_on(self):
        name = self.shared("lrs", messages=1)
        self.reader.must(f'SELECT "{name}"')
        self.share("projects", "lr")
        harness.eventually(lambda: self.reader.run("STORE 1 +FLAGS (\\Seen)")[0].startswith("NO [NOPERM]"))
        self.owner.must("DELETEACL projects marcus")

        def closed():
            try:
                return self.reader.run("FETCH 1 FLAGS")[1][:1] == [b"* BYE The mailbox may not be read any more"]
            except EOFError:
                return True

        harness.eventually(closed)

    def test_who_idles_hears_nothing_once_the_right_is_gone(self):
        name = self.shared("lr", messages=1)
        self.reader.must(f'SELECT "{name}"')
        self.reader.start("IDLE")
        self.assertEqual(self.reader.line(), b"+ idling")
        self.owner.append("projects", MESSAGE)
        self.assertEqual(self.reader.line(), b"* 2 EXISTS")
        self.reader.line()  # RECENT
        self.owner.must("DELETEACL projects marcus")

        def over():
            self.owner.append("projects", MESSAGE)
            self.reader.socket.settimeout(0.5)
            try:
                return self.reader.line().startswith(b"* BYE")
            except TimeoutError:
                return False

        harness.eventually(over)


class Tenants(Case):
    def test_another_resellers_people_are_nobody(self):
        stranger = self.mansio.new_account(self.mansio.new_domain(), "stranger")
        outside = self.session(stranger)
        reply = self.refused(self.owner, f"SETACL INBOX {stranger.address} lr", "CANNOT")
        self.assertEqual(reply, self.refused(self.owner, f"SETACL INBOX nobody@{self.domain} lr", "CANNOT"))
        self.refused(outside, f'SELECT "{self.tree}/INBOX"', "NONEXISTENT")

    def test_the_database_refuses_to_share_across_resellers(self):
        stranger = self.mansio.new_account(self.mansio.new_domain(), "stranger")
        ids = (
            f"(SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.local_part = '{local}' AND d.name = '{domain}')"
            for local, domain in (("livia", self.domain), stranger.address.split("@"))
        )
        insert = "INSERT INTO mailbox_acl (account_id, mailbox_id, grantee, grantee_id, rights) VALUES ({}, 0, 'a', {}, 3)".format(*ids)
        with self.assertRaisesRegex(Exception, "within its reseller"):
            self.mansio.sql(insert)

    def test_a_row_that_crosses_resellers_gives_nothing(self):
        """Were there one in spite of all."""
        self.owner.must("STATUS INBOX (MESSAGES)")
        stranger = self.mansio.new_account(self.mansio.new_domain(), "stranger")
        outside = self.session(stranger)
        self.mansio.sql(
            "BEGIN; ALTER TABLE mailbox_acl DISABLE TRIGGER mailbox_acl_guard; INSERT INTO mailbox_acl (account_id, mailbox_id, grantee, grantee_id, rights)"
            " SELECT m.account_id, m.id, 'a', s.id, 2047 FROM mailbox m JOIN account a ON a.id = m.account_id JOIN domain d ON d.id = a.domain_id, account s"
            f" JOIN domain t ON t.id = s.domain_id WHERE a.local_part = 'livia' AND d.name = '{self.domain}' AND m.name = 'INBOX'"
            f" AND s.local_part = 'stranger' AND t.name = '{stranger.address.split('@')[1]}';"
            " ALTER TABLE mailbox_acl ENABLE TRIGGER mailbox_acl_guard; COMMIT")  # fmt: skip
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM mailbox_acl x JOIN account a ON a.id = x.account_id JOIN domain d ON d.id = a.domain_id"
                                         f" WHERE d.name = '{self.domain}'"), ["1"])  # fmt: skip
        self.refused(outside, f'SELECT "{self.tree}/INBOX"', "NONEXISTENT")
        self.assertEqual(self.listed(outside, "Other*"), [])
        self.assertEqual(self.mansio.sql("SELECT mailbox_rights(x.account_id, x.mailbox_id, x.grantee_id) FROM mailbox_acl x JOIN account a"
                                         f" ON a.id = x.account_id JOIN domain d ON d.id = a.domain_id WHERE d.name = '{self.domain}'"), ["0"])  # fmt: skip


class Seen(Case):
    """What each has seen is its own."""

    def test_reading_marks_nothing_for_others(self):
        name = self.shared("lrs", messages=3)
        self.owner.must("SELECT projects")
        self.reader.must(f'SELECT "{name}"')
        self.reader.must("FETCH 2 BODY[]")
        self.reader.must("STORE 3 +FLAGS (\\Seen)")
        self.owner.must("STORE 1 +FLAGS (\\Seen)")
        self.assertEqual([line for line in self.reader.must("NOOP") if b"FETCH" in line], [])
        self.assertEqual([line for line in self.owner.must("NOOP") if b"FETCH" in line], [])
        self.assertEqual(self.flags(self.reader), {1: set(), 2: {"\\Seen"}, 3: {"\\Seen"}})
        self.assertEqual(self.flags(self.owner), {1: {"\\Seen"}, 2: set(), 3: set()})
        self.assertEqual(self.status(self.reader, name)["UNSEEN"], 1)
        self.assertEqual(self.status(self.owner, "projects")["UNSEEN"], 2)
        self.assertEqual(self.reader.must("SEARCH UNSEEN"), [b"* SEARCH 1"])
        self.assertEqual(self.owner.must("SEARCH UNSEEN"), [b"* SEARCH 2 3"])

    def test_it_is_kept_and_goes_with_the_message(self):
        name = self.shared("lrste", messages=3)
        self.reader.must(f'SELECT "{name}"')
        self.reader.must("STORE 1:2 +FLAGS (\\Seen)")
        self.reader.must("CLOSE")
        again = self.session(self.marcus)
        again.must(f'SELECT "{name}"')
        self.assertEqual(self.flags(again), {1: {"\\Seen"}, 2: {"\\Seen"}, 3: set()})
        self.owner.must("SELECT projects")
        self.owner.must("STORE 1 +FLAGS (\\Deleted)")
        self.owner.must("EXPUNGE")
        self.assertEqual(self.status(again, name)["UNSEEN"], 1)
        self.owner.must("DELETE projects")
        rows = self.mansio.sql(f"SELECT count(*) FROM message_seen s JOIN account a ON a.id = s.account_id JOIN domain d ON d.id = a.domain_id WHERE d.name = '{self.domain}'")
        self.assertEqual(rows, ["0"])

    def test_a_readers_other_sessions_hear_of_it(self):
        name = self.shared("lrs", messages=2)
        other = self.session(self.marcus)
        for wire in (self.reader, other):
            wire.must(f'SELECT "{name}"')
        self.reader.must("STORE 2 +FLAGS (\\Seen)")
        self.assertEqual(other.must("NOOP"), [b"* 2 FETCH (FLAGS (\\Seen))"])
        other.must("STORE 2 -FLAGS (\\Seen)")
        self.assertEqual(self.reader.must("NOOP"), [b"* 2 FETCH (FLAGS ())"])

    def test_other_flags_are_common(self):
        name = self.shared("lrsw", messages=1)
        self.owner.must("SELECT projects")
        self.reader.must(f'SELECT "{name}"')
        self.reader.must("STORE 1 +FLAGS (\\Seen \\Flagged)")
        self.assertEqual(self.owner.must("NOOP"), [b"* 1 FETCH (FLAGS (\\Flagged \\Recent))"])
        self.owner.must("STORE 1 +FLAGS (\\Seen \\Answered)")
        self.assertEqual(self.reader.must("NOOP"), [b"* 1 FETCH (FLAGS (\\Seen \\Answered \\Flagged))"])

    def test_mod_sequences_are_each_readers(self):
        name = self.shared("lrs", messages=2)
        self.owner.must("SELECT projects (CONDSTORE)")
        self.reader.must(f'SELECT "{name}" (CONDSTORE)')
        since = self.status(self.reader, name)["HIGHESTMODSEQ"]
        line = self.reader.must("STORE 1 +FLAGS (\\Seen)")[0].decode()
        modseq = int(line.split("MODSEQ (")[1].split(")")[0])
        self.assertGreater(modseq, since)
        self.assertEqual(self.reader.must(f"FETCH 1:2 (FLAGS) (CHANGEDSINCE {since})"),
                         [f"* 1 FETCH (FLAGS (\\Seen) MODSEQ ({modseq}))".encode()])  # fmt: skip
        self.assertEqual(self.owner.must(f"FETCH 1:2 (FLAGS) (CHANGEDSINCE {since})"), [])
        ok, lines = self.reader.run(f"STORE 1:2 (UNCHANGEDSINCE {since}) -FLAGS (\\Seen)")
        self.assertIn("[MODIFIED 1]", ok)
        self.assertEqual(self.owner.run(f"STORE 1 (UNCHANGEDSINCE {since}) +FLAGS (\\Seen)")[0].split()[0:2], ["OK", "Stored"])
        self.assertEqual(self.reader.must("NOOP"), [])

    def test_a_reader_comes_back_with_qresync(self):
        name = self.shared("lrs", messages=4)
        lines = self.reader.must(f'SELECT "{name}"')
        validity = int(next(line for line in lines if b"UIDVALIDITY" in line).split(b"UIDVALIDITY ")[1].split(b"]")[0])
        since = self.status(self.reader, name)["HIGHESTMODSEQ"]
        other = self.session(self.marcus)
        other.must(f'SELECT "{name}"')
        other.must("STORE 2 +FLAGS (\\Seen)")
        self.owner.must("SELECT projects")
        self.owner.must("STORE 3 +FLAGS (\\Flagged)")
        self.owner.must("STORE 4 +FLAGS (\\Deleted)")
        self.owner.must("EXPUNGE")
        back = self.session(self.marcus)
        back.must("ENABLE QRESYNC")
        lines = back.must(f'SELECT "{name}" (QRESYNC ({validity} {since}))')
        self.assertIn(b"* VANISHED (EARLIER) 4", lines)
        told = [line.split(b" MODSEQ")[0] for line in lines if b"FETCH" in line]
        self.assertEqual(told, [b"* 2 FETCH (UID 2 FLAGS (\\Seen)", b"* 3 FETCH (UID 3 FLAGS (\\Flagged)"])

    def test_a_move_within_the_mailbox_tree_keeps_what_others_have_seen(self):
        self.shared("lrs", messages=2)
        self.owner.must("CREATE projects/done")
        self.reader.must(f'SELECT "{self.tree}/projects"')
        self.reader.must("STORE 1 +FLAGS (\\Seen)")
        self.owner.must("SELECT projects")
        self.owner.must("MOVE 1:2 projects/done")
        self.reader.must(f'SELECT "{self.tree}/projects/done"')
        self.assertEqual(self.flags(self.reader), {1: {"\\Seen"}, 2: set()})

    def test_nothing_is_recent_to_a_reader(self):
        name = self.shared("lr", messages=2)
        self.assertIn(b"* 0 RECENT", self.reader.must(f'SELECT "{name}"'))
        self.assertEqual(self.status(self.reader, name)["RECENT"], 0)
        self.assertIn(b"* 2 RECENT", self.owner.must("SELECT projects"))


class Together(Case):
    """Other commands in others' mailboxes."""

    def test_search_finds_what_the_reader_has_not_seen(self):
        name = self.shared("lrs", messages=3)
        self.reader.must(f'SELECT "{name}"')
        self.reader.must("STORE 2 +FLAGS (\\Seen)")
        self.reader.must("SELECT INBOX")
        lines = self.reader.must(f'ESEARCH IN (mailboxes "{name}") RETURN (ALL) UNSEEN')
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(b"ALL 1,3", lines[0])
        self.assertEqual(self.reader.must("ESEARCH IN (personal) RETURN (COUNT) ALL UNSEEN SUBJECT x"), [])
        self.share("projects", "l")
        self.assertEqual(self.reader.must(f'ESEARCH IN (mailboxes "{name}") RETURN (ALL) ALL'), [])

    def test_replacing_in_anothers_mailbox(self):
        name = self.shared("lri", messages=1)
        self.reader.append("INBOX", MESSAGE)
        self.reader.must("SELECT INBOX")
        self.reader.must(f'REPLACE 1 "{name}" (\\Seen) {{{len(MESSAGE)}+}}\r\n' + MESSAGE.decode())
        self.assertEqual(self.status(self.reader, "INBOX")["MESSAGES"], 0)
        self.owner.must("SELECT projects")
        self.assertEqual(self.flags(self.owner), {1: set(), 2: set()})
        self.reader.must(f'SELECT "{name}"')
        self.refused(self.reader, f'REPLACE 1 "{name}" {{{len(MESSAGE)}+}}\r\n' + MESSAGE.decode(), "NOPERM")
        self.share("projects", "lrite")
        self.reader.must(f'SELECT "{name}"')
        self.reader.must(f'REPLACE 1 "{name}" {{{len(MESSAGE)}+}}\r\n' + MESSAGE.decode())
        self.owner.must("NOOP")
        self.assertEqual(set(self.flags(self.owner)), {2, 3})

    def test_catenate_reads_where_the_session_may_read(self):
        name = self.shared("lr", messages=1)
        url = f"/Other%20Users%2F{self.livia.address}%2Fprojects/;UID=1"
        self.reader.must(f'APPEND INBOX CATENATE (URL "{url}")')
        self.reader.must("SELECT INBOX")
        self.assertIn(b"body", b"".join(self.reader.must("FETCH 1 BODY[]")))
        self.reader.must(f'SELECT "{name}"')
        self.reader.must('APPEND INBOX CATENATE (URL ";UID=1")')
        self.share("projects", "l")
        self.assertTrue(self.reader.run(f'APPEND INBOX CATENATE (URL "{url}")')[0].startswith("NO [BADURL"))

    def test_annotations(self):
        name = self.shared("lr")
        self.owner.must('SETMETADATA projects (/shared/comment "ours" /private/comment "mine")')
        self.assertEqual(self.reader.must(f'GETMETADATA "{name}" (/shared/comment /private/comment)'),
                         [f'* METADATA "{name}" (/shared/comment "ours" /private/comment NIL)'.encode()])  # fmt: skip
        self.share("projects", "l")
        self.refused(self.reader, f'GETMETADATA "{name}" /shared/comment', "NOPERM")
        self.owner.must("DELETEACL projects marcus")
        self.refused(self.reader, f'GETMETADATA "{name}" /shared/comment', "NONEXISTENT")

    def test_quota_roots_of_others_are_not_named(self):
        name = self.shared("lr")
        self.assertEqual(self.reader.must(f'GETQUOTAROOT "{name}"'), [f'* QUOTAROOT "{name}"'.encode()])
        self.refused(self.reader, f'GETQUOTAROOT "{self.tree}/absent"', "NONEXISTENT")

    def test_twenty_sessions_of_five_readers_lose_nothing(self):
        """Each marks its own; at the end each has what it marked, and the mod-sequences are all different."""
        name = self.shared("lrs", messages=20)
        self.share("projects", "lrs", "anyone")
        people = [self.mansio.new_account(self.domain) for _ in range(5)]
        wires = [[self.session(person) for _ in range(4)] for person in people]
        for mine in wires:
            for wire in mine:
                wire.must(f'SELECT "{name}" (CONDSTORE)')
        started = []
        for p, mine in enumerate(wires):
            for w, wire in enumerate(mine):
                for uid in range(1 + w, 21, 4):
                    if (uid + p) % 2:
                        started.append((wire, wire.start(f"UID STORE {uid} +FLAGS (\\Seen)")))
        for wire, tag in started:
            self.assertTrue(wire.finish(tag)[0].startswith("OK"))
        for p, mine in enumerate(wires):
            wanted = {uid: {"\\Seen"} if (uid + p) % 2 else set() for uid in range(1, 21)}
            for wire in mine:
                wire.must("NOOP")
                self.assertEqual(self.flags(wire), wanted)
        rows = self.mansio.sql("SELECT count(*), count(DISTINCT s.modseq) FROM message_seen s JOIN account a ON a.id = s.account_id"
                               f" JOIN domain d ON d.id = a.domain_id WHERE d.name = '{self.domain}'")  # fmt: skip
        self.assertEqual(rows, ["50|50"])


if __name__ == "__main__":
    unittest.main()
