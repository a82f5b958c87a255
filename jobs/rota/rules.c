/* SPDX-License-Identifier: MIT */
/* The rota's configuration, judged: names are compared whole, byte for byte. */
#include "jobs/rota/rules.h"

#include <string.h>

#include <bmad/text.h>
#include <bmad/time.h>

#include "jobs/rota/holidays.h"

static bool is_blank_name(const char *name)
{
	return !name || !name[strspn(name, " \t\r\n\v\f")];
}

/* -- groups ----------------------------------------------------------------------------------------- */

static struct err *check_keys(const struct json *object, const char *what, const char *const *keys)
{
	if (!json_is(object, JSON_OBJECT))
		return ERR(ERR_CONFIG, "%s: expected a mapping", what);
	json_each(member, object) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], json_key(member)))
			i++;
		if (!keys[i])
			return ERR(ERR_CONFIG, "%s: unknown key '%s'", what, json_key(member));
	}
	return NULL;
}

static struct err *take_member(struct rules *rules, struct group *group, const struct json *item)
{
	const char *name = json_text(item);

	if (is_blank_name(name))
		return ERR(ERR_CONFIG, "groups: a name in group '%s' is blank", group->name);
	for (size_t g = 0; g < 2; g++)
		for (size_t i = 0; i < rules->groups[g].count; i++)
			if (!strcmp(rules->groups[g].members[i], name))
				return ERR(ERR_CONFIG, "groups: '%s' is listed twice%s", name,
				    &rules->groups[g] == group ? "" : ", in both groups");
	group->members[group->count++] = arena_copy(&rules->arena, name);
	return NULL;
}

static struct err *read_group(struct rules *rules, size_t index, const struct json *value)
{
	static const char *const keys[] = {"name", "members", NULL};
	struct group *group = &rules->groups[index];
	const struct json *members = json_get(value, "members");
	const char *name = json_text(json_get(value, "name"));

	PASS(check_keys(value, "groups", keys));
	if (is_blank_name(name))
		return ERR(ERR_CONFIG, "groups: the name of group %zu is blank", index + 1);
	group->name = arena_copy(&rules->arena, name);
	if (index && !strcmp(rules->groups[0].name, name))
		return ERR(ERR_CONFIG, "groups: both are called '%s'", name);
	if (members && !json_is(members, JSON_ARRAY))
		return ERR(ERR_CONFIG, "groups: members of '%s': expected a list of names", name);
	if (!json_length(members))
		return ERR(ERR_CONFIG, "groups: group '%s' is empty", name);
	group->members = arena_alloc(&rules->arena, json_length(members) * sizeof(*group->members));
	json_each(member, members)
		PASS(take_member(rules, group, member));
	return NULL;
}

static struct err *read_groups(const struct rota_options *options, struct rules *rules)
{
	size_t index = 0;

	if (json_length(options->groups) != 2)
		return ERR(
		    ERR_CONFIG, "groups: expected exactly two groups, not %zu", json_length(options->groups));
	json_each(group, options->groups)
		PASS(read_group(rules, index++, group));
	while (rules->start < 2 && strcmp(rules->groups[rules->start].name, options->start_group))
		rules->start++;
	if (rules->start == 2)
		return ERR(ERR_CONFIG, "start_group: there is no group '%s'; there are '%s' and '%s'",
		    options->start_group, rules->groups[0].name, rules->groups[1].name);
	return NULL;
}

size_t rules_group_of(const struct rules *rules, const char *name)
{
	for (size_t g = 0; g < 2; g++)
		for (size_t i = 0; i < rules->groups[g].count; i++)
			if (!strcmp(rules->groups[g].members[i], name))
				return g;
	return 2;
}

/* -- leave ------------------------------------------------------------------------------------------ */

static struct err *read_date(const struct json *value, const char *what, int64_t *out_day)
{
	const char *text = json_text(value);

	if (!text)
		return ERR(ERR_CONFIG, "%s is missing: expected a date as 2024-08-19", what);
	return ERR_AT(date_parse(text, out_day), "%s", what);
}

