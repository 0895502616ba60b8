"""The numbers for Prometheus: in its format, at /metrics alone, and growing with what happens."""

import http.client
import re
import socket
import subprocess
import unittest

import harness


class OverSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Metrics(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()

    def ask(self, daemon, path="/metrics", method="GET"):
        connection = OverSocket(f"{self.mansio.instance.place.run}/{daemon}-metrics.sock")
        connection.request(method, path)
        reply = connection.getresponse()
        body = reply.read().decode()
        connection.close()
        return reply, body

    def value(self, daemon, sample):
        _, body = self.ask(daemon)
        found = re.search(rf"^{re.escape(sample)} (\S+)$", body, re.M)
        return float(found[1]) if found else 0.0

    def grows(self, daemon, sample, act, by=1):
        before = self.value(daemon, sample)
        act()
        harness.eventually(lambda: self.value(daemon, sample) >= before + by, 10, f"{sample} beyond {before}")

    def test_promtool_finds_nothing_wrong(self):
        account = self.mansio.new_account(self.mansio.new_domain())
        self.mansio.send("bob@outside.test", account.address)
        for daemon in ("mta", "imapd"):
            _, body = self.ask(daemon)
            done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), daemon)

    def test_only_get_metrics_is_answered(self):
        reply, _ = self.ask("mta")
        self.assertEqual((reply.status, reply.getheader("Content-Type")), (200, "text/plain; version=0.0.4; charset=utf-8"))
        self.assertEqual(self.ask("mta", "/")[0].status, 404)
        self.assertEqual(self.ask("mta", "/metrics/../etc/passwd")[0].status, 404)
        self.assertEqual(self.ask("mta", method="POST")[0].status, 405)
        reply, body = self.ask("mta", method="HEAD")
        self.assertEqual((reply.status, body), (200, ""))

    def test_messages_recipients_refusals_and_logins_are_counted(self):
        domain = self.mansio.new_domain()
        livia = self.mansio.new_account(domain)
        self.grows("mta", 'mansio_smtp_messages_total{outcome="delivered"}', lambda: self.mansio.send("bob@outside.test", livia.address))
        self.grows("mta", "mansio_smtp_received_bytes_total", lambda: self.mansio.send("bob@outside.test", livia.address), by=50)
        self.grows("mta", "mansio_smtp_transaction_seconds_count", lambda: self.mansio.send("bob@outside.test", livia.address))
        self.grows("mta", 'mansio_trace_rows_total{result="written"}', lambda: self.mansio.send("bob@outside.test", livia.address))

        def refused():
            with self.mansio.smtp() as smtp:
                smtp.helo("client.outside.test")
                smtp.mail("bob@outside.test")
                smtp.rcpt(f"nobody@{domain}")

        self.grows("mta", 'mansio_smtp_recipients_total{outcome="refused"}', refused)
        self.grows("mta", 'mansio_smtp_refusals_total{rule="rcpt"}', refused)
        self.grows("mta", 'mansio_smtp_connections_total{service="smtp"}', refused)
        self.grows("mta", 'mansio_auth_total{result="ok"}', lambda: self.mansio.submission(livia).quit())
        self.grows("imapd", 'mansio_auth_total{result="ok"}', lambda: self.mansio.imap(livia).logout())
        self.grows("imapd", 'mansio_mailbox_connections_total{protocol="pop3"}', lambda: self.mansio.pop3(livia).quit())

    def test_attempts_of_the_queue_are_counted(self):
        domain = self.mansio.new_domain()
        livia = self.mansio.new_account(domain)
        far = f"counted-{domain}".replace(".example", ".test")
        with harness.Sink(self.mansio, harness.converse([])) as sink:
            self.mansio.outside_zone(far, [f"@ A {sink.address}"])
            self.grows("mta", 'mansio_queue_attempts_total{outcome="relayed"}', lambda: self.mansio.submit(livia, f"bob@{far}"))
        self.assertGreater(self.value("mta", "mansio_queue_delivery_seconds_count"), 0)

    def test_the_state_of_the_process_is_there(self):
        for daemon in ("mta", "imapd"):
            self.assertGreater(self.value(daemon, "process_resident_memory_bytes"), 1 << 20)
            self.assertGreater(self.value(daemon, "process_open_fds"), 5)
            self.assertGreater(self.value(daemon, "mansio_workers"), 0)
            self.assertGreater(self.value(daemon, "mansio_database_connections_max"), 0)
        self.assertEqual(self.value("mta", "mansio_database_up"), 1)

    def test_a_client_that_says_no_http_harms_nothing(self):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(f"{self.mansio.instance.place.run}/mta-metrics.sock")
            raw.sendall(b"x" * 20000)
            self.assertIn(b" 431 ", raw.recv(1000))
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(f"{self.mansio.instance.place.run}/mta-metrics.sock")
            raw.sendall(b"hello\r\n\r\n")
            self.assertIn(b" 400 ", raw.recv(1000))
        self.assertEqual(self.ask("mta")[0].status, 200)


class WithoutDatabase(unittest.TestCase):
    def test_metrics_answer_while_postgres_is_away(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        mansio.kill("postgres")
        test = Metrics()
        test.mansio = mansio
        harness.eventually(lambda: test.value("mta", "mansio_database_up") == 0 and test.ask("mta")[0].status == 200, 90, "the answer")


if __name__ == "__main__":
    unittest.main()
