-- The rules of a capped intake in PostgreSQL's language: one function call a claim or release.
--
-- A claim is decided twice. The first time without a lock, in one statement and so on one snapshot: a replay
-- or a refusal is answered from it, and nobody waits. Only what would be a grant locks the intake, then the
-- caps, and is decided again, on what the last holder of the locks has committed. Locks are taken in one
-- order: the intake, then caps by their number. Whoever administers locks the whole table of intakes instead.

CREATE OR REPLACE FUNCTION quota_decision(
    p_applicant text, p_key text, p_intake text, p_stream text, p_at bigint,
    is_exact boolean, is_unchecked boolean,
    OUT reply text, OUT number bigint, OUT cap text, OUT first_at bigint, OUT is_replay boolean
) LANGUAGE plpgsql AS $$
DECLARE
    seen record;
BEGIN
    SELECT r.kind, r.intake, r.stream, r.reply, r.number, r.cap, r.at, i.state, i.granted, h.slot,
        (SELECT c.name FROM caps c
          WHERE CASE WHEN is_exact THEN c.used ELSE c.copied END >= c.lim
            AND EXISTS (SELECT 1 FROM covers v
                         WHERE v.cap = c.name AND v.intake = p_intake AND v.stream IN ('', p_stream))
          ORDER BY c.seq LIMIT 1) AS full_cap
      INTO seen
      FROM (SELECT 1) one
      LEFT JOIN receipts r ON r.applicant = p_applicant AND r.key = p_key
      LEFT JOIN intakes i ON i.name = p_intake
      LEFT JOIN holdings h ON h.intake = p_intake AND h.applicant = p_applicant;
    number := 0; cap := ''; first_at := p_at; is_replay := false;
    IF seen.kind IS NOT NULL THEN
        first_at := seen.at;
        IF seen.kind = 'claim' AND seen.intake = p_intake AND seen.stream = p_stream THEN
            reply := seen.reply; number := seen.number; cap := seen.cap; is_replay := true;
        ELSE
            reply := 'mismatch';
        END IF;
    ELSIF seen.state IS DISTINCT FROM 'open' THEN
        reply := 'closed';
    ELSIF seen.slot IS NOT NULL THEN
        reply := 'duplicate'; number := seen.slot;
    ELSIF seen.full_cap IS NOT NULL AND NOT is_unchecked THEN
        reply := 'full'; cap := seen.full_cap;
    ELSE
        reply := 'granted'; number := seen.granted + 1;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION quota_lock(p_intake text, p_stream text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM intakes i WHERE i.name = p_intake FOR UPDATE;
    PERFORM 1 FROM caps c WHERE c.name IN
        (SELECT v.cap FROM covers v WHERE v.intake = p_intake AND v.stream IN ('', p_stream))
      ORDER BY c.seq FOR UPDATE;
END $$;

CREATE OR REPLACE FUNCTION quota_move(
    p_intake text, p_stream text, p_granted bigint, p_used bigint, p_held bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE intakes SET granted = granted + p_granted, used = used + p_used, held = held + p_held,
        version = version + 1
     WHERE name = p_intake;
    UPDATE caps SET used = used + p_used, held = held + p_held WHERE name IN
        (SELECT v.cap FROM covers v WHERE v.intake = p_intake AND v.stream IN ('', p_stream));
END $$;

CREATE OR REPLACE FUNCTION quota_claim(
    p_applicant text, p_key text, p_intake text, p_stream text, p_at bigint,
    is_exact boolean, is_sticky boolean, is_unchecked boolean,
    OUT reply text, OUT number bigint, OUT cap text, OUT first_at bigint, OUT is_replay boolean
) LANGUAGE plpgsql AS $$
DECLARE
    found_now record;
BEGIN
    IF NOT is_sticky THEN
        SELECT d.* INTO found_now
          FROM quota_decision(p_applicant, p_key, p_intake, p_stream, p_at, is_exact, is_unchecked) d;
    END IF;
    IF is_sticky OR found_now.reply = 'granted' THEN
        PERFORM quota_lock(p_intake, p_stream);
        LOOP
            SELECT d.* INTO found_now
              FROM quota_decision(p_applicant, p_key, p_intake, p_stream, p_at, is_exact, is_unchecked) d;
            EXIT WHEN found_now.is_replay OR found_now.reply = 'mismatch';
            EXIT WHEN found_now.reply <> 'granted' AND NOT is_sticky;
            -- The lock is on this intake: the key may be at work in another, and then this waits for it.
            INSERT INTO receipts VALUES (p_applicant, p_key, 'claim', p_intake, p_stream, NULL,
                found_now.reply, found_now.number, found_now.cap, p_at) ON CONFLICT DO NOTHING;
            CONTINUE WHEN NOT FOUND;
            IF found_now.reply = 'granted' THEN
                INSERT INTO holdings VALUES
                    (p_intake, p_applicant, found_now.number, p_stream, p_key, p_at);
                PERFORM quota_move(p_intake, p_stream, 1, 1, 1);
            END IF;
            EXIT;
        END LOOP;
    END IF;
    reply := found_now.reply; number := found_now.number; cap := found_now.cap;
    first_at := found_now.first_at; is_replay := found_now.is_replay;
END $$;

CREATE OR REPLACE FUNCTION quota_release(
    p_applicant text, p_key text, p_intake text, p_slot bigint, p_at bigint,
    gives_back boolean, is_sticky boolean,
    OUT reply text, OUT number bigint, OUT cap text, OUT first_at bigint, OUT is_replay boolean
) LANGUAGE plpgsql AS $$
DECLARE
    receipt record;
    holding record;
BEGIN
    -- The holding's stream is not known before it is read, so all caps over the intake are locked.
    PERFORM 1 FROM intakes i WHERE i.name = p_intake FOR UPDATE;
    PERFORM 1 FROM caps c WHERE c.name IN (SELECT v.cap FROM covers v WHERE v.intake = p_intake)
      ORDER BY c.seq FOR UPDATE;
    LOOP
        number := 0; cap := ''; first_at := p_at; is_replay := false;
        SELECT r.* INTO receipt FROM receipts r WHERE r.applicant = p_applicant AND r.key = p_key;
        IF FOUND THEN
            first_at := receipt.at;
            IF receipt.kind = 'release' AND receipt.intake = p_intake
               AND receipt.slot IS NOT DISTINCT FROM p_slot THEN
                reply := receipt.reply; number := receipt.number; is_replay := true;
            ELSE
                reply := 'mismatch';
            END IF;
            RETURN;
        END IF;
        SELECT h.* INTO holding FROM holdings h WHERE h.intake = p_intake AND h.applicant = p_applicant
           AND h.slot = coalesce(p_slot, h.slot);
        reply := CASE WHEN FOUND THEN 'released' ELSE 'unheld' END;
        number := CASE WHEN reply = 'released' AND gives_back THEN 1 ELSE 0 END;
        IF reply = 'unheld' AND NOT is_sticky THEN
            RETURN;
        END IF;
        INSERT INTO receipts VALUES (p_applicant, p_key, 'release', p_intake, '', p_slot,
            reply, number, '', p_at) ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        IF reply = 'released' THEN
            DELETE FROM holdings h WHERE h.intake = p_intake AND h.applicant = p_applicant;
            PERFORM quota_move(p_intake, holding.stream, 0, -number, -1);
        END IF;
        RETURN;
    END LOOP;
END $$;
