-- The rules of a capped intake in PostgreSQL's language: one function call a batch of claims and releases.
--
-- A claim is decided twice. The first time without a lock, in one statement and so on one snapshot: a replay
-- or a refusal is answered from it, and nobody waits. Only what would be a grant locks its intake and the
-- caps over it, and is decided again, on what the last holder of the locks has committed. The locks are held
-- until the commit is on disk, so what came together is decided under one lock and flushed at once. They are
-- taken in one order, for the whole batch beforehand: intakes by name, then caps by number. Whoever
-- administers locks the whole table of intakes instead.

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

CREATE OR REPLACE FUNCTION quota_lock(p_intakes text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM intakes i WHERE i.name = ANY (p_intakes) ORDER BY i.name FOR UPDATE;
    -- A release learns only under the lock which stream it is of, hence the caps over every stream.
    PERFORM 1 FROM caps c WHERE c.name IN (SELECT v.cap FROM covers v WHERE v.intake = ANY (p_intakes))
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

-- Under the locks.
CREATE OR REPLACE FUNCTION quota_claim(
    p_applicant text, p_key text, p_intake text, p_stream text, p_at bigint,
    is_exact boolean, is_sticky boolean, is_unchecked boolean,
    OUT reply text, OUT number bigint, OUT cap text, OUT first_at bigint, OUT is_replay boolean
) LANGUAGE plpgsql AS $$
DECLARE
    found_now record;
BEGIN
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
    reply := found_now.reply; number := found_now.number; cap := found_now.cap;
    first_at := found_now.first_at; is_replay := found_now.is_replay;
END $$;

-- Under the locks.
CREATE OR REPLACE FUNCTION quota_release(
    p_applicant text, p_key text, p_intake text, p_slot bigint, p_at bigint,
    gives_back boolean, is_sticky boolean,
    OUT reply text, OUT number bigint, OUT cap text, OUT first_at bigint, OUT is_replay boolean
) LANGUAGE plpgsql AS $$
DECLARE
    receipt record;
    holding record;
BEGIN
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

-- A batch, one element of each array a command; the answers come in the same order. What follows the first
-- that needs the locks is decided under them at once.
CREATE OR REPLACE FUNCTION quota_answers(
    kinds text[], applicants text[], keys text[], intakes text[], streams text[], slots bigint[], ats bigint[],
    backs boolean[], uncheckeds boolean[], is_exact boolean, is_sticky boolean
) RETURNS TABLE (reply text, number bigint, cap text, first_at bigint, is_replay boolean) LANGUAGE plpgsql AS $$
DECLARE
    is_locked boolean := false;
BEGIN
    FOR n IN 1 .. cardinality(kinds) LOOP
        IF NOT is_locked THEN
            IF kinds[n] = 'claim' AND NOT is_sticky THEN
                SELECT d.* INTO reply, number, cap, first_at, is_replay FROM quota_decision(
                    applicants[n], keys[n], intakes[n], streams[n], ats[n], is_exact, uncheckeds[n]) d;
                IF reply <> 'granted' OR is_replay THEN
                    RETURN NEXT;
                    CONTINUE;
                END IF;
            END IF;
            PERFORM quota_lock(intakes[n:]);
            is_locked := true;
        END IF;
        IF kinds[n] = 'claim' THEN
            SELECT c.* INTO reply, number, cap, first_at, is_replay FROM quota_claim(
                applicants[n], keys[n], intakes[n], streams[n], ats[n], is_exact, is_sticky, uncheckeds[n]) c;
        ELSE
            SELECT r.* INTO reply, number, cap, first_at, is_replay FROM quota_release(
                applicants[n], keys[n], intakes[n], slots[n], ats[n], backs[n], is_sticky) r;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
