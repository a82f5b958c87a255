/* SPDX-License-Identifier: MIT */
/* Time zones: what clocks show, gaps and overlaps, far years, the reader of TZif files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "schedule/tz.h"

static const struct tz *zone(const char *name)
{
	const struct tz *tz = NULL;
	struct err *e = tz_get(name, &tz);

	if (e)
		fail_msg("%s: %s", name, err_text(e));
	return tz;
}

static utc_t instant(const char *text)
{
	utc_t at;

	assert_null(utc_parse(text, &at));
	return at;
}

/* -- what clocks show --------------------------------------------------------------------------- */

static void clocks_show_the_offset_in_force(void **state)
{
	static const struct {
		const char *zone, *at, *shown, *abbr;
		bool dst;
	} rows[] = {
	    {"UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "UTC", false},
	    {"Etc/UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "UTC", false},
	    {"America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T01:59:59-05:00", "EST", false},
	    {"America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00", "EDT", true},
	    {"America/New_York", "2026-11-01T05:59:59Z", "2026-11-01T01:59:59-04:00", "EDT", true},
	    {"America/New_York", "2026-11-01T06:00:00Z", "2026-11-01T01:00:00-05:00", "EST", false},
	    {"America/New_York", "1970-01-01T00:00:00Z", "1969-12-31T19:00:00-05:00", "EST", false},
	    {"Australia/Lord_Howe", "2026-10-03T15:29:59Z", "2026-10-04T01:59:59+10:30", "+1030", false},
	    {"Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-04T02:30:00+11:00", "+11", true},
	    {"Africa/Cairo", "2026-04-23T22:00:00Z", "2026-04-24T01:00:00+03:00", "EEST", true},
	    {"America/Santiago", "2026-09-06T04:00:00Z", "2026-09-06T01:00:00-03:00", "-03", true},
	    {"Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-29T01:00:00+03:00", "EEST", true},
	    {"Africa/Casablanca", "2025-02-23T01:59:59Z", "2025-02-23T02:59:59+01:00", "+01", false},
	    {"Africa/Casablanca", "2025-02-23T02:00:00Z", "2025-02-23T02:00:00+00:00", "+00", true},
	    {"Africa/Casablanca", "2025-04-06T02:00:00Z", "2025-04-06T03:00:00+01:00", "+01", false},
	    {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T23:59:59-10:00", "-10", true},
	    {"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00", "+14", true},
	    {"America/Havana", "2024-11-03T05:00:00Z", "2024-11-03T00:00:00-05:00", "CST", false},
	    {"Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T05:45:00+05:45", "+0545", false},
	    {"America/St_Johns", "2026-07-01T00:00:00Z", "2026-06-30T21:30:00-02:30", "NDT", true},
	};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tz_local local;

		assert_string_equal(tz_format(zone(rows[i].zone), instant(rows[i].at), text), rows[i].shown);
		tz_to_local(zone(rows[i].zone), instant(rows[i].at), &local);
		assert_string_equal(local.abbr, rows[i].abbr);
		if (strncmp(rows[i].zone, "Africa/Casablanca", 17) != 0) /* some tzdata have it positive */
			assert_int_equal(local.dst, rows[i].dst);
	}
}

static void the_rule_holds_in_years_no_file_lists(void **state)
{
	static const struct {
		const char *zone, *at, *shown;
	} rows[] = {
	    {"America/New_York", "2199-03-10T06:59:59Z", "2199-03-10T01:59:59-05:00"},
	    {"America/New_York", "2199-03-10T07:00:00Z", "2199-03-10T03:00:00-04:00"},
	    {"America/New_York", "2826-03-08T07:00:00Z", "2826-03-08T03:00:00-04:00"},
	    {"America/New_York", "9999-07-01T12:00:00Z", "9999-07-01T08:00:00-04:00"},
	    {"Europe/Dublin", "2500-07-01T12:00:00Z", "2500-07-01T13:00:00+01:00"},
	    {"Europe/Dublin", "2500-01-01T12:00:00Z", "2500-01-01T12:00:00+00:00"},
	    {"Australia/Sydney", "3000-01-01T00:00:00Z", "3000-01-01T11:00:00+11:00"},
	    {"Asia/Jerusalem", "2077-03-25T23:59:59Z", "2077-03-26T01:59:59+02:00"},
	    {"Asia/Jerusalem", "2077-03-26T00:00:00Z", "2077-03-26T03:00:00+03:00"},
	    {"Asia/Tokyo", "9999-12-31T23:59:59Z", "10000-01-01T08:59:59+09:00"},
	};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(tz_format(zone(rows[i].zone), instant(rows[i].at), text), rows[i].shown);
}

static void an_offset_with_seconds_is_shown_as_the_same_instant(void **state)
{
	char text[TIME_TEXT];
	utc_t back;

	(void)state;
	/* Liberia was 44 minutes 30 seconds behind until 1972. */
	tz_format(zone("Africa/Monrovia"), instant("1971-06-01T00:00:00Z"), text);
	assert_string_equal(text, "1971-05-31T23:16:00-00:44");
	assert_null(utc_parse(text, &back));
	assert_int_equal(back, instant("1971-06-01T00:00:00Z"));
}

static void any_instant_can_be_shown(void **state)
{
	static const utc_t extremes[] = {INT64_MIN, INT64_MIN + 1, -1, INT64_MAX - 1, UTC_NEVER};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(extremes); i++) {
		assert_true(strlen(tz_format(zone("America/New_York"), extremes[i], text)) < TIME_TEXT);
		assert_true(strlen(tz_format(zone("Asia/Tokyo"), extremes[i], text)) < TIME_TEXT);
	}
	assert_string_equal(text, "never");
}

/* -- wall time to instant ------------------------------------------------------------------------ */

static void wall_times_become_instants(void **state)
{
	static const struct {
		const char *zone, *wall, *at; /* the wall time is written as if UTC */
	} rows[] = {
	    {"UTC", "2026-03-08T02:30:00Z", "2026-03-08T02:30:00Z"},
	    {"America/New_York", "2026-03-08T01:59:59Z", "2026-03-08T06:59:59Z"},
	    {"America/New_York", "2026-03-08T02:00:00Z", "2026-03-08T07:00:00Z"}, /* gap: 03:00 EDT */
	    {"America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:30:00Z"}, /* gap: 03:30 EDT */
	    {"America/New_York", "2026-03-08T03:00:00Z", "2026-03-08T07:00:00Z"},
	    {"America/New_York", "2026-11-01T00:59:59Z", "2026-11-01T04:59:59Z"},
	    {"America/New_York", "2026-11-01T01:00:00Z", "2026-11-01T05:00:00Z"}, /* twice: the first */
	    {"America/New_York", "2026-11-01T01:59:59Z", "2026-11-01T05:59:59Z"},
	    {"America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T07:00:00Z"},
	    {"America/New_York", "2526-03-08T02:30:00Z", "2526-03-08T07:30:00Z"},
	    {"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:45:00Z"}, /* gap of half an hour */
	    {"Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z"},
	    {"Pacific/Apia", "2011-12-30T06:00:00Z", "2011-12-30T16:00:00Z"}, /* a day that was not */
	    {"Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z"},
	    {"Africa/Cairo", "2026-04-24T00:00:00Z", "2026-04-23T22:00:00Z"},
	    {"America/Havana", "2024-11-03T00:30:00Z", "2024-11-03T04:30:00Z"},
	};
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct civil civil;

		civil_from_utc(instant(rows[i].wall), &civil);
		assert_string_equal(utc_format(tz_to_utc(zone(rows[i].zone), &civil), text), rows[i].at);
	}
}

