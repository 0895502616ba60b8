"""The database itself keeps people apart: whatever SQL the web application's role sends, it sees and changes only what the session's
person may. Each test plays a person and sends what the application never would."""

import unittest

import harness
from instance.place import InstanceError

REFUSED = "permission denied|row-level security|may change|stays with|within|only the provider|violates"
OPERATOR = "INSERT INTO web_session (token_hash, operator_id, csrf, expires_at) VALUES (sha256('{token}'), {id}, 'x', now() + interval '1 hour')"
ACCOUNT = "INSERT INTO web_session (token_hash, account_id, csrf, expires_at) VALUES (sha256('{token}'), {id}, 'x', now() + interval '1 hour')"


class Isolation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.tenant, cls.other = cls.mansio.new_tenant(), cls.mansio.new_tenant()
        cls.domain, cls.foreign = cls.mansio.new_domain(cls.tenant), cls.mansio.new_domain(cls.other)
        cls.second = cls.mansio.new_domain(cls.tenant)
        cls.livia, cls.stranger = cls.mansio.new_account(cls.domain), cls.mansio.new_account(cls.foreign)
        cls.colleague = cls.mansio.new_account(cls.second)
        cls.mansio.command("alias", "set", f"office@{cls.domain}", cls.livia.address)
        cls.mansio.command("alias", "set", f"office@{cls.foreign}", cls.stranger.address)
        cls.people = {role: cls.mansio.new_operator(role, cls.tenant) for role in ("reseller", "domain", "helpdesk")}
        cls.mansio.command("operator", "grant", cls.people["domain"].address, cls.domain)
        for role, operator in cls.people.items():
            number = cls.mansio.sql(f"SELECT id FROM operator WHERE login = '{operator.address}'")[0]
            cls.mansio.sql(OPERATOR.format(token=f"{role} {cls.tenant}", id=number))
        local, domain = cls.livia.address.split("@")
        number = cls.mansio.sql(
            f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.local_part = '{local}' AND d.name = '{domain}'")[0]  # fmt: skip
        cls.mansio.sql(ACCOUNT.format(token=f"user {cls.tenant}", id=number))

    def act(self, role, sql):
        """What the person gets for the SQL, in a transaction that is rolled back; None where it is refused."""
        begin = f"SELECT 'actor: ' || role FROM actor_begin(sha256('{role} {self.tenant}'));" if role else ""
        try:
            lines = self.mansio.sql(f"BEGIN; {begin} {sql}; ROLLBACK", role="mansio_web")
        except InstanceError as refused:
            self.assertRegex(str(refused), REFUSED)
            return None
        lines = [line for line in lines if line not in ("BEGIN", "ROLLBACK")]
        if role:
            self.assertIn(f"actor: {role}", lines)
            lines.remove(f"actor: {role}")
        return lines

    def names(self, role, table, column="name"):
        return self.act(role, f"SELECT {column} FROM {table}")

    def touched(self, role, sql):
        """How many rows the statement changes; 0 where it is refused."""
        done = self.act(role, f"WITH done AS ({sql} RETURNING 1) SELECT count(*) FROM done")
        return 0 if done is None else int(done[0])

    def untouched(self, role, sql):
        self.assertEqual(self.touched(role, sql), 0, f"{role}: {sql}")

    def test_access_lists_are_ones_own(self):
        sender = harness.unique("s") + ".test"
        for whose in (("--domain", self.domain), ("--domain", self.second), ("--tenant", self.other), ()):
            self.mansio.command("access", "add", "deny", "sender", sender, *whose)
        seen = f"SELECT count(*) FROM access_list WHERE pattern = '{sender}'"
        self.assertEqual(self.act("reseller", seen), ["2"])
        self.assertEqual(self.act("domain", seen), ["1"])
        for role in ("helpdesk", "user", None):
            self.assertEqual(self.act(role, seen), ["0"])
        self.assertEqual(self.touched("reseller", f"DELETE FROM access_list WHERE pattern = '{sender}'"), 2)
        self.untouched("helpdesk", f"DELETE FROM access_list WHERE pattern = '{sender}'")
        add = "INSERT INTO access_list (tenant_id, domain_id, action, kind, pattern) SELECT {}, 'deny', 'sender', 'hostile.test' FROM domain WHERE name = '{}'"
        own = f"(SELECT tenant_id FROM domain WHERE name = '{self.domain}')"
        self.assertEqual(self.touched("domain", add.format("tenant_id, id", self.domain)), 1)
        for role, columns, domain in (("reseller", "NULL::bigint, NULL::bigint", self.domain), ("domain", f"{own}, NULL::bigint", self.domain),
                                      ("domain", "tenant_id, id", self.second), ("helpdesk", "tenant_id, id", self.domain),
                                      ("user", "tenant_id, id", self.domain), ("reseller", "tenant_id, id", self.foreign)):  # fmt: skip
            self.untouched(role, add.format(columns, domain))
        self.assertIsNone(self.act("reseller", "SELECT count(*) FROM greylist"))
        self.mansio.sql(f"DELETE FROM access_list WHERE pattern = '{sender}'")

    def test_without_a_session_nothing_is_seen(self):
        for table in ("tenant", "domain", "account", "alias", "zone", "record", "operator", "audit", "queue_message", "setting"):
            self.assertEqual(self.act(None, f"SELECT id FROM {table}" if table != "setting" else "SELECT name FROM setting"), [], table)

    def test_an_expired_or_unknown_session_is_nobody(self):
        rows = self.mansio.sql("SELECT count(*) FROM actor_begin(sha256('no such token'))", role="mansio_web")
        self.assertEqual(rows, ["0"])

    def test_each_role_sees_its_own_domains_alone(self):
        both = sorted([self.domain, self.second])
        self.assertEqual(sorted(self.names("reseller", "domain")), both)
        self.assertEqual(sorted(self.names("helpdesk", "domain")), both)
        self.assertEqual(self.names("domain", "domain"), [self.domain])
        self.assertEqual(self.names("user", "domain"), [self.domain])

    def test_each_role_sees_its_own_accounts_alone(self):
        own, colleague = self.livia.address.split("@")[0], self.colleague.address.split("@")[0]
        for role in ("reseller", "helpdesk"):
            self.assertEqual(sorted(self.names(role, "account", "local_part")), sorted([own, colleague]))
        for role in ("domain", "user"):
            self.assertEqual(self.names(role, "account", "local_part"), [own])

    def test_nobody_reads_password_hashes_or_private_keys(self):
        for role in ("reseller", "domain", "helpdesk", "user"):
            self.assertIsNone(self.act(role, "SELECT password FROM account"))
            self.assertIsNone(self.act(role, "SELECT password FROM operator"))
            self.assertIsNone(self.act(role, "SELECT private_key FROM dkim_key"))

    def test_nobody_reads_mail_through_the_web_role(self):
        for table in ("message", "email", "mailbox", "expunged"):
            self.assertIsNone(self.act("reseller", f"SELECT account_id FROM {table}"))

    def test_zones_records_audit_and_aliases_of_others_are_invisible(self):
        for role in ("reseller", "domain"):
            self.assertNotIn(self.foreign, self.names(role, "zone"))
            rows = self.act(role, f"SELECT 1 FROM record WHERE zone_id NOT IN (SELECT id FROM zone)")
            self.assertEqual(rows, [])
        self.assertEqual(len(self.names("reseller", "alias", "id")), 1)
        self.assertEqual(self.act("reseller", f"SELECT 1 FROM audit WHERE object_name LIKE '%{self.foreign}%'"), [])
        self.assertEqual(self.names("helpdesk", "audit", "id"), [])

    def test_a_tenant_is_changed_by_the_provider_alone(self):
        for role in ("reseller", "domain", "helpdesk", "user"):
            self.untouched(role, "DELETE FROM tenant")
            self.untouched(role, "UPDATE tenant SET max_domains = 1000")

    def test_nobody_lifts_himself_to_another_role_or_reseller(self):
        for role in ("reseller", "domain", "helpdesk"):
            login = self.people[role].address
            self.untouched(role, f"UPDATE operator SET role = 'provider', tenant_id = NULL WHERE login = '{login}'")
            self.untouched(role, f"UPDATE operator SET tenant_id = (SELECT max(id) + 1 FROM tenant) WHERE login = '{login}'")
        self.untouched("helpdesk", f"UPDATE operator SET role = 'reseller' WHERE login = '{self.people['helpdesk'].address}'")
        self.untouched("domain", "INSERT INTO operator_domain (operator_id, domain_id) SELECT actor_operator(), generate_series(1, 1000)")
        self.untouched("reseller", "INSERT INTO operator (role, login, password) VALUES ('provider', 'me-too', 'x')")
        self.assertEqual(1, self.touched("helpdesk", f"UPDATE operator SET name = 'New Name' WHERE login = '{self.people['helpdesk'].address}'"))

    def test_helpdesk_changes_passwords_and_nothing_else(self):
        self.assertEqual(self.touched("helpdesk", "UPDATE account SET password = 'x'"), 2)
        self.untouched("helpdesk", "UPDATE account SET active = false")
        self.untouched("helpdesk", "UPDATE account SET quota_bytes = NULL, name = 'y'")
        self.untouched("helpdesk", "DELETE FROM account")
        self.untouched("helpdesk", "UPDATE alias SET targets = ARRAY['me@evil.example']")
        self.untouched("helpdesk", "DELETE FROM domain")

    def test_a_user_changes_its_own_password_and_name_alone(self):
        self.assertEqual(self.touched("user", "UPDATE account SET password = 'x', name = 'y'"), 1)
        self.untouched("user", "UPDATE account SET quota_bytes = 1")
        self.untouched("user", "UPDATE account SET local_part = 'boss'")
        self.untouched("user", "DELETE FROM account")

    def test_a_reseller_adds_nothing_to_another(self):
        self.untouched("reseller", "INSERT INTO domain (tenant_id, name, display) SELECT actor_tenant() + 1, 'x.example', 'x.example'")
        self.untouched("reseller", "UPDATE domain SET tenant_id = actor_tenant() + 1")
        self.untouched("reseller", f"INSERT INTO domain (tenant_id, name, display) SELECT actor_tenant(), 'www.{self.foreign}', 'x'")
        self.assertEqual(1, self.touched("reseller", f"INSERT INTO domain (tenant_id, name, display) SELECT actor_tenant(), 'www.{self.domain}', 'x'"))

    def test_a_domain_administrator_adds_accounts_to_its_domains_alone(self):
        insert = "INSERT INTO account (tenant_id, domain_id, local_part, password) SELECT actor_tenant(), id, 'new', 'x' FROM domain WHERE name = '{}'"
        self.assertEqual(self.touched("domain", insert.format(self.domain)), 1)
        self.untouched("domain", insert.format(self.second))
        number = self.mansio.sql(f"SELECT id FROM domain WHERE name = '{self.second}'")[0]
        self.untouched("domain", f"UPDATE account SET domain_id = {number}")
        self.untouched("domain", "INSERT INTO domain (tenant_id, name, display) SELECT actor_tenant(), 'y.example', 'y.example'")

    def test_policies_and_keys_of_others_are_out_of_reach(self):
        for name in (self.domain, self.foreign):
            self.mansio.command("domain", "policy", name, "--spf-fail", "junk")
            self.mansio.command("domain", "dkim", "add", name, "--algorithm", "ed25519")
        domains = "SELECT d.name FROM sender_policy p JOIN domain d ON d.id = p.domain_id"
        for role in ("reseller", "domain", "helpdesk"):
            self.assertIn(self.domain, self.act(role, domains))
            self.assertNotIn(self.foreign, self.act(role, domains))
        self.assertEqual(self.act("user", domains), [])
        for role in ("reseller", "domain", "helpdesk", "user"):
            self.untouched(role, f"UPDATE sender_policy SET spf_fail = 'reject' WHERE domain_id = (SELECT id FROM domain WHERE name = '{self.foreign}')")
            self.untouched(role, "UPDATE sender_policy SET spf_fail = 'reject' WHERE domain_id IS NULL")
            self.untouched(role, "DELETE FROM sender_policy WHERE domain_id IS NULL")
        for role in ("helpdesk", "user"):
            self.untouched(role, "UPDATE sender_policy SET spf_fail = 'reject'")
            self.untouched(role, "DELETE FROM sender_policy")
        number = self.mansio.sql(f"SELECT id, tenant_id FROM domain WHERE name = '{self.second}'")[0].split("|")
        self.untouched("domain", f"INSERT INTO sender_policy (tenant_id, domain_id) VALUES ({number[1]}, {number[0]})")


if __name__ == "__main__":
    unittest.main()
