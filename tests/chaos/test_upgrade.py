"""A new process takes over from the one that runs: no connection is refused, sessions go on, nothing acknowledged is lost."""

import os
import pathlib
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import unittest

import harness


class Upgrading(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.private({"handover_seconds": "20"})
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.stop = threading.Event()
        self.failures, self.greeted = [], 0

    def begin(self, program, service):
        """The first process is the test's own, not the supervisor's, which would start it again."""
        self.mansio.pause(service)
        return self.next(program)

    def next(self, program, *arguments, settings=None, ready="serves as"):
        made = harness.Second(self.mansio, program, settings or {}, arguments, ready)
        self.addCleanup(made.remove)
        return made

    def knock(self, port, greeting):
        while not self.stop.is_set():
            try:
                with socket.create_connection((self.mansio.host, port), 20) as wire:
                    said = wire.recv(200)
                    if not said.startswith(greeting):
                        self.failures.append(said)
                    self.greeted += 1
            except OSError as refused:
                self.failures.append(refused)

    def append(self, number, kept):
        """Appends until told to stop; a session that is told BYE begins anew."""
        while not self.stop.is_set():
            try:
                with harness.ImapWire(self.mansio, self.livia) as wire:
                    while not self.stop.is_set():
                        number += 10
                        if wire.append("INBOX", b"Subject: number %d\r\n\r\nx\r\n" % number)[0].startswith("OK"):
                            kept.append(number)
            except (EOFError, AssertionError, ConnectionResetError):
                continue  # BYE in the middle
            except OSError as refused:
                self.failures.append(refused)

    def together(self, *work):
        threads = [threading.Thread(target=one[0], args=one[1:]) for one in work]
        for thread in threads:
            thread.start()
        return threads

    def test_imapd_refuses_nobody_and_loses_nothing(self):
        old, kept = self.begin("mansio-imapd", "imapd"), [[], []]
        port = self.mansio.port
        threads = self.together((self.knock, port["imap"], b"* OK"), (self.knock, port["pop3"], b"+OK"),
                                (self.append, 0, kept[0]), (self.append, 1, kept[1]))
        idle = harness.ImapWire(self.mansio, self.livia, timeout=40)
        self.addCleanup(idle.close)
        for _ in range(3):
            self.stop.wait(0.5)
            new = self.next("mansio-imapd", "--take-over")
            self.stop.wait(0.5)
            idle.must("NOOP")  # it is the first process's
            self.assertIn("another process serves now", old.log())
            old, before = new, old
        self.stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])
        self.assertGreater(self.greeted, 50)
        with harness.ImapWire(self.mansio, self.livia) as wire:
            wire.must("SELECT INBOX")
            found = sorted(int(line.split(b"number ")[1].split(b"\r\n")[0]) for line in wire.must("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
        self.assertEqual(found, sorted(kept[0] + kept[1]))
        self.assertEqual(before.wait(40), 0)  # its last session ended, or was told BYE in the end
        self.assertTrue((self.mansio.var / "run" / "imap.sock").exists())
        self.assertEqual(old.kill(signal.SIGTERM), 0)
        self.assertFalse((self.mansio.var / "run" / "imap.sock").exists())
        self.assertFalse((self.mansio.var / "run" / "imapd.handover").exists())

    def deliver(self, sender, sent):
        number = 0
        while not self.stop.is_set():
            try:
                with self.mansio.smtp() as client:
                    for _ in range(5):
                        number += 1
                        subject = f"{sender} {number}"
                        client.sendmail("a@outside.test", self.livia.address, f"Subject: {subject}\r\n\r\nx\r\n")
                        sent.append(subject)
            except (OSError, smtplib.SMTPException) as refused:
                self.failures.append(refused)

    def test_mta_refuses_nobody_and_goes_on_with_its_queue(self):
        elsewhere = self.enterContext(harness.Outside(self.mansio, "elsewhere.test"))
        old, sent = self.begin("mansio-mta", "mta"), [[], []]
        threads = self.together((self.knock, self.mansio.port["smtp"], b"220 "), (self.deliver, "one", sent[0]), (self.deliver, "two", sent[1]))
        for n in range(3):
            self.stop.wait(0.5)
            self.mansio.submit(self.livia, "marcus@elsewhere.test", subject=f"over {n}")
            new = self.next("mansio-mta", "--take-over")
            self.stop.wait(0.5)
            self.mansio.submit(self.livia, "marcus@elsewhere.test", subject=f"after {n}")
            self.assertIn("another process serves now", old.log())
            self.assertEqual(old.wait(30), 0)  # its sessions were short
            old = new
        self.stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])
        self.assertGreater(self.greeted, 30)
        found = sorted(body.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for _, body in self.mansio.mail(self.livia))
        self.assertEqual(found, sorted(sent[0] + sent[1]))
        elsewhere.wait_for_mail(6, 30)
        subjects = sorted(envelope.content.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for envelope in elsewhere.received)
        self.assertEqual(subjects, sorted(f"{when} {n}" for n in range(3) for when in ("over", "after")))
        self.assertEqual(old.kill(signal.SIGTERM), 0)

    def test_sessions_hear_bye_when_their_time_is_over(self):
        self.begin("mansio-imapd", "imapd").remove()
        old = self.next("mansio-imapd", settings={"handover_seconds": "2"})
        idle, pop3 = harness.ImapWire(self.mansio, self.livia, timeout=30), self.mansio.pop3(self.livia)
        self.addCleanup(idle.close)
        idle.must("SELECT INBOX")
        idle.send("i IDLE\r\n")
        self.assertTrue(idle.line().startswith(b"+"))
        self.next("mansio-imapd", "--take-over")
        self.assertTrue(idle.line().startswith(b"* BYE"))
        self.assertEqual(old.wait(), 0)
        self.assertEqual(pop3.file.readline()[:4], b"-ERR")
        pop3.close()
        self.mansio.pop3(self.livia).quit()  # the mailbox is free

    def test_a_new_process_that_fails_leaves_the_old_one_as_it_was(self):
        old = self.begin("mansio-imapd", "imapd")
        failed = self.next("mansio-imapd", "--take-over", settings={"db_imapd": "host="}, ready=None)
        failed.kill(signal.SIGKILL)
        broken = self.next("mansio-imapd", "--take-over", settings={"tls_certificate": "/nonexistent"}, ready=None)
        self.assertNotEqual(broken.wait(), 0)
        harness.eventually(lambda: "this one goes on" in old.log(), what="the old process's word")
        self.mansio.imap(self.livia).logout()
        self.next("mansio-imapd", "--take-over")
        self.mansio.imap(self.livia).logout()

    def test_without_the_option_a_second_process_is_refused(self):
        self.begin("mansio-imapd", "imapd")
        second = self.next("mansio-imapd", ready=None)
        self.assertNotEqual(second.wait(), 0)
        self.assertIn("can't listen", second.log())
        self.mansio.imap(self.livia).logout()

    def test_systemd_is_told_of_the_new_process_and_reload_waits_for_it(self):
        old = self.begin("mansio-imapd", "imapd")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o777)
        path = pathlib.Path(folder.name, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(path))
            os.chmod(path, 0o777)
            systemd.settimeout(20)
            binary, conf = old.process.args[-3], self.mansio.instance.place.configuration
            user = self.mansio.instance.user
            argv = [part for part in user.command([binary, "-c", conf, "--take-over", "--detach"]) if part not in ("--pdeathsig", "TERM")]
            done = subprocess.run(argv, env={**os.environ, "NOTIFY_SOCKET": str(path)}, stdin=subprocess.DEVNULL, check=False, capture_output=False,
                                  stderr=subprocess.DEVNULL, timeout=30)
            self.assertEqual(done.returncode, 0)
            told = dict(line.split("=") for line in systemd.recv(1000).decode().split("\n"))
        self.assertEqual(told["READY"], "1")
        pid = int(told["MAINPID"])
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), str(binary))
        harness.eventually(lambda: "another process serves now" in old.log(), what="the hand-over")
        self.assertEqual(old.wait(), 0)  # nobody was there
        self.mansio.imap(self.livia).logout()

    def test_sockets_of_systemd_are_used(self):
        self.mansio.pause("imapd")
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.mansio.host, self.mansio.port["imaps"]))
            listening.listen()
            fd = os.dup2(listening.fileno(), 3) if listening.fileno() != 3 else 3
            os.set_inheritable(fd, True)
            old = harness.Second(self.mansio, "mansio-imapd", {}, wrap=["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"], pass_fds=(3,))
            self.addCleanup(old.remove)
            self.mansio.imap(self.livia).logout()


if __name__ == "__main__":
    unittest.main()
