/* SPDX-License-Identifier: MIT */
/* When a dispatch begins: dates, times of day, zones and instants, each read as strictly as it is written. */
#include "jobs/dispatch/when.h"

#include <stdio.h>
#include <string.h>

#define NORMAL_MAX 512 /* bytes of a time or a zone; nobody writes more who means one */
#define TICKS      INT64_C(10000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* MIN to MAX digits, and no more of them; moves *AT behind. */
static bool take_number(const char **at, int min, int max, int *out)
{
	int count = 0;

	for (*out = 0; count < max && is_digit(**at); count++)
		*out = 10 * *out + *(*at)++ - '0';
	return count >= min && !is_digit(**at);
}

static bool take_char(const char **at, const char *set)
{
	if (!**at || !strchr(set, **at))
		return false;
	++*at;
	return true;
}

/* YYYY-MM-DD, a date that there is; days and months of at least MIN digits. */
static bool take_date(const char **at, int min, struct civil *out)
{
	if (!take_number(at, 4, 4, &out->year) || !take_char(at, "-") ||
	    !take_number(at, min, 2, &out->month) || !take_char(at, "-") ||
	    !take_number(at, min, 2, &out->day))
		return false;
	return out->year >= 1 && out->month >= 1 && out->month <= 12 && out->day >= 1 &&
	       out->day <= days_in_month(out->year, out->month);
}

/* -- instants ------------------------------------------------------------------------------------------ */

/* :SS and a fraction, both optional. */
static bool take_seconds(const char **at, struct civil *out, int64_t *out_ticks)
{
	int64_t unit = TICKS;

	*out_ticks = 0;
	if (!take_char(at, ":"))
		return true;
	if (!take_number(at, 2, 2, &out->second) || out->second > 59)
		return false;
	if (!take_char(at, ".,"))
		return true;
	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); ++*at)
		*out_ticks += (unit /= 10) * (**at - '0');
	return true;
}