/* -- all zones ----------------------------------------------------------------------------------- */

static void intervals_follow_each_other(const struct tz *tz)
{
	struct tz_interval interval, again;
	utc_t until = instant("2950-01-01");

	tz_interval_at(tz, INT64_MIN, &interval);
	assert_int_equal(interval.start, INT64_MIN);
	while (interval.end < until) {
		struct tz_interval before = interval;

		tz_interval_next(tz, &interval);
		assert_int_equal(interval.start, before.end);
		assert_int_equal(interval.before, before.offset);
		assert_true(interval.end > interval.start);
		tz_interval_at(tz, interval.start, &again);
		assert_true(again.start == interval.start && again.end == interval.end &&
		            again.offset == interval.offset && again.before == interval.before);
		tz_interval_previous(tz, &again);
		assert_true(
		    again.start == before.start && again.end == before.end && again.offset == before.offset);
	}
}

static void wall_time_leads_back_to_its_instant(const struct tz *tz)
{
	for (utc_t at = 0; at < instant("2100-01-01"); at += 86400 * 11 + 3571) {
		struct tz_local local;
		struct tz_interval interval;

		tz_to_local(tz, at, &local);
		utc_t back = tz_to_utc(tz, &local.civil);
		if (back == at)
			continue;
		/* Only in the second pass of an overlap, and then it is the first one's. */
		tz_interval_at(tz, at, &interval);
		assert_int_equal(back, at - (interval.before - interval.offset));
		assert_true(back < interval.start);
	}
}