static struct err *fault_of(struct err *e, const char *option)
{
	struct err *whole = ERR(ERR_CONFIG, "%s: %s", option, err_text(e));

	err_destroy(e);
	return whole;
}

static struct err *read_absence(struct rules *rules, const struct json *value)
{
	static const char *const keys[] = {"name", "from", "to", NULL};
	struct absence *absence = &rules->absences[rules->absence_count++];
	const char *name = json_text(json_get(value, "name"));

	PASS(check_keys(value, "leave", keys));
	if (!name || rules_group_of(rules, name) == 2)
		return ERR(ERR_CONFIG, "leave: '%s' is in no group", name ? name : "");
	absence->name = arena_copy(&rules->arena, name);
	struct err *e = read_date(json_get(value, "from"), "from", &absence->from);
	if (!e)
		e = read_date(json_get(value, "to"), "to", &absence->to);
	if (e)
		return fault_of(ERR_AT(e, "%s", name), "leave");
	if (absence->to < absence->from)
		return ERR(ERR_CONFIG, "leave: that of '%s' ends (%s) before it begins (%s)", name,
		    json_text(json_get(value, "to")), json_text(json_get(value, "from")));
	return NULL;
}

static struct err *read_absences(const struct rota_options *options, struct rules *rules)
{
	size_t count = json_length(options->leave);

	rules->absences = arena_alloc(&rules->arena, (count + 1) * sizeof(*rules->absences));
	json_each(item, options->leave)
		PASS(read_absence(rules, item));
	return NULL;
}

bool rules_away(const struct rules *rules, const char *name, int64_t day)
{
	for (size_t i = 0; i < rules->absence_count; i++) {
		const struct absence *absence = &rules->absences[i];

		if (absence->from <= day && day <= absence->to && !strcmp(absence->name, name))
			return true;
	}
	return false;
}

/* -- the rest --------------------------------------------------------------------------------------- */

static struct err *read_outputs(const struct rota_options *options, struct rules *rules)
{
	for (size_t i = 0; i < options->output.count; i++) {
		const char *output = options->output.items[i];

		if (!strcmp(output, "ics"))
			rules->outputs |= OUTPUT_ICS;
		else if (!strcmp(output, "google"))
			rules->outputs |= OUTPUT_GOOGLE;
		else
			return ERR(ERR_CONFIG, "output: expected ics or google, not '%s'", output);
	}
	if (!(rules->outputs & OUTPUT_GOOGLE))
		return NULL;
	if (!options->google_api || !options->google_env)
		return ERR(ERR_CONFIG,
		    "google: output google needs google.api, google.calendar_env and google.calendars");
	const char *calendar = json_text(json_get(options->google_calendars, options->google_env));
	if (text_is_empty(calendar))
		return ERR(ERR_CONFIG, "google: calendars has no calendar for calendar_env '%s'",
		    options->google_env);
	if (!strcmp(calendar, "primary"))
		return ERR(ERR_CONFIG, "google: a rota is never written to the calendar 'primary'");
	return NULL;
}

static struct err *check_size(const struct rules *rules)
{
	size_t people = rules->groups[0].count + rules->groups[1].count;

	if (rules->cycles > (int64_t)(ROTA_DAYS_MAX / people))
		return ERR(ERR_CONFIG, "cycles: %lld cycles of %zu days are more than %d days",
		    (long long)rules->cycles, people, ROTA_DAYS_MAX);
	return NULL;
}

struct err *rules_read(const struct rota_options *options, struct rules *out)
{
	*out = (struct rules){.cycles = options->cycles};
	if (is_blank_name(options->id))
		return ERR(ERR_CONFIG, "id: a rota needs a name");
	PASS(read_groups(options, out));
	if (options->cycles < 1)
		return ERR(ERR_CONFIG, "cycles: expected 1 or more, not %lld", (long long)options->cycles);
	PASS(check_size(out));
	struct err *e = date_parse(options->start_date, &out->start_date);
	if (e)
		return fault_of(e, "start_date");
	PASS(read_absences(options, out));
	PASS(holidays_check(&options->holidays));
	return read_outputs(options, out);
}

void rules_done(struct rules *rules)
{
	arena_done(&rules->arena);
}
