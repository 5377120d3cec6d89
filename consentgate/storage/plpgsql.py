"""The text of PostgreSQL's functions of ours, as the database stores it; what they are is said in `functions`."""

from typing import Final

LOCK_BODY: Final = """
DECLARE
  i integer := 1;
  j integer := 1;
BEGIN
  IF shared IS NULL OR alone IS NULL THEN
    RAISE EXCEPTION 'consentgate: locks are two arrays' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  WHILE i <= cardinality(shared) OR j <= cardinality(alone) LOOP
    IF j > cardinality(alone) OR shared[i] < alone[j] THEN
      PERFORM pg_advisory_xact_lock_shared(shared[i]);
      i := i + 1;
    ELSE
      PERFORM pg_advisory_xact_lock(alone[j]);
      j := j + 1;
    END IF;
  END LOOP;
END
"""

VERSION_BODY: Final = """
DECLARE
  v_call bytea[];
  v_reached bytea[];
BEGIN
  v_call := ARRAY(
    SELECT DISTINCT r.subject FROM unnest(p_epochs) o (epoch), unnest(p_calls) h (hmac), LATERAL (
      SELECT f.subject FROM subject_ref f
      WHERE f.tenant = p_tenant AND f.key_epoch = o.epoch AND f.hmac = h.hmac OFFSET 0
    ) r
  );
  v_reached := ARRAY(
    SELECT DISTINCT r.subject FROM unnest(p_epochs) o (epoch), unnest(p_hmacs || p_calls) h (hmac), LATERAL (
      SELECT f.subject FROM subject_ref f
      WHERE f.tenant = p_tenant AND f.key_epoch = o.epoch AND f.hmac = h.hmac OFFSET 0
    ) r ORDER BY r.subject
  );
  RETURN coalesce((SELECT string_agg(encode(s.subject, 'hex'), ',') FROM unnest(v_reached) s (subject)), '')
    || '|' || coalesce((
      SELECT string_agg(c.link, ',' ORDER BY c.link COLLATE "C") FROM (
        SELECT encode(s.subject, 'hex') || ':' || k.kind || '=' || n.links AS link
        FROM unnest(v_reached) s (subject), unnest(p_kinds) k (kind), LATERAL (
          SELECT count(*) AS links FROM entry_subject l
          WHERE l.tenant = p_tenant AND l.subject = s.subject AND l.kind = k.kind
        ) n WHERE n.links > 0
        UNION ALL
        SELECT encode(s.subject, 'hex') || ':' || 'call=' || n.links
        FROM unnest(v_call) s (subject), LATERAL (
          SELECT count(*) AS links FROM entry_subject l
          WHERE l.tenant = p_tenant AND l.subject = s.subject AND l.kind = 'call'
        ) n WHERE n.links > 0
      ) c
    ), '')
    || '|assertion='
    || (SELECT count(*) FROM entry e WHERE e.tenant = p_tenant AND e.kind = 'assertion' AND e.about = 0)
    || ',packs='
    || (SELECT count(*) FROM entry e WHERE e.tenant = p_tenant AND e.kind = 'packs' AND e.about = 0)
    || ',registry='
    || (SELECT count(*) FROM entry e WHERE e.tenant = p_tenant AND e.kind = 'registry' AND e.about = 0);
END
"""