static void check_zones_below(const char *folder, const char *prefix, size_t *count)
{
	cleanup(free_text) char *path = mem_format("%s/%s", folder, prefix);
	DIR *entries = opendir(path);
	struct dirent *entry;

	assert_non_null(entries);
	while ((entry = readdir(entries))) {
		cleanup(free_text) char *name = mem_format("%s%s", prefix, entry->d_name);
		cleanup(free_text) char *below = mem_format("%s/", name);

		if (strchr(name, '.') || !strcmp(name, "right") || !strcmp(name, "posix") ||
		    !strcmp(name, "leapseconds"))
			continue;
		if (entry->d_type == DT_DIR) {
			check_zones_below(folder, below, count);
			continue;
		}
		intervals_follow_each_other(zone(name));
		wall_time_leads_back_to_its_instant(zone(name));
		++*count;
	}
	closedir(entries);
}

static void every_zone_of_the_system_is_consistent(void **state)
{
	size_t count = 0;

	(void)state;
	check_zones_below("/usr/share/zoneinfo", "", &count);
	assert_true(count > 300);
}

/* -- names --------------------------------------------------------------------------------------- */

static void a_zone_is_loaded_once(void **state)
{
	(void)state;
	assert_ptr_equal(zone("Europe/Paris"), zone("Europe/Paris"));
	assert_string_equal(tz_name(zone("Europe/Paris")), "Europe/Paris");
}

