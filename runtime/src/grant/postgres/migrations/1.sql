-- The tables of version 1. Rows are found by digests: of the subject, or of a record's key, which
-- may be a secret. `subject` is there for operators to read. Times are in milliseconds since 1970.

CREATE TABLE toolgate_meta (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE toolgate_grants (
    owner bytea NOT NULL,
    provider text COLLATE "C" NOT NULL,
    subject text NOT NULL,
    revision bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (owner, provider)
) WITH (fillfactor = 80);

CREATE TABLE toolgate_leases (
    owner bytea NOT NULL,
    provider text COLLATE "C" NOT NULL,
    holder bytea NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (owner, provider)
) WITH (fillfactor = 50);

CREATE TABLE toolgate_records (
    namespace text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    sealed bytea NOT NULL,
    expires_at bigint NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (namespace, id)
);

CREATE INDEX toolgate_records_by_end ON toolgate_records (namespace, expires_at);

-- How many records a namespace has. Each is in 16 rows, so that insertions do not wait for one.
CREATE TABLE toolgate_record_counts (
    namespace text COLLATE "C" NOT NULL,
    slot integer NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (namespace, slot)
) WITH (fillfactor = 50);

-- The rows are changed in order, so that two statements do not wait for each other.
CREATE FUNCTION toolgate_count_records() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO toolgate_record_counts AS counted (namespace, slot, records)
    SELECT namespace, get_byte(id, 0) & 15, sign * count(*) FROM changed GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (namespace, slot) DO UPDATE SET records = counted.records + excluded.records;
    RETURN NULL;
END
$$;

CREATE TRIGGER toolgate_records_added AFTER INSERT ON toolgate_records
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION toolgate_count_records();

CREATE TRIGGER toolgate_records_removed AFTER DELETE ON toolgate_records
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION toolgate_count_records();
