"""The search index follows the mail: what comes, goes, is copied, is late; and what kills it."""

import unittest

import harness
from harness.searching import Case


class FollowsTheMail(Case):
    def texts(self):
        """What may be read in the blocks: unpacked sizes and ids."""
        rows = self.mansio.sql("SELECT coalesce(sum(cardinality(emails)), 0), coalesce(sum(bytes), 0) FROM search_block b JOIN account a ON"
                               f" a.id = b.account_id JOIN domain d ON d.id = a.domain_id WHERE local_part || '@' || d.name = '{self.account.address}'")  # fmt: skip
        return tuple(int(n) for n in rows[0].split("|"))

    def test_the_index_answers_alone(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(100)))
        self.wait_for_index(100)
        self.unreadable()
        self.assertEqual(self.search("BODY body77"), b"* SEARCH 78")
        self.index("off")
        harness.eventually(lambda: self.texts() == (0, 0))
        self.assertTrue(self.wire.run("UID SEARCH BODY body77")[0].startswith("NO"))

    def test_expunged_mail_leaves_it(self):
        self.mansio.command("setting", "set", "store.undelete_days", "0")
        self.addCleanup(self.mansio.command, "setting", "set", "store.undelete_days", "14")
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(100)))
        self.wait_for_index(100)
        before = self.texts()[1]
        self.wire.must("SELECT INBOX")
        self.wire.must("STORE 1:50 +FLAGS.SILENT (\\Deleted)")
        self.wire.must("EXPUNGE")
        harness.eventually(lambda: self.texts()[0] == 50, 60)
        self.assertLessEqual(self.texts()[1], before // 2 + 100)
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM search_gone"), ["0"])
        self.assertEqual(self.search("BODY body77"), b"* SEARCH 78")
        self.assertEqual(self.search("BODY body7"), b"* SEARCH 71 72 73 74 75 76 77 78 79 80")

    def test_copies_and_moves_are_found_where_they_are(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(150)))
        self.wait_for_index(150)
        self.wire.must("CREATE elsewhere")
        self.wire.must("SELECT INBOX")
        self.wire.must("COPY 1:150 elsewhere")
        self.wire.must("MOVE 1:75 elsewhere")
        self.assertEqual(self.search("BODY body7"), b"* SEARCH 76 77 78 79 80")
        self.wire.must("SELECT elsewhere")
        self.assertEqual(self.search("BODY body74"), b"* SEARCH 75 225")

    def test_new_mail_is_found_before_and_after_it_is_indexed(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(70)))
        self.wait_for_index(70)
        self.add(b"Subject: young\r\n\r\nbody5 again\r\n")
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.search("BODY body5"), b"* SEARCH 6 51 52 53 54 55 56 57 58 59 60 71")
        self.wait_for_index(71)
        self.assertEqual(self.search("BODY body5"), b"* SEARCH 6 51 52 53 54 55 56 57 58 59 60 71")

    def test_email_that_was_committed_late_is_put_in_once_a_search_misses_it(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(70)))
        self.wait_for_index(70)
        self.mansio.sql("WITH old AS (UPDATE email SET id = 12345 WHERE id = (SELECT max(id) FROM email) RETURNING account_id) SELECT 1")
        self.mansio.sql("UPDATE message m SET email_id = 12345 WHERE NOT EXISTS (SELECT FROM email e WHERE (e.account_id, e.id) = (m.account_id, m.email_id))")
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.search("BODY body69"), b"* SEARCH 70")
        harness.eventually(lambda: self.mansio.sql("SELECT count(*) FROM search_block WHERE 12345 = ANY (emails)") == ["1"], 60)
        self.assertEqual(self.search("BODY body69"), b"* SEARCH 70")

    def test_a_killed_indexer_goes_on_where_it_was(self):
        self.add(*(f"Subject: n{n}\r\n\r\n{'some text ' * 400}body{n} of it\r\n".encode() for n in range(700)))
        for _ in range(3):
            self.index("rebuild")
            harness.eventually(lambda: self.indexed()[1] > 0, 60)
            self.mansio.kill("imapd")
            self.mansio.wait_until_ready("imapd")
        self.wait_for_index(700)
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM (SELECT account_id, unnest(emails) FROM search_block GROUP BY 1, 2 HAVING count(*) > 1) x"), ["0"])
        self.unreadable()
        self.assertEqual(self.search("BODY body77"), b"* SEARCH 78")

    def test_accounts_do_not_see_each_other(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(100)))
        other = self.mansio.new_account(self.mansio.new_domain())
        wire = harness.ImapWire(self.mansio, other)
        self.addCleanup(wire.close)
        for n in range(100):
            wire.append("INBOX", f"Subject: x\r\n\r\nother{n}\r\n".encode())
        self.wait_for_index(100)
        wire.must("SELECT INBOX")
        self.assertEqual(self.search("BODY body1", wire), b"* SEARCH")
        self.assertEqual(self.search("BODY other99", wire), b"* SEARCH 100")

    def test_mail_of_an_account_that_goes_leaves_it(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(10)))
        self.wait_for_index(10)
        account = self.mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE local_part || '@' || d.name = '{self.account.address}'")[0]
        self.mansio.command("account", "remove", self.account.address, "--yes")
        self.mansio.kill("imapd")
        self.mansio.wait_until_ready("imapd")
        harness.eventually(lambda: self.mansio.sql(f"SELECT count(*) FROM search_block WHERE account_id = {account}") == ["0"], 60)


if __name__ == "__main__":
    unittest.main()
