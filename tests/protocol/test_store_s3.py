"""Messages in an object store: Ceph's S3 gateway as Debian has it."""

import os
import pathlib
import smtplib
import subprocess
import threading
import unittest

import harness

MARKER = b"quinquereme-of-nineveh"


def letter(number, text=b"x"):
    return b"From: Marcus <marcus@outside.test>\r\nSubject: letter %d\r\n\r\n%s\r\n" % (number, text)


class ObjectStore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = harness.ObjectStore()
        cls.addClassCleanup(cls.store.close)
        cls.mansio = harness.private(cls.store.overrides(imapd_sweep_seconds="1"))
        cls.addClassCleanup(cls.mansio.remove)
        cls.domain = cls.mansio.new_domain()

    def setUp(self):
        self.livia = self.mansio.new_account(self.domain)

    def deliver(self, number=1, text=b"x", to=None):
        self.mansio.send("marcus@outside.test", (to or self.livia).address, raw=letter(number, text))

    def objects_with(self, marker):
        return sum(marker in self.store.get(key) for key in self.store.keys())

    def test_the_driver_does_what_it_says(self):
        program = pathlib.Path(os.environ.get("MANSIO_BUILD", "build/gcc")) / "unit" / "lib" / "test_s3"
        where = f"{self.store.endpoint} {self.store.bucket} {self.store.key_file}"
        done = subprocess.run([program], env={**os.environ, "MANSIO_TEST_S3": where}, check=False, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_messages_are_in_the_bucket_and_nowhere_else(self):
        text = MARKER + b"-there" + b"y" * 100000
        self.deliver(1, text)
        self.assertIn(text, self.mansio.mail(self.livia)[0][1])
        self.assertEqual(self.objects_with(MARKER + b"-there"), 1)
        self.assertEqual(list((self.mansio.instance.place.data / "blobs").iterdir()), [])
        client = self.mansio.imap(self.livia)
        self.addCleanup(client.logout)
        client.append("Sent", "", None, letter(2, MARKER + b"-sent"))
        client.select("Sent")
        self.assertIn(MARKER + b"-sent", client.fetch("1", "(BODY.PEEK[TEXT])")[1][0][1])
        client.select("INBOX")
        self.assertEqual(client.fetch("1", "(BODY.PEEK[TEXT]<10.20>)")[1][0][1], text[10:30])

    def test_what_is_really_gone_is_gone_from_the_bucket(self):
        marker = MARKER + b"-gone"
        self.deliver(1, marker)
        client = self.mansio.imap(self.livia)
        client.select()
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
        client.logout()
        self.assertEqual(self.objects_with(marker), 1)
        self.mansio.sql("UPDATE removed_message SET removed_at = removed_at - interval '20 days'")

        def gone():
            self.mansio.sql("UPDATE blob_garbage SET at = at - interval '2 hours'")
            return self.objects_with(marker) == 0

        harness.eventually(gone, 20, "the end of the object")

    def test_while_it_is_away_senders_try_again_and_a_short_absence_nobody_sees(self):
        self.deliver(1)
        self.store.stop("rgw")
        try:
            with self.assertRaises(smtplib.SMTPResponseException) as refused:
                self.deliver(2)
            self.assertEqual(refused.exception.smtp_code // 100, 4)
            client = self.mansio.imap(self.livia)
            self.assertEqual(client.append("INBOX", "", None, letter(3))[0], "NO")
            client.select()
            self.assertEqual(client.status("INBOX", "(MESSAGES)")[1][0].split()[-1], b"1)")
            client.logout()
            sender = threading.Thread(target=self.deliver, args=(4,))
            sender.start()
        finally:
            self.store.start("rgw")
        sender.join(60)
        harness.eventually(lambda: len(self.mansio.mail(self.livia)) == 2, 10, "the message of the short absence")

    def test_what_was_acknowledged_survives_kills_of_all_who_handle_it(self):
        people = [self.mansio.new_account(self.domain) for _ in range(4)]
        acknowledged, stop = [], threading.Event()

        def send(who):
            number = 0
            while not stop.is_set():
                number += 1
                text = b"%s-%s-%d" % (MARKER, who.address.encode(), number)
                try:
                    self.deliver(number, text, who)
                    acknowledged.append((who, text))
                except (OSError, smtplib.SMTPException):
                    stop.wait(0.1)

        threads = [threading.Thread(target=send, args=(who,)) for who in people]
        for thread in threads:
            thread.start()
        self.addCleanup(stop.set)
        harness.eventually(lambda: len(acknowledged) > 20, 30, "some deliveries")
        self.mansio.kill("mta")
        self.mansio.wait_until_ready("mta")
        before = len(acknowledged)
        harness.eventually(lambda: len(acknowledged) > before + 20, 30, "deliveries after the kill")
        self.store.stop("rgw")
        self.store.start("rgw")
        before = len(acknowledged)
        harness.eventually(lambda: len(acknowledged) > before + 20, 60, "deliveries after the gateway's end")
        stop.set()
        for thread in threads:
            thread.join(60)
        for who in people:
            there = b"".join(body for _, body in self.mansio.mail(who))
            for owner, text in acknowledged:
                if owner is who:
                    self.assertIn(text + b"\r\n", there)

    def test_no_log_has_the_secret(self):
        self.deliver(1)
        self.mansio.mail(self.livia)
        for name in ("mta", "imapd"):
            self.assertNotIn(self.store.secret, self.mansio.log(name))


class Compressed(unittest.TestCase):
    def test_compressed_messages_are_read_in_parts_from_the_bucket(self):
        store = harness.ObjectStore()
        self.addCleanup(store.close)
        mansio = harness.private(store.overrides(blob_compress="zstd"))
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        text = b"".join(b"line %d of many, quinquereme of Nineveh from distant Ophir\r\n" % i for i in range(20000))
        mansio.send("marcus@outside.test", livia.address, raw=letter(1, text))
        client = mansio.imap(livia)
        self.addCleanup(client.logout)
        client.select()
        self.assertEqual(client.fetch("1", "(BODY.PEEK[TEXT])")[1][0][1], text + b"\r\n")
        self.assertEqual(client.fetch("1", "(BODY.PEEK[TEXT]<500000.77>)")[1][0][1], text[500000:500077])
        [key] = store.keys()
        self.assertLess(len(store.get(key)), len(text) // 4)


if __name__ == "__main__":
    unittest.main()