GLANCE_ARGUMENTS: Final = (
    "p_tenant text, p_epochs bigint[], p_calls bytea[], p_hmacs bytea[], p_kinds text[], p_tenant_wide text[],"
    " p_last bytea"
)
GLANCE_RESULT: Final = (
    "TABLE(what text, ordinal bigint, id bytea, tenant text, kind text, at bigint, about smallint, w bytea, n bigint,"
    " re bytea, ending text, leaf bytea, hash bytea, parts text, subject bytea)"
)
GLANCE_BODY: Final = """
DECLARE
  v_call bytea[];
  v_event bytea[];
  v_person bytea[];
  v_read bytea[];
  v_linked bytea[];
BEGIN
  -- step by step, key by key: a plan that was made while a table was small must not go through a tenant's rows
  v_call := ARRAY(
    SELECT r.subject FROM unnest(p_epochs) o (epoch), unnest(p_calls) h (hmac), LATERAL (
      SELECT f.subject FROM subject_ref f
      WHERE f.tenant = p_tenant AND f.key_epoch = o.epoch AND f.hmac = h.hmac OFFSET 0
    ) r
  );
  v_event := ARRAY(
    SELECT r.entry FROM unnest(v_call) c (subject), LATERAL (
      SELECT l.entry FROM entry_subject l
      WHERE l.tenant = p_tenant AND l.subject = c.subject AND l.kind = 'call' OFFSET 0
    ) r ORDER BY r.entry
  );
  v_person := ARRAY(
    SELECT r.subject FROM unnest(v_event) v (entry), LATERAL (
      SELECT l.subject FROM entry_subject l WHERE l.tenant = p_tenant AND l.entry = v.entry OFFSET 0
    ) r WHERE r.subject <> ALL (v_call)
    UNION SELECT r.subject FROM unnest(p_epochs) o (epoch), unnest(p_hmacs) h (hmac), LATERAL (
      SELECT f.subject FROM subject_ref f
      WHERE f.tenant = p_tenant AND f.key_epoch = o.epoch AND f.hmac = h.hmac OFFSET 0
    ) r
  );
  v_read := ARRAY(
    SELECT r.entry FROM unnest(v_person) p (subject), unnest(ARRAY['assertion', 'statement']) k (kind), LATERAL (
      SELECT l.entry FROM entry_subject l
      WHERE l.tenant = p_tenant AND l.subject = p.subject AND l.kind = k.kind OFFSET 0
    ) r
    UNION SELECT unnest(v_event)
  );
  RETURN QUERY SELECT 'call', 0::bigint, ''::bytea, '', '', 0::bigint, 0::smallint, ''::bytea, 0::bigint,
    ''::bytea, '', ''::bytea, ''::bytea, '', c.subject FROM unnest(v_call) c (subject);
  RETURN QUERY SELECT 'entry', e.ordinal, e.id, e.tenant, e.kind, e.at, e.about, e.w, e.n, e.re, e."end",
    e.leaf,
    e.hash, e.parts, ''::bytea
    FROM unnest(v_read) v (entry), LATERAL (
      SELECT * FROM entry x WHERE x.tenant = p_tenant AND x.id = v.entry OFFSET 0
    ) e;
  RETURN QUERY SELECT 'link', 0::bigint, l.entry, '', '', 0::bigint, 0::smallint, ''::bytea, 0::bigint,
    ''::bytea, '', ''::bytea, ''::bytea, '', l.subject
    FROM unnest(v_read) v (entry), LATERAL (
      SELECT x.entry, x.subject FROM entry_subject x WHERE x.tenant = p_tenant AND x.entry = v.entry OFFSET 0
    ) l;
  v_linked := ARRAY(
    SELECT r.subject FROM unnest(v_read) v (entry), LATERAL (
      SELECT l.subject FROM entry_subject l WHERE l.tenant = p_tenant AND l.entry = v.entry OFFSET 0
    ) r
    UNION SELECT unnest(v_person)
  );
  RETURN QUERY SELECT 'reference', 0::bigint, ''::bytea, '', '', 0::bigint, 0::smallint, ''::bytea,
    0::bigint, ''::bytea, '', ''::bytea, r.hmac, '', r.subject
    FROM unnest(v_person) p (subject), LATERAL (
      SELECT f.hmac, f.subject FROM subject_ref f
      WHERE f.tenant = p_tenant AND f.subject = p.subject OFFSET 0
    ) r;
  RETURN QUERY SELECT 'key', 0::bigint, ''::bytea, '', d.wrapping_key, 0::bigint, 0::smallint, ''::bytea,
    0::bigint, ''::bytea, '', d.wrapped, ''::bytea, '', d.subject
    FROM unnest(v_linked) k (subject), LATERAL (
      SELECT * FROM data_key x WHERE x.tenant = p_tenant AND x.subject = k.subject OFFSET 0
    ) d;
  RETURN QUERY SELECT 'count', 0::bigint, ''::bytea, '', k.kind, 0::bigint, 0::smallint, ''::bytea,
    n.links, ''::bytea, '', ''::bytea, ''::bytea, '', s.subject
    FROM unnest(v_person || v_call) s (subject), unnest(p_kinds) k (kind), LATERAL (
      SELECT count(*) AS links FROM entry_subject l
      WHERE l.tenant = p_tenant AND l.subject = s.subject AND l.kind = k.kind
    ) n WHERE n.links > 0;
  RETURN QUERY SELECT 'before', 0::bigint, coalesce(b.entry, ''), '', '', 0::bigint, 0::smallint, ''::bytea,
    0::bigint, ''::bytea, '', ''::bytea, ''::bytea, '', p.subject
    FROM unnest(v_person) p (subject) LEFT JOIN LATERAL (
      SELECT l.entry FROM entry_subject l
      WHERE l.tenant = p_tenant AND l.subject = p.subject AND l.kind = 'call'
        AND l.entry < coalesce(v_event[1], p_last)
      ORDER BY l.entry DESC LIMIT 1
    ) b ON true;
  RETURN QUERY SELECT 'controller', 0::bigint, ''::bytea, '', e.kind, 0::bigint, 0::smallint, ''::bytea,
    count(*), ''::bytea, '', ''::bytea, ''::bytea, '', ''::bytea
    FROM entry e WHERE e.tenant = p_tenant AND e.kind = ANY (p_tenant_wide) AND e.about = 0 GROUP BY e.kind;
END
"""

