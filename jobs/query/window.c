/* SPDX-License-Identifier: MIT */
/* Windows: since the last report, a shift, a day, a duration. */
#include "jobs/query/window.h"

#include <string.h>

#include <bmad/json.h>

#include "jobs/zone/plan.h"

#define DAY_S     86400
#define STATE_KEY "until"

struct err *window_parse(const char *text, struct window_spec *out_spec)
{
	static const struct {
		const char *word;
		enum window_kind kind;
	} words[] = {{"last", WINDOW_LAST}, {"shift", WINDOW_SHIFT}, {"day", WINDOW_DAY}};
	int64_t ms;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i].word)) {
			*out_spec = (struct window_spec){.kind = words[i].kind};
			return NULL;
		}
	struct err *e = duration_parse_ms(text, &ms);
	err_destroy(e);
	if (e || ms < 1000)
		return ERR(ERR_CONFIG,
		    "window: expected last, shift, day or a duration of a second or more such as 8h");
	*out_spec = (struct window_spec){WINDOW_DURATION, ms / 1000};
	return NULL;
}

/* -- the kinds -------------------------------------------------------------------------------------- */

/* The first report looks a day back. */
static struct err *since_last(struct run *run, struct query_window *window)
{
	const struct json *kept;

	window->from = window->until - DAY_S;
	PASS(run_state_get(run, STATE_KEY, &kept));
	if (kept)
		TRY(utc_parse(json_text(kept) ? json_text(kept) : "", &window->from),
		    "read state " STATE_KEY);
	if (window->from > window->until) /* a slot before the last one: by hand, or a clock was set back */
		window->from = window->until;
	return NULL;
}

/* The local day that ended last. */
static void last_day(struct run *run, struct query_window *window)
{
	struct tz_local local;

	tz_to_local(run_tz(run), window->until, &local);
	int64_t today = days_from_civil(local.civil.year, local.civil.month, local.civil.day);
	for (int back = 0; back < 2; back++) {
		struct civil midnight = {0};

		civil_from_days(today - back, &midnight.year, &midnight.month, &midnight.day);
		*(back ? &window->from : &window->until) = tz_to_utc(run_tz(run), &midnight);
	}
}

static struct err *shift_of(struct sql *db, const struct window_spec *spec, const char *zone,
    struct arena *arena, struct query_window *window)
{
	struct zone loaded;
	struct crew crew;

	TRY(zone_load_shifts(db, zone, arena, &loaded), "read the shifts of zone %s", zone);
	struct shift shift =
	    shift_at(&loaded, spec->kind == WINDOW_SHIFT ? window->until : window->until - 1);
	if (spec->kind == WINDOW_SHIFT) { /* the one that ended last */
		shift = shift_before(&loaded, &shift);
		window->from = shift.start;
		window->until = shift.end;
	}
	window->has_shift = true;
	window->shift_date = shift.date;
	window->shift_type = shift.type;
	PASS(crew_load(db, zone, &shift, arena, &crew));
	window->crew = crew.name;
	return NULL;
}

struct err *window_find(struct run *run, struct sql *db, const struct window_spec *spec, const char *zone,
    struct arena *arena, struct query_window *out_window)
{
	struct query_window window = {.until = run_slot(run)};

	window.from = window.until - spec->seconds;
	if (spec->kind == WINDOW_LAST)
		PASS(since_last(run, &window));
	if (spec->kind == WINDOW_DAY)
		last_day(run, &window);
	if (zone)
		PASS(shift_of(db, spec, zone, arena, &window));
	*out_window = window;
	return NULL;
}

void window_keep(struct run *run, const struct query_window *window)
{
	char at[TIME_TEXT];

	run_state_set(run, STATE_KEY, json_string(utc_format(window->until, at)), 0);
}
