"""What a new instance is filled with, so that there is something to look at: through the command line and by SMTP only.

Each step is noted in $VAR/demonstration when it is done, so an interrupted start goes on where it was.
"""

import datetime
import email.message
import email.utils
import json
import secrets
import smtplib
import ssl
import subprocess
import time

from .place import InstanceError, write

RESELLERS = {
    "Caupona Hosting": ["mansio.test", "thermae.example"],
    "Taberna Mail": ["taberna.example"],
}
PROVIDER = "Mansio"
PROVIDER_DOMAIN = "mansio.example"
# role, login, tenant, name (and for role domain: the domain)
OPERATORS = [
    ("provider", "provider", None, "Petra Provider", None),
    ("reseller", "caupona", "Caupona Hosting", "Rufus Reseller", None),
    ("domain", "thermae", "Caupona Hosting", "Dora Domain", "thermae.example"),
    ("helpdesk", "help", "Caupona Hosting", "Hanna Helpdesk", None),
    ("reseller", "taberna", "Taberna Mail", "Titus Reseller", None),
]
ACCOUNTS = [
    ("livia@mansio.test", "Livia Tabellaria"),
    ("marcus@mansio.test", "Marcus Cursor"),
    ("octavia@thermae.example", "Octavia Balnea"),
    ("gaius@taberna.example", "Gaius Caupo"),
]
ALIASES = [
    ("info@mansio.test", "livia@mansio.test"),
    ("team@mansio.test", "livia@mansio.test marcus@mansio.test"),
    ("@thermae.example", "octavia@thermae.example"),
]
RECORDS = [
    ("mansio.test", "@", "A", "127.0.0.1"),
    ("mansio.test", "www", "CNAME", "mansio.test."),
    ("thermae.example", "www", "A", "127.0.0.1"),
    (PROVIDER_DOMAIN, "mail", "A", "127.0.0.1"),
    (PROVIDER_DOMAIN, "ns1", "A", "127.0.0.1"),
]
SETTINGS = {"mail.hostname": "mail.mansio.example", "dns.nameservers": "ns1.mansio.example", "dns.contact": "hostmaster@mansio.example",
            "mta.postmaster": "livia@mansio.test"}  # fmt: skip


