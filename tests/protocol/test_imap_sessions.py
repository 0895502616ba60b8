"""Several sessions on one mailbox, and the store changing under them."""

import random
import re
import threading
import time
import unittest

import harness

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.one, self.two = self.open(), self.open()

    def open(self, select=None):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        if select:
            wire.must(f"SELECT {select}")
        return wire

    def fill(self, count=5):
        for _ in range(count):
            assert self.one.append("INBOX", MESSAGE)[0].startswith("OK")
        self.one.must("SELECT INBOX")
        self.two.must("SELECT INBOX")

    def idle(self, wire):
        tag = wire.start("IDLE")
        self.assertEqual(wire.line(), b"+ idling")
        return tag

    def done(self, wire, tag):
        wire.send("DONE\r\n")
        reply, untagged = wire.finish(tag)
        self.assertTrue(reply.startswith("OK"), reply)
        return untagged


class Idling(Case):
    def test_mail_from_outside_is_pushed_within_100_ms(self):
        self.fill(0)
        tag = self.idle(self.one)
        for n in range(1, 6):
            self.mansio.send("x@outside.test", self.livia.address)
            accepted = time.monotonic()
            self.assertEqual(self.one.line(), b"* %d EXISTS" % n)
            took = time.monotonic() - accepted
            self.assertEqual(self.one.line(), b"* %d RECENT" % n)
            self.assertLess(took, 0.1, "seconds between the 250 and the push")
        self.done(self.one, tag)
        self.assertEqual(len(self.one.must("FETCH 1:* (UID FLAGS)")), 5)

    def test_flags_expunges_and_appends_of_others_are_pushed(self):
        self.fill(3)
        tag = self.idle(self.two)
        self.one.must("STORE 2 +FLAGS (\\Flagged)")
        self.assertEqual(self.two.line(), b"* 2 FETCH (FLAGS (\\Flagged))")
        self.one.must("STORE 1,3 +FLAGS (\\Deleted)")
        self.assertEqual({self.two.line(), self.two.line()},
                         {b"* 1 FETCH (FLAGS (\\Deleted))", b"* 3 FETCH (FLAGS (\\Deleted))"})  # fmt: skip
        self.one.must("EXPUNGE")
        self.assertEqual([self.two.line(), self.two.line()], [b"* 1 EXPUNGE", b"* 2 EXPUNGE"])
        self.one.append("INBOX", MESSAGE)
        self.assertEqual(self.two.line(), b"* 2 EXISTS")
        self.two.line()
        self.done(self.two, tag)

    def test_idle_ends_with_done_only_and_works_without_a_mailbox(self):
        tag = self.idle(self.one)
        self.assertTrue(self.one.quiet(0.1))
        self.done(self.one, tag)
        tag = self.idle(self.one)
        self.one.send("NOOP\r\n")
        self.assertTrue(self.one.finish(tag)[0].startswith("BAD"))
        self.one.must("NOOP")

    def test_what_came_before_idle_is_told_at_once(self):
        self.fill(0)
        self.one.append("INBOX", MESSAGE)
        self.one.must("SELECT INBOX")
        tag = self.idle(self.two)
        self.assertEqual(self.two.line(), b"* 1 EXISTS")
        self.done(self.two, tag)


