-- Which addresses a person may send under, for the webmail's chooser: the rules of directory_may_send_as()
-- (lib/directory/directory.c), which submission asks.

-- An alias's targets as they are looked for backwards: lower case, and without "+detail".
CREATE FUNCTION address_forms(targets text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(DISTINCT form) FROM unnest(targets) AS t, LATERAL (VALUES (lower(t)), (regexp_replace(lower(t), '^([^+]+)\+.*@', '\1@'))) AS f (form)
$$;
CREATE INDEX alias_forms ON alias USING gin (address_forms(targets));

-- Where mail for an address goes next: to accounts, and to addresses that are followed in turn. Nothing: elsewhere, or nowhere.
CREATE FUNCTION address_step(of_address text) RETURNS TABLE (next text, account_id bigint)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    named text := lower(substring(of_address FROM '^(.+)@'));
    place record;
    acc   account%ROWTYPE;
    list  public.alias%ROWTYPE;
BEGIN
    SELECT d.id, d.name, d.kind, t.name AS target, d.active AND NOT n.suspended AS active INTO place
      FROM domain d JOIN tenant n ON n.id = d.tenant_id LEFT JOIN domain t ON t.id = d.target_id
     WHERE d.name = lower(substring(of_address FROM '@([^@]*)$'));
    IF NOT FOUND OR named IS NULL OR NOT place.active THEN
        RETURN;
    END IF;
    SELECT * INTO acc FROM account a WHERE a.domain_id = place.id AND a.local_part = named;
    SELECT * INTO list FROM alias l WHERE l.domain_id = place.id AND l.local_part = named;
    IF place.kind = 'hosted' AND acc.id IS NULL AND list.id IS NULL AND strpos(named, '+') > 1
       AND EXISTS (SELECT FROM account a WHERE a.domain_id = place.id AND a.local_part = split_part(named, '+', 1)
                   UNION ALL SELECT FROM alias l WHERE l.domain_id = place.id AND l.local_part = split_part(named, '+', 1)) THEN
        named := split_part(named, '+', 1);
        SELECT * INTO acc FROM account a WHERE a.domain_id = place.id AND a.local_part = named;
        SELECT * INTO list FROM alias l WHERE l.domain_id = place.id AND l.local_part = named;
    END IF;
    IF list.id IS NOT NULL THEN
        -- an alias that names itself also delivers to the account of that name
        RETURN QUERY SELECT CASE WHEN NOT own THEN lower(t) END, CASE WHEN own THEN acc.id END
          FROM unnest(list.targets) AS t, LATERAL (SELECT coalesce(acc.active, false) AND lower(t) = named || '@' || place.name) AS o (own)
         WHERE list.active;
    ELSIF acc.id IS NOT NULL THEN
        RETURN QUERY SELECT NULL::text, acc.id WHERE acc.active;
    ELSIF place.kind = 'alias' THEN
        RETURN QUERY SELECT named || '@' || place.target, NULL::bigint;
    ELSIF place.kind = 'hosted' THEN
        RETURN QUERY SELECT lower(t), NULL::bigint FROM alias l, unnest(l.targets) AS t
          WHERE l.domain_id = place.id AND l.local_part = '' AND l.active;
    END IF;
END $$;

-- Twenty steps at the most, as DIRECTORY_MAX_DEPTH.
CREATE FUNCTION address_leads_to(of_address text, of_account bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH RECURSIVE walk AS (
        SELECT lower(of_address) AS address, NULL::bigint AS account_id, 0 AS depth
        UNION
        SELECT s.next, s.account_id, w.depth + 1 FROM walk w CROSS JOIN LATERAL address_step(w.address) s
         WHERE w.address IS NOT NULL AND w.depth <= 20)
    SELECT EXISTS (SELECT FROM walk w WHERE w.account_id = of_account)
$$;

CREATE FUNCTION may_send_as(of_account bigint, of_address text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = of_account AND a.local_part || '@' || d.name = lower(of_address))
        OR EXISTS (SELECT FROM send_as s WHERE s.account_id = of_account
                      AND s.address IN (lower(of_address), '@' || lower(substring(of_address FROM '@([^@]*)$'))))
        OR address_leads_to(of_address, of_account)
$$;

-- The addresses that the person at the web application may send under: its own first, then those that can be listed, and of the
-- ones asked about (others that a catch-all, a "+detail" or a whole domain makes good) those that are right. `name` is what
-- stands before an address that is another mailbox's. An address "@domain" says that each of the domain will do.
CREATE FUNCTION sender_list(asked text[]) RETURNS TABLE (address text, name text, others boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE me AS (
        SELECT a.id, a.local_part || '@' || d.name AS address FROM account a JOIN domain d ON d.id = a.domain_id
         WHERE actor_role() = 'user' AND a.id = actor_account()
    ), backwards AS (
        SELECT me.address, 0 AS depth FROM me
        UNION
        SELECT x.address, b.depth + 1 FROM backwards b CROSS JOIN LATERAL (
            SELECT l.local_part || '@' || d.name AS address FROM alias l JOIN domain d ON d.id = l.domain_id
             WHERE address_forms(l.targets) @> ARRAY[b.address] AND l.local_part <> '' AND l.active
            UNION ALL
            SELECT split_part(b.address, '@', 1) || '@' || a.name FROM domain d JOIN domain a ON a.target_id = d.id
             WHERE d.name = substring(b.address FROM '@([^@]*)$')) x
         WHERE b.depth < 20
    ), found AS (
        SELECT b.address FROM backwards b
        UNION SELECT s.address FROM send_as s JOIN me ON s.account_id = me.id
        UNION SELECT lower(q) FROM unnest(asked) AS q WHERE q ~ '^[^@]+@[^@]+$'
    )
    SELECT f.address, coalesce(o.name, ''), o.id IS NOT NULL
      FROM me JOIN found f ON starts_with(f.address, '@') OR may_send_as(me.id, f.address)
      LEFT JOIN domain d ON d.name = substring(f.address FROM '@([^@]*)$')
      LEFT JOIN account o ON o.domain_id = d.id AND o.local_part = substring(f.address FROM '^(.+)@') AND o.id <> me.id
     ORDER BY f.address <> me.address, f.address LIMIT 500
$$;

REVOKE ALL ON FUNCTION address_step, address_leads_to, may_send_as, sender_list FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sender_list TO mansio_web;