class Demonstration:
    def __init__(self, place, passwords):
        self.place, self.passwords = place, passwords
        self.path = place.state / "demonstration"
        self.done = json.loads(self.path.read_text()) if self.path.exists() else []

    def command(self, *args, stdin=None, timeout=60):
        argv = [self.place.state / "bin" / "mansio", *args]
        done = subprocess.run(argv, input=stdin, check=False, capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise InstanceError(f"mansio {' '.join(args)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _once(self, step, *args, stdin=None):
        if step in self.done:
            return
        self.command(*args, stdin=stdin)
        self._note(step)

    def _note(self, step):
        self.done.append(step)
        write(self.path, json.dumps(self.done) + "\n", 0o600)

    def _password(self, login):
        """The person's password: generated once, and kept in $VAR/passwords."""
        if login not in self.passwords:
            self.passwords[login] = "-".join(secrets.token_hex(3) for _ in range(3))
            write(self.place.state / "passwords", json.dumps(self.passwords, indent=1) + "\n", 0o600)
        return self.passwords[login]

    def seed(self, say):
        if "all" in self.done:
            return
        say("filling the new instance with the demonstration")
        for name, value in SETTINGS.items():
            self._once(f"setting {name}", "setting", "set", name, value)
        for tenant in (PROVIDER, *RESELLERS):
            self._once(f"tenant {tenant}", "tenant", "add", tenant)
        for tenant, domains in {PROVIDER: [PROVIDER_DOMAIN], **RESELLERS}.items():
            for domain in domains:
                self._once(f"domain {domain}", "domain", "add", domain, "--tenant", tenant)
        for role, login, tenant, name, domain in OPERATORS:
            args = ["operator", "add", login, "--role", role, "--name", name]
            args += ["--tenant", tenant] if tenant else []
            self._once(f"operator {login}", *args, "--password-stdin", stdin=self._password(login) + "\n")
            if domain:
                self._once(f"grant {login}", "operator", "grant", login, domain)
        for address, name in ACCOUNTS:
            self._once(f"account {address}", "account", "add", address, "--name", name, "--password-stdin",
                       stdin=self._password(address) + "\n")  # fmt: skip
        for address, targets in ALIASES:
            self._once(f"alias {address}", "alias", "set", address, *targets.split())
        for zone, name, kind, rdata in RECORDS:
            self._once(f"record {zone} {name} {kind}", "record", "add", zone, name, kind, rdata)

    def send_mail(self):
        """Real mail, from one of the demonstration's people to others, over the submission port with TLS and a login."""
        if "all" in self.done:
            return
        deadline = time.monotonic() + 20
        for number, message in enumerate(messages()):
            step = f"mail {number}"
            while step not in self.done:
                try:
                    self._submit(message)
                    self._note(step)
                except (OSError, smtplib.SMTPException) as error:
                    # The directory's caches learn of the new accounts within a second.
                    if time.monotonic() > deadline:
                        raise InstanceError(f"the demonstration's mail was not taken: {error}") from None
                    time.sleep(0.2)
        self._note("all")

    def _submit(self, message):
        trust = ssl.create_default_context(cafile=self.place.tls / "ca.crt")
        sender = email.utils.parseaddr(message["From"])[1]
        with smtplib.SMTP("localhost", self.place.port["submission"], timeout=20) as client:
            client.starttls(context=trust)
            client.login(sender, self._password(sender))
            client.send_message(message)

    def people(self):
        """For endpoints.json, of what has been made."""
        tenants = {domain: tenant for tenant, domains in RESELLERS.items() for domain in domains}
        people = [{"role": role, "login": login, "password": self.passwords.get(login), "tenant": tenant}
                  for role, login, tenant, _, _ in OPERATORS if f"operator {login}" in self.done]  # fmt: skip
        people += [{"role": "user", "login": address, "password": self.passwords.get(address), "tenant": tenants[address.split("@")[1]]}
                   for address, _ in ACCOUNTS if f"account {address}" in self.done]  # fmt: skip
        domains = [d for ds in RESELLERS.values() for d in ds] + [PROVIDER_DOMAIN]
        return {"domains": [d for d in domains if f"domain {d}" in self.done], "accounts": people}


def _message(hours, sender, to, subject, text, html=None, attachment=None):
    """hours: how long ago it was written."""
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = email.utils.localtime() - datetime.timedelta(hours=hours)
    message["Message-ID"] = email.utils.make_msgid(domain=email.utils.parseaddr(sender)[1].split("@")[1])
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    if attachment:
        name, content, kind = attachment
        main, sub = kind.split("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


def messages():
    """Oldest first."""
    livia, marcus = "Livia Tabellaria <livia@mansio.test>", "Marcus Cursor <marcus@mansio.test>"
    octavia, gaius = "Octavia Balnea <octavia@thermae.example>", "Gaius Caupo <gaius@taberna.example>"
    table = b"station,from,arrives\r\nad Fines,Arelate,06:15\r\nBagacum,Durocortorum,11:40\r\nColonia,Bagacum,18:05\r\n"
    return [
        _message(150, octavia, livia, "Towels for the couriers",
                 "Dear Livia,\n\nfrom the next month on each courier gets a towel at the door. Nothing to sign, just say the station.\n\nOctavia\n"),
        _message(98, gaius, livia, "Invoice for the stable",
                 "Good day,\n\nfour nights, two horses, hay and water: 48 in all. Payable at the end of the month.\n\nGaius\n"),
        _message(97, livia, gaius, "Re: Invoice for the stable", "Good day Gaius,\n\npaid this morning. Thank you for the good hay.\n\nLivia\n"),
        _message(52, marcus, livia, "Lost: one brown bag",
                 "Salve,\n\nthe small brown bag with the green seal is not in Bagacum. Did it stay with you on Tuesday?\n\nMarcus\n"),
        _message(50, livia, marcus, "Re: Lost: one brown bag", "Salve,\n\nfound it behind the scales. It goes with the evening post.\n\nLivia\n"),
        _message(30, octavia, "info@mansio.test", "Opening hours of the baths",
                 "Good morning,\n\ncould you put our new hours on the notice board? Details are in the HTML part.\n\nOctavia\n",
                 "<h1>Opening hours</h1><p>Good morning,</p><table border='1' cellpadding='6'><tr><th>Day</th><th>Hours</th></tr>"
                 "<tr><td>Monday to Friday</td><td>12&ndash;20</td></tr><tr><td>Saturday</td><td>10&ndash;22</td></tr></table>"
                 "<p>Thank you,<br><strong>Octavia</strong></p>"),
        _message(26, gaius, "baths@thermae.example", "Grüße aus der Schänke: zwölf Krüge, 3 €",
                 "Liebe Octavia,\n\nzwölf Krüge kosten 36 €. Ich schicke sie morgen früh.\n\nGaius\n"),
        _message(9, gaius, "team@mansio.test", "Timetable for the couriers",
                 "Dear all,\n\nattached is the timetable as CSV. The evening arrival at Colonia is new.\n\nGaius\n",
                 attachment=("timetable.csv", table, "text/csv")),
        _message(3, marcus, livia, "Tomorrow's route",
                 "Salve Livia,\n\nthe bridge at Fines is open again, so the morning post goes by the short road.\n"
                 "Please have the bags ready at six.\n\nMarcus\n"),
        _message(2, livia, marcus, "Re: Tomorrow's route", "Salve Marcus,\n\nat six, with the bags. Bring the list of the stations.\n\nLivia\n"),
    ]  # fmt: skip