/* Seconds east of UTC; none is UTC. */
static bool take_offset(const char **at, int64_t *out)
{
	bool west = **at == '-';
	int hours, minutes;

	*out = 0;
	if (!**at || take_char(at, "Zz"))
		return true;
	if (!take_char(at, "+-") || !is_digit((*at)[0]) || !is_digit((*at)[1]))
		return false;
	hours = 10 * ((*at)[0] - '0') + (*at)[1] - '0';
	*at += 2;
	take_char(at, ":");
	if (!take_number(at, 2, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*out = (west ? -1 : 1) * (3600 * hours + 60 * minutes);
	return true;
}

static bool read_instant(const char *at, utc_t *out, int64_t *out_ticks)
{
	struct civil civil = {0};
	int64_t offset;

	if (!at || !take_date(&at, 2, &civil) || !take_char(&at, "T "))
		return false;
	if (!take_number(&at, 2, 2, &civil.hour) || civil.hour > 23 || !take_char(&at, ":"))
		return false;
	if (!take_number(&at, 2, 2, &civil.minute) || civil.minute > 59)
		return false;
	if (!take_seconds(&at, &civil, out_ticks) || !take_offset(&at, &offset) || *at)
		return false;
	*out = utc_from_civil(&civil) - offset;
	return true;
}

bool when_ticks(const char *text, int64_t *out_ticks)
{
	utc_t at;
	int64_t fraction;

	if (!read_instant(text, &at, &fraction))
		return false;
	*out_ticks = at * TICKS + fraction;
	return true;
}

/* -- in words ------------------------------------------------------------------------------------------ */

static void tell(const struct civil *civil, const char *zone, char out[WHEN_TEXT])
{
	static const char *const months[] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	snprintf(out, WHEN_TEXT, "%s %02d, %d @ %02d:%02d %s %s", months[civil->month - 1], civil->day,
	    civil->year, civil->hour % 12 ? civil->hour % 12 : 12, civil->minute,
	    civil->hour < 12 ? "AM" : "PM", zone);
}

bool when_instant(const char *text, struct when *out)
{
	struct civil civil;
	int64_t fraction;

	if (!read_instant(text, &out->at, &fraction))
		return false;
	civil_from_utc(out->at, &civil);
	tell(&civil, "UTC", out->text);
	return true;
}

int64_t when_minutes(utc_t now, utc_t at)
{
	int64_t seconds = at - now, minutes = seconds / 60, rest = seconds % 60;

	if (rest < 0) {
		minutes--;
		rest += 60;
	}
	return minutes + (rest > 30 || (rest == 30 && minutes % 2 != 0));
}

/* -- zones --------------------------------------------------------------------------------------------- */

/* By canonical names: not every system still has the US/ ones. */
static const struct zone {
	const char *words[5];
	const char *shown, *name;
} zones[] = {
    {{"EASTERN", "ET", "EST", "EDT"}, "Eastern", "America/New_York"},
    {{"CENTRAL", "CT", "CST", "CDT"}, "Central", "America/Chicago"},
    {{"MOUNTAIN", "MT", "MST", "MDT"}, "Mountain", "America/Denver"},
    {{"PACIFIC", "PT", "PST", "PDT"}, "Pacific", "America/Los_Angeles"},
    {{"ALASKA"}, "Alaska", "America/Anchorage"},
    {{"HAWAII"}, "Hawaii", "Pacific/Honolulu"},
    {{"ARIZONA"}, "Arizona", "America/Phoenix"},
    {{"ALEUTIAN"}, "Aleutian", "America/Adak"},
    {{"EAST-INDIANA"}, "East-Indiana", "America/Indiana/Indianapolis"},
    {{"INDIANA-STARKE"}, "Indiana-Starke", "America/Indiana/Knox"},
    {{"MICHIGAN"}, "Michigan", "America/Detroit"},
    {{"SAMOA"}, "Samoa", "Pacific/Pago_Pago"},
};

static void drop_word(char *text, const char *word)
{
	char *found;

	while ((found = strstr(text, word)))
		memmove(found, found + strlen(word), strlen(found + strlen(word)) + 1);
}

static const struct zone *find_zone(const char *text)
{
	static const char *const dropped[] = {"TIME", "STANDARD", "DAYLIGHT"};
	char word[NORMAL_MAX];
	size_t length = 0;

	for (; *text && length < sizeof(word) - 1; text++)
		if (!strchr(" \t\r\n", *text))
			word[length++] = upper(*text);
	word[length] = '\0';
	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
		drop_word(word, dropped[i]);
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		for (size_t j = 0; zones[i].words[j]; j++)
			if (!strcmp(word, zones[i].words[j]))
				return &zones[i];
	return NULL;
}

/* A local time that there is twice, or not at all, is one of standard time. */
static utc_t standard_time(const struct tz *tz, const struct civil *civil)
{
	utc_t at = tz_to_utc(tz, civil);
	struct tz_local local, later;

	tz_to_local(tz, at, &local);
	tz_to_local(tz, at + 3600, &later);
	bool twice = local.dst && !later.dst && local.civil.hour == later.civil.hour &&
	             local.civil.minute == later.civil.minute;
	return twice ? at + 3600 : at;
}

/* -- times of day -------------------------------------------------------------------------------------- */

enum meridiem { NO_MERIDIEM, AM, PM };

struct clock_time {
	int hour, minute; /* as written, 1 to 12 */
	enum meridiem meridiem;
};

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* Upper case; dots are colons, and two of these one. */
static void normalize(const char *text, char out[NORMAL_MAX])
{
	size_t length = 0;
	bool paired = false;

	for (; *text && length < NORMAL_MAX - 1; text++) {
		char c = *text == '.' ? ':' : upper(*text);

		paired = c == ':' && length && out[length - 1] == ':' && !paired;
		if (!paired)
			out[length++] = c;
	}
	out[length] = '\0';
}

/* :MM or ,MM, and seconds that do not count. */
static void take_minutes(const char **at, int *out)
{
	const char *from = *at;

	if (!take_char(&from, ":,") || !take_number(&from, 2, 2, out)) {
		*out = 0;
		return;
	}
	*at = from;
	int seconds;
	if (take_char(&from, ":,") && take_number(&from, 2, 2, &seconds))
		*at = from;
}

/* 7, 10, 7:30, 10,30, 130 or 1030; the hour of a clock with twelve. */
static bool take_clock(const char **at, struct clock_time *out)
{
	size_t digits = strspn(*at, "0123456789");
	int number;

	*out = (struct clock_time){0};
	if (digits < 1 || digits > 4 || !take_number(at, 1, 4, &number))
		return false;
	out->hour = digits > 2 ? number / 100 : number;
	out->minute = digits > 2 ? number % 100 : 0;
	if (digits <= 2)
		take_minutes(at, &out->minute);
	return out->hour >= 1 && out->hour <= 12 && out->minute <= 59;
}

/* A, AM or what A.M. has become, and no letter behind. */
static void take_meridiem(const char **at, struct clock_time *out)
{
	const char *from = skip_blanks(*at);
	enum meridiem meridiem = *from == 'A' ? AM : *from == 'P' ? PM : NO_MERIDIEM;

	if (meridiem == NO_MERIDIEM)
		return;
	from++;
	if (*from == 'M')
		from++;
	else if (from[0] == ':' && from[1] == 'M')
		from += 2 + (from[2] == ':');
	if (is_letter(*from))
		return;
	out->meridiem = meridiem;
	*at = from;
}

static bool take_until(const char **at)
{
	static const char *const words[] = {"-", "\xE2\x80\x93", "\xE2\x80\x94", "TO", "AND", "UNTIL"};
	const char *from = skip_blanks(*at);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strncmp(from, words[i], strlen(words[i]))) {
			*at = skip_blanks(from + strlen(words[i]));
			return true;
		}
	return false;
}

static int minutes_of(const struct clock_time *time)
{
	return (time->hour % 12 + (time->meridiem == PM ? 12 : 0)) * 60 + time->minute;
}

/* Its own half of the day, else the end's, unless that is over before it has begun. */
static int start_of(struct clock_time start, const struct clock_time *end)
{
	if (start.meridiem == NO_MERIDIEM) {
		start.meridiem = end->meridiem;
		if (minutes_of(&start) > minutes_of(end))
			start.meridiem = end->meridiem == AM ? PM : AM;
	}
	return minutes_of(&start);
}

/* A time or a range that begins at AT: minutes into the day. */
static bool read_here(const char *at, int *out_minutes)
{
	struct clock_time start, end;

	if (!take_clock(&at, &start))
		return false;
	take_meridiem(&at, &start);
	const char *behind = at;
	if (take_until(&behind) && take_clock(&behind, &end)) {
		take_meridiem(&behind, &end);
		if (end.meridiem != NO_MERIDIEM) {
			*out_minutes = start_of(start, &end);
			return true;
		}
	}
	*out_minutes = minutes_of(&start);
	return start.meridiem != NO_MERIDIEM;
}

static bool read_time(const char *text, struct civil *out)
{
	char normal[NORMAL_MAX];
	int minutes;

	normalize(text, normal);
	for (const char *at = normal; *at; at++) {
		bool within = at > normal && (is_digit(at[-1]) || strchr(":,", at[-1]));

		if (within || !read_here(at, &minutes))
			continue;
		out->hour = minutes / 60;
		out->minute = minutes % 60;
		return true;
	}
	return false;
}

bool when_local(const char *date, const char *time, const char *zone, struct when *out)
{
	const struct zone *found = zone ? find_zone(zone) : NULL;
	struct civil civil = {0};
	const struct tz *tz;
	struct tz_local local;

	if (!date || !time || !found || !take_date(&date, 1, &civil) || *date || !read_time(time, &civil))
		return false;
	struct err *e = tz_get(found->name, &tz);
	if (e) {
		err_destroy(e);
		return false;
	}
	out->at = standard_time(tz, &civil);
	tz_to_local(tz, out->at, &local);
	tell(&local.civil, found->shown, out->text);
	return true;
}
