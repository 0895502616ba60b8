"""An orderly stop: sessions at rest hear BYE at once, an answer that is being read goes out whole, and all of it has an end."""

import os
import signal
import time
import unittest

import harness

LARGE = b"Subject: large\r\n\r\n" + b"".join(b"%070d\r\n" % n for n in range(300000))


class Stopping(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())

    def wire(self):
        made = harness.ImapWire(self.mansio, self.livia, timeout=40)
        self.addCleanup(made.close)
        return made

    def stop(self):
        os.kill(self.mansio.pid("imapd"), signal.SIGTERM)

    def test_sessions_at_rest_hear_bye_and_commands_finish(self):
        resting, idling, reading, pop3 = self.wire(), self.wire(), self.wire(), self.mansio.pop3()
        self.addCleanup(pop3.close)
        self.assertTrue(reading.append("INBOX", LARGE)[0].startswith("OK"))
        for session in (resting, idling, reading):
            session.must("SELECT INBOX")
        idling.send("i IDLE\r\n")
        self.assertTrue(idling.line().startswith(b"+"))
        fetching = self.mansio.pop3(self.livia)
        self.addCleanup(fetching.close)
        fetching._putcmd("RETR 1")  # pylint: disable=protected-access
        reading.send("f FETCH 1 BODY.PEEK[]\r\n")
        time.sleep(1)  # the answers have begun, and wait for their readers
        self.stop()
        for session in (resting, idling):
            self.assertTrue(session.line().startswith(b"* BYE"))
        self.assertEqual(pop3.file.readline()[:4], b"-ERR")
        line = reading.line()
        self.assertIn(LARGE, line)
        self.assertTrue(reading.line().startswith(b"f OK"))
        self.assertTrue(reading.line().startswith(b"* BYE"))
        self.assertEqual(b"\r\n".join(fetching._getlongresp()[1]) + b"\r\n", LARGE)  # pylint: disable=protected-access
        self.assertEqual(fetching.file.readline()[:4], b"-ERR")

    def test_who_does_not_read_is_waited_for_so_long_and_no_longer(self):
        stuck, pid = self.wire(), self.mansio.pid("imapd")
        self.assertTrue(stuck.append("INBOX", LARGE)[0].startswith("OK"))
        stuck.must("SELECT INBOX")
        stuck.send("f FETCH 1 BODY.PEEK[]\r\n")
        time.sleep(1)
        begun = time.monotonic()
        self.stop()
        harness.eventually(lambda: self.mansio.pid("imapd") != pid, 30, "the end")
        self.assertGreater(time.monotonic() - begun, 5)


if __name__ == "__main__":
    unittest.main()