class Numbers(Case):
    def test_no_expunge_during_fetch_store_and_search_with_numbers(self):
        self.fill()
        self.one.must("STORE 2 +FLAGS.SILENT (\\Deleted)")
        self.one.must("EXPUNGE")
        self.assertEqual(self.two.must("SEARCH ALL"), [b"* SEARCH 1 3 4 5"])
        reply, untagged = self.two.run("FETCH 1:5 UID")
        self.assertTrue(reply.startswith("NO [EXPUNGEISSUED]"), reply)
        self.assertEqual(untagged, [b"* %d FETCH (UID %d)" % (n, n) for n in (1, 3, 4, 5)])
        reply, untagged = self.two.run("STORE 2:3 +FLAGS (\\Seen)")
        self.assertTrue(reply.startswith("NO [EXPUNGEISSUED]"), reply)
        self.assertEqual(untagged, [b"* 3 FETCH (FLAGS (\\Seen))"])
        self.assertEqual(self.two.must("NOOP"), [b"* 2 EXPUNGE"])
        self.assertEqual(self.two.must("FETCH 2 UID"), [b"* 2 FETCH (UID 3)"])

    def test_uid_commands_may_tell_expunges(self):
        self.fill()
        self.one.must("STORE 2 +FLAGS.SILENT (\\Deleted)")
        self.one.must("EXPUNGE")
        self.assertEqual(self.two.must("UID FETCH 5 UID"), [b"* 5 FETCH (UID 5)", b"* 2 EXPUNGE"])

    def test_pipelined_commands_with_numbers_mean_what_the_client_knew(self):
        self.fill()
        self.one.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.one.must("EXPUNGE")
        self.two.send("a UID FETCH 5 UID\r\nb FETCH 4 UID\r\nc UID STORE 5 +FLAGS (\\Seen)\r\nd STORE 4 +FLAGS (\\Flagged)\r\ne NOOP\r\n")
        lines = []
        while not lines or not lines[-1].startswith(b"e "):
            lines.append(self.two.line())
        untagged = [line for line in lines if line.startswith(b"*")]
        self.assertEqual(untagged, [b"* 5 FETCH (UID 5)", b"* 4 FETCH (UID 4)", b"* 5 FETCH (FLAGS (\\Seen) UID 5)",
                                    b"* 4 FETCH (FLAGS (\\Flagged))", b"* 1 EXPUNGE"])  # fmt: skip
        self.assertEqual([line.split()[0] for line in lines if not line.startswith(b"*")], [b"a", b"b", b"c", b"d", b"e"])

    def test_many_removals_by_others_keep_numbers_right(self):
        self.fill(30)
        self.one.must("STORE 1,5:9,20,30 +FLAGS.SILENT (\\Deleted)")
        self.one.must("EXPUNGE")
        self.one.append("INBOX", MESSAGE)
        numbers = list(range(1, 31))
        for line in self.two.must("NOOP"):
            if line.endswith(b"EXPUNGE"):
                del numbers[int(line.split()[1]) - 1]
            elif line.endswith(b"EXISTS"):
                self.assertEqual(int(line.split()[1]), len(numbers) + 1)
                numbers.append(31)
        uids = [int(line.split()[-1].rstrip(b")")) for line in self.two.must("FETCH 1:* UID")]
        self.assertEqual(uids, numbers)


class Flags(Case):
    def test_what_others_change_is_told_once_and_own_silent_changes_never(self):
        self.fill(3)
        self.one.must("STORE 1 +FLAGS.SILENT (\\Seen)")
        self.assertEqual(self.two.must("NOOP"), [b"* 1 FETCH (FLAGS (\\Seen))"])
        self.assertEqual(self.two.must("NOOP"), [])
        self.assertEqual(self.one.must("NOOP"), [])

    def test_no_flag_is_lost_between_twenty_sessions(self):
        self.fill(3)
        wires, wanted = [self.open("INBOX") for _ in range(20)], {}
        choose = random.Random(7)
        for _ in range(10):
            tags = []
            for n, wire in enumerate(wires):  # each has a keyword of its own; all at once
                message, sign = choose.randint(1, 3), choose.choice("++-")
                wanted[message, n] = sign == "+"
                tags.append(wire.start(f"STORE {message} {sign}FLAGS.SILENT (k{n})"))
            for wire, tag in zip(wires, tags):
                self.assertTrue(wire.finish(tag)[0].startswith("OK"))
        for message in (1, 2, 3):
            line = self.open("INBOX").must(f"FETCH {message} FLAGS")[-1]
            flags = set(re.search(rb"FLAGS \((.*?)\)", line)[1].split())
            self.assertEqual({b"k%d" % n for (number, n), on in wanted.items() if on and number == message}, flags - {b"\\Recent"})

    def test_a_uid_from_another_session_is_known_at_once(self):
        self.fill(2)
        a, b = self.one, self.open()
        b.append("INBOX", MESSAGE)
        uid = int(re.search(rb"UIDNEXT (\d+)", b.must("STATUS INBOX (UIDNEXT)")[0])[1]) - 1
        told = a.must(f"UID STORE {uid} +FLAGS (\\Flagged)")
        self.assertTrue(any(line.endswith(b"EXISTS") for line in told), told)
        self.assertTrue(any(b"FETCH" in line and b"\\Flagged" in line for line in told), told)
        b.append("INBOX", MESSAGE)
        self.assertIn(b"COPYUID", b" ".join(a.must(f"UID MOVE {uid + 1} Trash")))
        self.assertEqual(a.must(f"UID STORE {uid + 100} +FLAGS (\\Flagged)"), [])

    def test_recent_is_one_sessions_alone(self):
        self.one.append("INBOX", MESSAGE)
        self.assertIn(b"* 1 RECENT", self.one.must("EXAMINE INBOX"))
        self.assertIn(b"* 1 RECENT", self.one.must("SELECT INBOX"))
        self.assertIn(b"* 0 RECENT", self.two.must("SELECT INBOX"))
        self.two.append("INBOX", MESSAGE)
        self.assertIn(b"* 2 EXISTS", self.one.must("NOOP"))
        self.assertNotIn(b"Recent", self.one.must("FETCH 2 FLAGS")[-1])
        self.assertIn(b"Recent", self.two.must("FETCH 2 FLAGS")[-1])

    def test_a_thousand_flag_changes_of_others_arrive(self):
        self.fill(1)
        for _ in range(4):
            self.one.must("COPY 1:* INBOX")
            self.one.must("COPY 1:* INBOX")
        self.two.must("NOOP")
        count = len(self.one.must("UID SEARCH ALL")[0].split()) - 2
        self.assertEqual(count, 256)
        self.one.must("STORE 1:* +FLAGS.SILENT (\\Seen)")
        self.assertEqual(len(self.two.must("NOOP")), count)


