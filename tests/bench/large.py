"""An INBOX with very many messages, made by SQL as if they had been delivered one by one: the same columns, a card of usual size, no bytes."""

FILL = """
WITH box AS (SELECT account_id, id FROM mailbox WHERE account_id = {account} AND name = 'INBOX'),
     made AS (INSERT INTO email (account_id, id, thread_id, blob, size, card, received_at)
              SELECT account_id, n, n, gen_random_uuid(), 4096, convert_to(repeat('card ', 80), 'UTF8'), now()
              FROM box, generate_series(1, {count}) AS n)
INSERT INTO message (account_id, mailbox_id, uid, email_id, modseq, size, internal_date)
SELECT account_id, id, n, n, n, 4096, now() FROM box, generate_series(1, {count}) AS n;
UPDATE mailbox SET uidnext = {count} + 1, highestmodseq = {count} + 1, messages = {count}, unseen = {count}, bytes = {count}::bigint * 4096
 WHERE account_id = {account} AND name = 'INBOX';
VACUUM ANALYZE email, message, mailbox;
"""


def account_id(mansio, address):
    local, domain = address.split("@")
    return mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.local_part = '{local}' AND d.name = '{domain}'")[0]


def fill(mansio, account, count):
    """The INBOX must be there; what is in it goes."""
    mansio.sql(f"DELETE FROM message WHERE account_id = {account}")
    for statement in FILL.format(account=account, count=count).split(";"):
        if statement.strip():
            mansio.sql(statement)
