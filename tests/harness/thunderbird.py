"""Debian's Thunderbird in a window that nobody sees (Xvfb), told what to do through Marionette, which is how its own tests drive it."""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from .patience import eventually

# No greeting, no donations, no look for updates; Marionette on a free port, whose number it writes into its profile.
PREFERENCES = {
    "marionette.port": 0,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
SERVICES = 'const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");\n'
ADD_ACCOUNT = """
const [authority, address, name, password, imaps, submissions] = arguments;
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(authority, "CT,CT,CT");
const server = MailServices.accounts.createIncomingServer(address, "localhost", "imap");
const smtp = MailServices.outgoingServer.createServer("smtp").QueryInterface(Ci.nsISmtpServer);
smtp.hostname = "localhost";
smtp.username = address;
server.port = imaps;
smtp.port = submissions;
for (const one of [server, smtp]) {
    one.socketType = Ci.nsMsgSocketType.SSL;
    one.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    one.password = password;
}
const identity = MailServices.accounts.createIdentity();
identity.email = address;
identity.fullName = name;
identity.smtpServerKey = smtp.key;
identity.composeHtml = false;
const account = MailServices.accounts.createAccount();
account.addIdentity(identity);
account.incomingServer = server;
MailServices.accounts.defaultAccount = account;
"""


class Thunderbird:
    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="mansio-thunderbird-"))
        self.profile = self.home / "profile"
        self.profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (self.profile / "user.js").write_text("\n".join(lines))
        self.processes, self.socket, self.number = [], None, 0
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        read, write = os.pipe()
        self.spawn(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24"], pass_fds=[write])
        os.close(write)
        with open(read, encoding="ascii") as answer:
            display = answer.readline().strip()
        self.spawn(["thunderbird", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", self.profile],
                   env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "DISPLAY": f":{display}", "LC_ALL": "C.UTF-8"})  # fmt: skip
        port = self.profile / "MarionetteActivePort"
        eventually(lambda: port.exists() and port.read_text(), 60, "Thunderbird's start")
        self.socket = socket.create_connection(("127.0.0.1", int(port.read_text())), 60)
        self.stream = self.socket.makefile("rb")
        self.read()  # who it is
        self.command("WebDriver:NewSession", capabilities={})
        self.command("Marionette:SetContext", value="chrome")
        self.window = self.command("WebDriver:GetWindowHandle")["value"]
        eventually(lambda: self.run("return document.getElementById('tabmail')?.currentAbout3Pane?.document.readyState == 'complete'"), 60, "its window")

    def spawn(self, argv, **more):
        with open(self.home / "log", "ab") as log:
            self.processes.append(subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True, **more))  # pylint: disable=consider-using-with

    def read(self):
        length = b""
        while (byte := self.stream.read(1)) != b":":
            if not byte:
                raise EOFError("Thunderbird is gone: " + (self.home / "log").read_text(errors="replace")[-2000:])
            length += byte
        return json.loads(self.stream.read(int(length)))

    def command(self, name, **parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        while True:
            _, number, problem, result = self.read()
            if number == self.number:
                if problem:
                    raise RuntimeError(f"{name}: {problem['message']}")
                return result

    def run(self, script, *arguments):
        """JavaScript with all rights, in the present window; MailServices is there."""
        return self.command("WebDriver:ExecuteScript", script=SERVICES + script, args=list(arguments), sandbox="system")["value"]

    def wait_for(self, script, *arguments):
        """The same where the script calls done(result) later."""
        script = SERVICES + "const done = arguments[arguments.length - 1];\n" + script
        return self.command("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), sandbox="system")["value"]

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.command("WebDriver:TakeScreenshot", full=False)["value"]))

    def add_account(self, mansio, account, name):
        authority = "".join(line for line in pathlib.Path(mansio.ca).read_text().splitlines() if "CERTIFICATE" not in line)
        self.run(ADD_ACCOUNT, authority, account.address, name, account.password, mansio.port["imaps"], mansio.port["submissions"])

    def other_window(self):
        def find():
            return next((one for one in self.command("WebDriver:GetWindowHandles") if one != self.window), None)

        self.command("WebDriver:SwitchToWindow", handle=eventually(find, 30, "another window"))

    def main_window(self):
        self.command("WebDriver:SwitchToWindow", handle=self.window)

    def close(self):
        if self.socket:
            self.stream.close()
            self.socket.close()
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