class Gone(Case):
    def test_a_mailbox_deleted_by_another_session_becomes_empty(self):
        self.one.must("CREATE doomed")
        self.one.append("doomed", MESSAGE)
        self.two.must("SELECT doomed")
        self.one.must("DELETE doomed")
        self.assertEqual(self.two.must("NOOP"), [b"* 1 EXPUNGE"])
        self.assertEqual(self.two.must("SEARCH ALL"), [b"* SEARCH"])
        self.two.must("CLOSE")
        self.assertTrue(self.two.run("SELECT doomed")[0].startswith("NO [NONEXISTENT]"))

    def test_a_mailbox_renamed_by_another_session_stays_selected(self):
        self.one.must("CREATE before")
        self.one.append("before", MESSAGE)
        self.two.must("SELECT before")
        self.one.must("RENAME before after")
        self.one.append("after", MESSAGE)
        self.assertIn(b"* 2 EXISTS", self.two.must("NOOP"))


    def test_an_account_that_is_switched_off_or_removed_is_shown_the_door(self):
        self.fill(1)
        local = self.livia.address.split("@")[0]
        self.mansio.sql(f"UPDATE account SET active = false WHERE local_part = '{local}'")
        self.assertIn(b"* BYE", self.until_the_end(self.one))

    def until_the_end(self, wire):
        """NOOPs until the server hangs up; what it said."""
        said = []

        def ended():
            try:
                wire.send("n NOOP\r\n")
                said.append(wire.line())
                return said[-1].startswith(b"* BYE")
            except (EOFError, OSError):
                return True

        harness.eventually(ended, 10, "the end of the session")
        return b"\n".join(said)


class Long(Case):
    def test_a_slow_reader_gets_everything(self):
        body = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 50000
        for _ in range(4):
            self.one.append("INBOX", body)
        self.one.must("SELECT INBOX")
        tag = self.one.start("FETCH 1:* (UID BODY.PEEK[])")
        self.two.must("NOOP")
        time.sleep(0.5)  # what the sockets can take has been sent; the rest waits for the reader
        reply, untagged = self.one.finish(tag)
        self.assertTrue(reply.startswith("OK"))
        self.assertEqual([len(line) > len(body) and body in line for line in untagged], [True] * 4)

    def test_a_reader_who_leaves_in_the_middle_harms_nobody(self):
        body = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 200000
        self.one.append("INBOX", body)
        self.one.must("SELECT INBOX")
        self.one.start("FETCH 1:* BODY.PEEK[]")
        self.one.read(1000)
        self.one.close()
        self.assertIn(b"* 1 EXISTS", self.two.must("SELECT INBOX"))

    def test_thousands_of_pipelined_commands_are_answered_in_order(self):
        self.fill(1)
        self.one.send("".join(f"p{n} FETCH 1 (UID FLAGS)\r\n" for n in range(3000)))
        tagged = []
        while len(tagged) < 3000:
            line = self.one.line()
            if not line.startswith(b"*"):
                tagged.append(line.split()[0])
        self.assertEqual(tagged, [b"p%d" % n for n in range(3000)])