static void an_unknown_zone_is_an_error_with_a_near_name(void **state)
{
	static const struct {
		const char *name, *near;
	} rows[] = {
	    {"America/Los_Angles", "'America/Los_Angeles'"},
	    {"america/new_york", "'America/New_York'"},
	    {"America/New York", "'America/New_York'"},
	    {"Los_Angeles", "'America/Los_Angeles'"},
	    {"Europe/Pariss", "'Europe/Paris'"},
	    {"utc", "'UTC'"},
	    {"Middle-earth/Shire", "expected a name under"},
	    {"", "expected a name under"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct tz *tz = NULL;
		struct err *e = tz_get(rows[i].name, &tz);

		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		if (!strstr(err_message(e), rows[i].near))
			fail_msg("%s: %s", rows[i].name, err_message(e));
		err_destroy(e);
	}
}

static void no_name_leads_out_of_the_folder_of_zones(void **state)
{
	static const char *const names[] = {"../../../etc/passwd", "/usr/share/zoneinfo/UTC",
	    "America/../UTC", "./UTC", "America", "America/", "America//New_York", "UTC\n", "zone.tab",
	    "Europe/Paris\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct tz *tz = NULL;
		struct err *e = tz_get(names[i], &tz);

		assert_non_null(e);
		assert_null(tz);
		err_destroy(e);
	}
}

static void copy_zone(const char *from, const char *to)
{
	cleanup(free_text) char *command = mem_format("cp /usr/share/zoneinfo/%s %s", from, to);

	assert_int_equal(system(command), 0);
}

static void a_changed_file_is_another_zone_after_a_refresh_and_an_unchanged_one_is_the_same(void **state)
{
	char folder[] = "/tmp/bmad-tz-XXXXXX";
	const struct tz *before, *same, *after;
	struct tz_local local;

	(void)state;
	assert_non_null(mkdtemp(folder));
	cleanup(free_text) char *path = mem_format("%s/Plant", folder);
	copy_zone("Asia/Tokyo", path);
	setenv("TZDIR", folder, 1);
	assert_null(tz_get("Plant", &before));
	tz_refresh();
	assert_null(tz_get("Plant", &same));
	copy_zone("Asia/Kolkata", path);
	assert_null(tz_get("Plant", &after));
	assert_ptr_equal(after, before);
	tz_refresh();
	assert_null(tz_get("Plant", &after));
	unsetenv("TZDIR");
	unlink(path);
	rmdir(folder);

	assert_ptr_equal(same, before);
	assert_ptr_not_equal(after, before);
	tz_to_local(before, 0, &local);
	assert_int_equal(local.offset, 9 * 3600);
	tz_to_local(after, 0, &local);
	assert_int_equal(local.offset, 19800);
}

static void the_system_has_a_zone(void **state)
{
	(void)state;
	assert_non_null(zone(tz_system_name()));
	assert_ptr_equal(tz_system_name(), tz_system_name());
}

/* -- files --------------------------------------------------------------------------------------- */

static void add_u32(struct buf *out, uint32_t value)
{
	unsigned char bytes[] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
	    (unsigned char)(value >> 8), (unsigned char)value};

	buf_add(out, bytes, sizeof(bytes));
}

static void add_header(struct buf *out, char version, uint32_t times, uint32_t types, uint32_t abbrs)
{
	buf_add_text(out, "TZif");
	buf_add_char(out, version);
	buf_add(out, (char[15]){0}, 15);
	add_u32(out, 0);
	add_u32(out, 0);
	add_u32(out, 0);
	add_u32(out, times);
	add_u32(out, types);
	add_u32(out, abbrs);
}

/* A file of version 2 that lists no change: standard time at OFFSET, and FOOTER. */
static void add_file(struct buf *out, int offset, const char *footer)
{
	add_header(out, '2', 0, 0, 0);
	add_header(out, '2', 0, 1, 4);
	add_u32(out, (uint32_t)offset);
	buf_add(out, "\0\0STD", 6);
	buf_format(out, "\n%s\n", footer);
}

static struct tz *zone_of_footer(int offset, const char *footer)
{
	cleanup(buf_done) struct buf file = {0};
	struct tz *tz = NULL;
	struct err *e;

	add_file(&file, offset, footer);
	e = tz_parse("test", file.text, file.length, &tz);
	if (e)
		fail_msg("%s: %s", footer, err_text(e));
	return tz;
}