APPEND_ARGUMENTS: Final = (
    "p_shared bigint[], p_alone bigint[], p_epochs bigint[], p_hmacs bytea[], p_kinds text[], p_calls bytea[],"
    " p_version text,"
    " p_tenant text, p_id bytea, p_kind text, p_at bigint, p_about smallint, p_w bytea, p_n bigint, p_re bytea,"
    " p_end text, p_leaf bytea, p_hash bytea, p_parts text, p_subjects bytea[],"
    " OUT code text, OUT number bigint, OUT stop_ids bytea[], OUT stop_hashes bytea[]"
)

APPEND_BODY: Final = """
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'consentgate: an entry is appended at READ COMMITTED only'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config(
    'lock_timeout', coalesce(nullif(current_setting('consentgate.lock_timeout', true), ''), '4s'), true
  );
  number := 0;
  -- (a) locks; every later statement sees what was committed before they were held
  PERFORM consentgate_lock(p_shared, p_alone);
  -- (b) version
  IF p_version IS DISTINCT FROM ''
    AND consentgate_version(p_tenant, p_epochs, p_hmacs, p_kinds, p_calls) IS DISTINCT FROM p_version THEN
    code := 'changed';
  -- (c) clock
  ELSIF abs(consentgate_now() - p_at) > 2000 THEN
    code := 'clock';
  ELSE
    -- (d) entry and links; a conflict of ids or outcomes waits for the other transaction's end
    INSERT INTO entry (tenant, id, kind, at, about, w, n, re, "end", leaf, hash, parts)
    VALUES (p_tenant, p_id, p_kind, p_at, p_about, p_w, p_n, p_re, p_end, p_leaf, p_hash, p_parts)
    ON CONFLICT DO NOTHING RETURNING ordinal INTO number;
    IF FOUND THEN
      code := 'done';
      INSERT INTO entry_subject (tenant, entry, subject, kind)
      SELECT p_tenant, p_id, s.subject, p_kind FROM unnest(p_subjects) AS s (subject);
    END IF;
  END IF;
  IF code IS DISTINCT FROM 'done' THEN
    -- what is there already, or comes late, is said first, whatever else stands in the way
    IF EXISTS (SELECT FROM entry e WHERE e.tenant = p_tenant AND e.id = p_id) THEN
      code := 'there';
    ELSIF p_kind = 'outcome'
      AND EXISTS (SELECT FROM entry e WHERE e.tenant = p_tenant AND e.re = p_re AND e.kind = 'outcome') THEN
      code := 'late';
    ELSIF code IS NOT NULL THEN
      number := 0;
      RETURN;
    ELSE
      -- its place in the lane is taken; no error: that would end the caller's transaction, which goes on in another
      code := 'lane';
    END IF;
  END IF;
  number := coalesce(number, 0);
  -- (e) stop orders
  IF p_re <> '' THEN
    SELECT array_agg(e.id ORDER BY e.ordinal), array_agg(e.hash ORDER BY e.ordinal)
    INTO stop_ids, stop_hashes
    FROM (SELECT * FROM entry x WHERE x.tenant = p_tenant AND x.re = p_re OFFSET 0) e WHERE e.kind = 'stop';
  END IF;
END
"""
