/* SPDX-License-Identifier: MIT */
/* The reports, counted from the days as people really work them. */
#include "jobs/rota/reports.h"

#include <string.h>

#include <bmad/time.h>

static const char *const weekdays[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static void set_date(struct json *object, const char *key, int64_t day)
{
	char text[TIME_TEXT];

	json_set_string(object, key, date_format(day, text));
}

void put_rota(struct json *data, const struct rota *rota)
{
	struct json *list = json_set_array(data, "rota");

	for (size_t i = 0; i < rota->count; i++) {
		struct json *item = json_add_object(list);

		set_date(item, "date", rota->days[i].day);
		json_set_string(item, "lead", rota->days[i].lead);
		json_set_string(item, "assist", rota->days[i].assist);
	}
}

/* -- days worked ------------------------------------------------------------------------------------ */

struct tally {
	int64_t lead[7], assist[7], leads, assists, back_to_back;
};

static struct tally count_days(const struct rota *rota, const char *name)
{
	struct tally tally = {0};

	for (size_t i = 0; i < rota->count; i++) {
		const struct rota_day *day = &rota->days[i];
		int weekday = weekday_of_days(day->day);

		if (!strcmp(day->lead, name)) {
			tally.lead[weekday]++;
			tally.leads++;
			tally.back_to_back += i && !strcmp(rota->days[i - 1].assist, name);
		}
		if (!strcmp(day->assist, name)) {
			tally.assist[weekday]++;
			tally.assists++;
		}
	}
	return tally;
}

static void add_count(struct json *list, const char *name, int64_t count)
{
	struct json *pair = json_array();

	json_add_string(pair, name);
	json_add(pair, json_int(count));
	json_add(list, pair);
}

static void put_weekdays(struct json *entry, const char *key, const int64_t counts[7])
{
	struct json *list = json_set_array(entry, key);

	for (int weekday = 0; weekday < 7; weekday++)
		if (counts[weekday])
			add_count(list, weekdays[weekday], counts[weekday]);
}

static void put_person(struct json *report, const struct rota *rota, const char *name)
{
	if (json_get(report, name))
		return;
	struct tally tally = count_days(rota, name);
	struct json *entry = json_set_object(report, name);

	put_weekdays(entry, "lead_workdays", tally.lead);
	put_weekdays(entry, "assist_workdays", tally.assist);
	struct json *totals = json_set_array(entry, "totals");
	add_count(totals, "lead_days", tally.leads);
	add_count(totals, "assist_days", tally.assists);
	add_count(totals, "grand_total", tally.leads + tally.assists);
	json_set_int(entry, "back_to_back", tally.back_to_back);
}

void put_days_worked(struct json *data, const struct rota *rota, const struct rules *rules)
{
	struct json *report = json_set_object(data, "days_worked");

	for (size_t g = 0; g < 2; g++)
		for (size_t i = 0; i < rules->groups[g].count; i++)
			put_person(report, rota, rules->groups[g].members[i]);
	for (size_t i = 0; i < rota->count; i++) {
		put_person(report, rota, rota->days[i].lead);
		put_person(report, rota, rota->days[i].assist);
	}
}

/* -- config ----------------------------------------------------------------------------------------- */

void put_config(struct json *data, const struct rota *rota, const struct rules *rules,
    const char *calendar_env, const char *calendar, int64_t seed)
{
	struct json *config = json_set_object(data, "config");
	struct json *range = json_set_object(config, "date_range");

	set_date(range, "start", rota->days[0].day);
	set_date(range, "end", rota->days[rota->count - 1].day);
	json_set_int(range, "n_cycles", rules->cycles);
	json_set_int(range, "total_days", (int64_t)rota->count);
	struct json *place = json_set_object(config, "calendar");
	json_set_string(place, "env", calendar_env);
	json_set_string(place, "id", calendar);
	json_set_int(config, "seed", seed);
}