static void footers_rule_in_all_forms(void **state)
{
	static const struct {
		const char *footer;
		int offset; /* of standard time */
		const char *before,
		    *after; /* the beginning of daylight saving time in 2024, from one second to the next */
	} rows[] = {
	    {"STD5DST,M3.2.0,M11.1.0", -18000, "2024-03-10T01:59:59-05:00", "2024-03-10T03:00:00-04:00"},
	    {"STD5DST,M3.5.0/-1,M11.1.0", -18000, "2024-03-30T22:59:59-05:00", "2024-03-31T00:00:00-04:00"},
	    {"STD5DST,M3.4.4/26,M10.5.0", -18000, "2024-03-29T01:59:59-05:00", "2024-03-29T03:00:00-04:00"},
	    {"<-05>5<-04>4,J60/0,J300/0", -18000, "2024-02-29T23:59:59-05:00", "2024-03-01T01:00:00-04:00"},
	    {"<-05>5<-04>4,59/0,300/0", -18000, "2024-02-28T23:59:59-05:00", "2024-02-29T01:00:00-04:00"},
	    {"<+03>-3<+0430>-4:30,M4.1.1,M9.1.1", 10800, "2024-04-01T01:59:59+03:00",
	        "2024-04-01T03:30:00+04:30"},
	    {"STD-1DST0,M10.5.0,M3.5.0/1", 3600, "2024-10-27T01:59:59+01:00", "2024-10-27T01:00:00+00:00"},
	    {"STD5DST,M2.5.4/167,M11.1.0", -18000, "2024-03-06T22:59:59-05:00", "2024-03-07T00:00:00-04:00"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tz *tz = zone_of_footer(rows[i].offset, rows[i].footer);
		utc_t at = instant(rows[i].before);
		char text[TIME_TEXT];

		assert_string_equal(tz_format(tz, at, text), rows[i].before);
		assert_string_equal(tz_format(tz, at + 1, text), rows[i].after);
		tz_destroy(tz);
	}
}

static void a_footer_can_say_daylight_saving_time_all_year(void **state)
{
	struct tz *tz = zone_of_footer(-18000, "STD5DST,0/0,J365/25");
	struct tz_interval interval;

	(void)state;
	for (utc_t at = instant("2024-01-01T12:00:00Z"); at < instant("2030-01-01"); at += 3600) {
		struct tz_local local;

		tz_to_local(tz, at, &local);
		assert_int_equal(local.offset, -14400);
		assert_true(local.dst);
	}
	tz_interval_at(tz, instant("2000-01-01"), &interval);
	assert_int_equal(interval.end, UTC_NEVER);
	tz_interval_at(tz, instant("9000-01-01"), &interval);
	assert_true(interval.start < instant("2000-01-01"));
	tz_destroy(tz);
}

static void footers_that_are_no_rule_are_refused(void **state)
{
	static const char *const footers[] = {"X5", "STD", "STD5DST", "STD5DST,", "STD5DST,M3.2.0",
	    "STD5DST,M3.2.0,", "STD5DST,M13.1.0,M1.1.0", "STD5DST,M3.6.0,M1.1.0", "STD5DST,M3.0.0,M1.1.0",
	    "STD5DST,M3.1.7,M1.1.0", "STD5DST,J0,J9", "STD5DST,J366,J9", "STD5DST,366,9",
	    "STD5DST,M3.2.0/168,M11.1.0", "STD5DST,M3.2.0/2:60,M11.1.0", "STD25", "STD5DST,M3.2.0,M11.1.0 ",
	    "<STD5", "<>5", "STD99999999999999999999", "5STD",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ5"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(footers); i++) {
		cleanup(buf_done) struct buf file = {0};
		struct tz *tz = NULL;

		add_file(&file, 0, footers[i]);
		struct err *e = tz_parse("test", file.text, file.length, &tz);
		if (!e)
			fail_msg("'%s' was taken", footers[i]);
		assert_int_equal(err_kind(e), ERR_PERMANENT);
		err_destroy(e);
	}
}

/* A file of version 1: two changes in 32 bits, no footer. */
static void files_of_version_1_are_read(void **state)
{
	cleanup(buf_done) struct buf file = {0};
	struct tz *tz;
	struct tz_interval interval;

	(void)state;
	add_header(&file, '\0', 2, 2, 4);
	add_u32(&file, (uint32_t)-1000);
	add_u32(&file, 1000);
	buf_add(&file, "\1\0", 2);
	add_u32(&file, 0);
	buf_add(&file, "\0\0", 2);
	add_u32(&file, 3600);
	buf_add(&file, "\1\0", 2);
	buf_add(&file, "ABC", 4);
	assert_null(tz_parse("test", file.text, file.length, &tz));
	tz_interval_at(tz, 0, &interval);
	assert_int_equal(interval.start, -1000);
	assert_int_equal(interval.end, 1000);
	assert_int_equal(interval.offset, 3600);
	assert_int_equal(interval.before, 0);
	tz_interval_next(tz, &interval);
	assert_int_equal(interval.offset, 0);
	assert_true(interval.end == UTC_NEVER);
	tz_destroy(tz);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	cleanup(buf_done) struct buf file = {0};
	struct tz *tz = NULL;

	(void)state;
	add_file(&file, -18000, "STD5DST,M3.2.0,M11.1.0");
	for (size_t length = 0; length < file.length; length++) {
		char *copy = length ? mem_copy_n(file.text, length) : mem_copy("");
		struct err *e = tz_parse("test", copy, length, &tz);

		assert_non_null(e);
		assert_null(tz);
		err_destroy(e);
		free(copy);
	}
}

static void a_file_that_contradicts_itself_is_refused(void **state)
{
	/* Where a byte of the file below is set to what, and a word of the complaint. */
	static const struct {
		size_t at;
		unsigned char byte;
		const char *complaint;
	} rows[] = {
	    {0, 'X', "header"},
	    {44, 'X', "header"},
	    {44 + 31, 1, "cut off"},
	    {44 + 28, 0xff, "cut off"},
	    {44 + 39, 0, "types"},
	    {44 + 38, 1, "cut off"},
	    {88, 0x7f, "offset"},
	    {93, 4, "abbreviation"},
	    {97, 'X', "abbreviation"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(buf_done) struct buf file = {0};
		struct tz *tz = NULL;

		add_file(&file, 0, "");
		file.text[rows[i].at] = (char)rows[i].byte;
		struct err *e = tz_parse("test", file.text, file.length, &tz);
		if (!e || !strstr(err_message(e), rows[i].complaint))
			fail_msg("row %zu: %s", i, e ? err_message(e) : "taken");
		err_destroy(e);
	}
}

static void zones_that_count_leap_seconds_are_refused(void **state)
{
	const struct tz *tz = NULL;
	struct err *e = tz_get("right/Europe/Paris", &tz);

	(void)state;
	assert_non_null(e); /* refused if there is such a file, unknown if there is none */
	err_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clocks_show_the_offset_in_force),
	    cmocka_unit_test(the_rule_holds_in_years_no_file_lists),
	    cmocka_unit_test(an_offset_with_seconds_is_shown_as_the_same_instant),
	    cmocka_unit_test(any_instant_can_be_shown),
	    cmocka_unit_test(wall_times_become_instants),
	    cmocka_unit_test(every_zone_of_the_system_is_consistent),
	    cmocka_unit_test(a_zone_is_loaded_once),
	    cmocka_unit_test(an_unknown_zone_is_an_error_with_a_near_name),
	    cmocka_unit_test(no_name_leads_out_of_the_folder_of_zones),
	    cmocka_unit_test(
	        a_changed_file_is_another_zone_after_a_refresh_and_an_unchanged_one_is_the_same),
	    cmocka_unit_test(the_system_has_a_zone),
	    cmocka_unit_test(footers_rule_in_all_forms),
	    cmocka_unit_test(a_footer_can_say_daylight_saving_time_all_year),
	    cmocka_unit_test(footers_that_are_no_rule_are_refused),
	    cmocka_unit_test(files_of_version_1_are_read),
	    cmocka_unit_test(a_file_cut_anywhere_is_refused),
	    cmocka_unit_test(a_file_that_contradicts_itself_is_refused),
	    cmocka_unit_test(zones_that_count_leap_seconds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
