/* SPDX-License-Identifier: MIT */
/*
 * Instants, civil time and time zones. Pure: nothing here reads the clock or the process-wide TZ.
 *
 * An instant is a utc_t: whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted. What is
 * finer says so in its name (`_ms`). Monotonic time is struct mono, so that the two cannot be mixed.
 */
#ifndef BMAD_TIME_H
#define BMAD_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>

typedef int64_t utc_t;

#define UTC_NEVER INT64_MAX

struct mono {
	int64_t ms;
};

/* A date and time of day as a calendar and a clock on a wall show them. */
struct civil {
	int year;
	int month; /* 1-12 */
	int day;   /* 1-31 */
	int hour, minute, second;
};

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t days_from_civil(int year, int month, int day);
void civil_from_days(int64_t days, int *out_year, int *out_month, int *out_day);
int days_in_month(int year, int month);
int weekday_of_days(int64_t days); /* 0 = Sunday */

/* The instant that CIVIL is when read as UTC, and back. */
utc_t utc_from_civil(const struct civil *civil);
void civil_from_utc(utc_t at, struct civil *out_civil);

/* Text forms. Buffers of TIME_TEXT bytes always suffice; each returns OUT. */
#define TIME_TEXT 40
char *utc_format(utc_t at, char out[TIME_TEXT]);          /* 2026-03-08T09:00:00Z; `never` */
char *utc_format_ms(int64_t at_ms, char out[TIME_TEXT]);  /* 2026-03-08T09:00:00.123Z */
char *duration_format(int64_t seconds, char out[TIME_TEXT]); /* 1h30m, 90s, 7d; 0s */
char *date_format(int64_t days, char out[TIME_TEXT]);     /* 2026-03-08 */

/* RFC 3339 instant with `Z` or an offset, or a date alone (its midnight UTC). CONFIG error otherwise. */
struct err *utc_parse(const char *text, utc_t *out_at) MUST_CHECK;
struct err *date_parse(const char *text, int64_t *out_days) MUST_CHECK;

/* `500ms 90s 15m 1h30m 7d`, in milliseconds. CONFIG error otherwise, also when out of range. */
struct err *duration_parse_ms(const char *text, int64_t *out_ms) MUST_CHECK;

/* -- time zones: src/schedule/tz*.c ------------------------------------------------------------ */

struct tz;

struct tz_local {
	struct civil civil;
	int offset;       /* seconds east of UTC */
	const char *abbr; /* borrowed from the zone */
	bool dst;
};

/*
 * The zone of IANA name NAME ("UTC" always works) from the system's tzdata. Loaded once a process and
 * kept; the caller borrows it for ever. CONFIG error for an unknown name, with near names.
 */
struct err *tz_get(const char *name, const struct tz **out_tz) MUST_CHECK;

/* The system's own zone name: /etc/timezone, else the target of /etc/localtime, else "UTC". */
const char *tz_system_name(void);

const char *tz_name(const struct tz *tz);

/* What clocks in TZ show at AT. */
void tz_to_local(const struct tz *tz, utc_t at, struct tz_local *out_local);

/*
 * The instant at which clocks in TZ show CIVIL. One that comes twice is the first; one that does not
 * exist is read with the offset in force before the gap (02:30 -> 03:30).
 */
utc_t tz_to_utc(const struct tz *tz, const struct civil *civil);

/* 2024-11-02T18:00:00-07:00; UTC and zero offsets as `+00:00`, UTC_NEVER as `never`. Returns OUT. */
char *tz_format(const struct tz *tz, utc_t at, char out[TIME_TEXT]);

#endif
