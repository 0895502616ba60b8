-- Row security. The web application names the session that acts at the start of each transaction:
--
--     SELECT actor_begin($1)          -- $1: SHA-256 of the session cookie
--
-- and from then on the database shows and takes only what that actor may see and change. The proof is the session itself,
-- looked up by a function that the web role may call but whose result it can't forge: the actor is stored in
-- actor_current, a table keyed by the transaction, that only the definer's functions write.

CREATE UNLOGGED TABLE actor_current (
    backend     integer PRIMARY KEY,
    transaction xid8 NOT NULL,
    role        text NOT NULL,
    operator_id bigint,
    account_id  bigint,
    tenant_id   bigint,
    login       text NOT NULL,
    address     inet
);
