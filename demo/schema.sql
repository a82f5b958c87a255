-- The tables that the zone reports read, for SQLite and PostgreSQL alike.
-- An instant (timestamptz) is UTC; in SQLite it is text of the one form 2024-11-03T09:00:00Z, so that
-- the order of text is the order of time. A date is 2024-11-03. Flags are 0 or 1.

CREATE TABLE zone (
    zone_id  text PRIMARY KEY,
    name     text NOT NULL,
    timezone text NOT NULL,                  -- IANA name
    sort     integer NOT NULL DEFAULT 0
);

CREATE TABLE line (
    line_id text PRIMARY KEY,
    zone_id text NOT NULL REFERENCES zone (zone_id),
    name    text NOT NULL,
    sort    integer NOT NULL DEFAULT 0
);

CREATE TABLE station (
    station_id     text PRIMARY KEY,
    line_id        text NOT NULL REFERENCES line (line_id),
    seq            integer NOT NULL,         -- rises in the direction of flow
    name           text NOT NULL,
    ideal_cycle_ms integer NOT NULL CHECK (ideal_cycle_ms > 0),
    is_exit        integer NOT NULL DEFAULT 0 CHECK (is_exit IN (0, 1)),
    is_constraint  integer NOT NULL DEFAULT 0 CHECK (is_constraint IN (0, 1)),
    UNIQUE (line_id, seq)
);

-- A shift ends where the next one of its zone starts.
CREATE TABLE shift_definition (
    zone_id     text NOT NULL REFERENCES zone (zone_id),
    shift_type  text NOT NULL CHECK (shift_type IN ('DAY', 'NIGHT')),
    start_local text NOT NULL,               -- HH:MM
    PRIMARY KEY (zone_id, shift_type)
);

CREATE TABLE crew_calendar (
    zone_id    text NOT NULL REFERENCES zone (zone_id),
    shift_date date NOT NULL,                -- the local date on which the shift starts
    shift_type text NOT NULL CHECK (shift_type IN ('DAY', 'NIGHT')),
    crew       text,
    scheduled  integer NOT NULL DEFAULT 1 CHECK (scheduled IN (0, 1)),
    PRIMARY KEY (zone_id, shift_date, shift_type)
);

-- Planned units of an hour that starts in the local hour start_hour; the latest effective_from holds.
CREATE TABLE hour_target (
    line_id        text NOT NULL REFERENCES line (line_id),
    effective_from date NOT NULL,
    start_hour     integer NOT NULL CHECK (start_hour BETWEEN 0 AND 23),
    target_units   integer NOT NULL CHECK (target_units >= 0),
    PRIMARY KEY (line_id, effective_from, start_hour)
);

-- A unit finishing a step. ts: when it happened; recorded_at: when the row reached the database.
CREATE TABLE unit_event (
    event_id    bigint PRIMARY KEY,
    station_id  text NOT NULL REFERENCES station (station_id),
    unit_id     text NOT NULL,
    product     text NOT NULL,
    ts          timestamptz NOT NULL,
    attempt     integer NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    result      text NOT NULL CHECK (result IN ('PASS', 'FAIL')),
    cycle_ms    integer,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX unit_event_station_ts ON unit_event (station_id, ts);
CREATE INDEX unit_event_station_unit ON unit_event (station_id, unit_id);

CREATE TABLE ncm_event (
    ncm_id      bigint PRIMARY KEY,
    station_id  text NOT NULL REFERENCES station (station_id),
    unit_id     text NOT NULL,
    ts          timestamptz NOT NULL,
    disposition text NOT NULL CHECK (disposition IN ('HOLD', 'REWORK', 'SCRAP')),
    defect_code text NOT NULL,
    qty         integer NOT NULL DEFAULT 1 CHECK (qty >= 1),
    recorded_at timestamptz NOT NULL
);
CREATE INDEX ncm_event_station_ts ON ncm_event (station_id, ts);

CREATE TABLE downtime_event (
    downtime_id bigint PRIMARY KEY,
    station_id  text NOT NULL REFERENCES station (station_id),
    start_ts    timestamptz NOT NULL,
    end_ts      timestamptz,                 -- NULL while the stop is open
    category    text NOT NULL CHECK (category IN ('BREAKDOWN', 'CHANGEOVER', 'MATERIAL', 'QUALITY',
                    'STAFFING', 'MICROSTOP', 'OTHER', 'STARVED', 'BLOCKED', 'PLANNED')),
    reason      text,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX downtime_event_station_start ON downtime_event (station_id, start_ts);

CREATE TABLE staffing (
    zone_id    text NOT NULL REFERENCES zone (zone_id),
    shift_date date NOT NULL,
    shift_type text NOT NULL CHECK (shift_type IN ('DAY', 'NIGHT')),
    role       text NOT NULL,
    planned    integer NOT NULL CHECK (planned >= 0),
    actual     integer CHECK (actual >= 0),  -- NULL until counted
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (zone_id, shift_date, shift_type, role)
);