class Crowd(Case):
    def test_many_sessions_at_once_end_up_with_one_truth(self):
        self.fill(10)
        failures = []

        def act(seed):
            random_one = random.Random(seed)
            wire = self.open("INBOX")
            try:
                for _ in range(40):
                    uid = random_one.randint(1, 60)
                    command = random_one.choice([
                        f"UID STORE {uid} +FLAGS (k{seed} \\Seen)", f"UID STORE {uid}:* -FLAGS.SILENT (k{seed})", f"UID FETCH {uid} (FLAGS BODY[])",
                        f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)", "EXPUNGE", f"UID COPY {uid}:{uid + 2} INBOX", f"UID MOVE {uid} Trash",
                        "NOOP", "UID SEARCH SEEN", "STATUS INBOX (MESSAGES)"])  # fmt: skip
                    if random_one.random() < 0.3:
                        assert wire.append("INBOX", MESSAGE)[0].startswith("OK")
                    wire.must(command)
                    if random_one.random() < 0.1:
                        tag = self.idle_among_others(wire)
                        self.done(wire, tag)
                    if random_one.random() < 0.1:
                        wire.must("SELECT INBOX")
            except Exception as error:  # pylint: disable=broad-exception-caught
                failures.append(f"session {seed}: {error!r}")

        threads = [threading.Thread(target=act, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        truth = self.state(self.open("INBOX"))
        self.one.must("CHECK")
        self.two.must("CHECK")
        self.assertEqual(self.state(self.one), truth)
        self.assertEqual(self.state(self.two), truth)
        self.assertIn(b"MESSAGES %d " % len(truth), self.one.must("STATUS INBOX (MESSAGES UNSEEN)")[0])
        unseen = sum(1 for flags in truth.values() if b"\\Seen" not in flags)
        self.assertIn(b"UNSEEN %d)" % unseen, self.one.must("STATUS INBOX (MESSAGES UNSEEN)")[0])

    def idle_among_others(self, wire):
        tag = wire.start("IDLE")
        while not wire.line().startswith(b"+"):
            pass
        return tag

    def state(self, wire):
        found = {}
        for line in wire.must("UID FETCH 1:* FLAGS"):
            match = re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS \((.*)\)\)$", line)
            if match:
                found[int(match[1])] = set(match[2].split()) - {b"\\Recent"}
        return found


class Away(unittest.TestCase):
    """In an instance of its own."""

    def test_without_postgresql_the_answer_is_no_unavailable_and_later_all_is_well(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        with harness.ImapWire(mansio, livia, timeout=60) as wire, harness.ImapWire(mansio, livia, timeout=60) as idle:
            wire.append("INBOX", MESSAGE)
            wire.must("SELECT INBOX")
            idle.must("SELECT INBOX")
            tag = idle.start("IDLE")
            idle.line()
            mansio.pause("postgres")
            for command in ("STATUS INBOX (MESSAGES)", "STORE 1 +FLAGS (\\Seen)", "CHECK", f"APPEND INBOX {{{len(MESSAGE)}+}}\r\n{MESSAGE.decode()}"):
                reply, _ = wire.run(command)
                self.assertTrue(reply.startswith("NO [UNAVAILABLE]"), f"{command}: {reply}")
            self.assertEqual(wire.must("FETCH 1 (UID FLAGS)"), [b"* 1 FETCH (UID 1 FLAGS (\\Recent))"])
            mansio.resume("postgres")
            harness.eventually(lambda: wire.run("STORE 1 +FLAGS (\\Seen)")[0].startswith("OK"), 30, "the way back")
            self.assertEqual(idle.line(), b"* 1 FETCH (FLAGS (\\Seen))")
            mansio.send("x@outside.test", livia.address)
            self.assertEqual(idle.line(), b"* 2 EXISTS")
            idle.line()
            idle.send("DONE\r\n")
            self.assertTrue(idle.finish(tag)[0].startswith("OK"))

    def test_stopping_says_goodbye(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        with harness.ImapWire(mansio, livia) as wire, harness.ImapWire(mansio, livia) as idle:
            idle.must("SELECT INBOX")
            idle.start("IDLE")
            idle.line()
            mansio.pause("imapd")
            self.assertIn(b"* BYE", wire.at_end())
            self.assertIn(b"* BYE", idle.at_end())


if __name__ == "__main__":
    unittest.main()
