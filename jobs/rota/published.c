/* SPDX-License-Identifier: MIT */
/* The published rota: read and written as JSON; where it is carried on; what was changed by hand. */
#include "jobs/rota/published.h"

#include <string.h>

#include <bmad/text.h>
#include <bmad/time.h>

/* -- reading ---------------------------------------------------------------------------------------- */

static int64_t int_at(const struct json *object, const char *key)
{
	int64_t number = 0;

	json_int64(json_get(object, key), &number);
	return number;
}

static const char *text_at(struct published *p, const struct json *object, const char *key)
{
	return arena_copy(&p->arena, json_text(json_get(object, key)));
}

static struct err *day_at(const struct json *object, const char *key, int64_t *out_day)
{
	const char *text = json_text(json_get(object, key));

	return text ? date_parse(text, out_day) : ERR(ERR_PERMANENT, "'%s' is missing", key);
}

static struct err *read_days(struct published *p, const struct json *list, struct rota *out)
{
	out->days = arena_alloc(&p->arena, (json_length(list) + 1) * sizeof(*out->days));
	json_each(item, list) {
		struct rota_day *day = &out->days[out->count++];

		PASS(day_at(item, "date", &day->day));
		day->lead = text_at(p, item, "lead");
		day->assist = text_at(p, item, "assist");
		day->block = int_at(item, "block");
		day->sequence = int_at(item, "sequence");
		if (!day->lead || !day->assist)
			return ERR(ERR_PERMANENT, "a day has no pair");
	}
	return NULL;
}

static struct err *read_overrides(struct published *p, const struct json *list)
{
	/* With room for what one run adds: a swap of both roles. */
	p->overrides = arena_alloc(&p->arena, (json_length(list) + 4) * sizeof(*p->overrides));
	json_each(item, list) {
		struct override *override = &p->overrides[p->override_count++];

		PASS(day_at(item, "date", &override->day));
		override->role =
		    text_equal(json_text(json_get(item, "role")), "lead") ? ROLE_LEAD : ROLE_ASSIST;
		override->name = text_at(p, item, "name");
		override->forced = json_true(json_get(item, "forced"));
		if (!override->name)
			return ERR(ERR_PERMANENT, "a change by hand names nobody");
	}
	return NULL;
}

static struct err *read_start(struct published *p, const struct json *made, const struct rules *rules)
{
	const char *first = json_text(json_get(made, "first"));

	PASS(day_at(made, "from", &p->start.day));
	p->start.first = text_equal(first, rules->groups[1].name) ? 1 : 0;
	p->start.block = int_at(made, "block");
	for (size_t g = 0; g < 2; g++)
		p->start.before[g] = text_at(p, json_get(made, "before"), rules->groups[g].name);
	p->seed = int_at(made, "seed");
	return NULL;
}

struct err *published_read(const struct json *value, const struct rules *rules, struct published *out)
{
	*out = (struct published){0};
	struct err *e = read_overrides(out, json_get(value, "overrides"));
	if (!value)
		return e;
	out->id = text_at(out, value, "id");
	out->complete = json_true(json_get(value, "complete"));
	if (!e)
		e = read_days(out, json_get(value, "rota"), &out->rota);
	if (!e)
		e = read_days(out, json_get(value, "gone"), &out->gone);
	if (!e)
		e = read_start(out, json_get(value, "made"), rules);
	return ERR_AT(e, "read the published rota");
}

void published_done(struct published *published)
{
	arena_done(&published->arena);
}

/* -- writing ---------------------------------------------------------------------------------------- */

static void set_date(struct json *object, const char *key, int64_t day)
{
	char text[TIME_TEXT];

	json_set_string(object, key, date_format(day, text));
}

static void put_days(struct json *value, const char *key, const struct rota *rota)
{
	struct json *list = json_set_array(value, key);

	for (size_t i = 0; i < rota->count; i++) {
		struct json *item = json_add_object(list);

		set_date(item, "date", rota->days[i].day);
		json_set_string(item, "lead", rota->days[i].lead);
		json_set_string(item, "assist", rota->days[i].assist);
		json_set_int(item, "block", rota->days[i].block);
		json_set_int(item, "sequence", rota->days[i].sequence);
	}
}

static void put_start(struct json *value, const struct published *p, const struct rules *rules)
{
	struct json *made = json_set_object(value, "made");

	set_date(made, "from", p->start.day);
	json_set_string(made, "first", rules->groups[p->start.first].name);
	json_set_int(made, "block", p->start.block);
	json_set_int(made, "seed", p->seed);
	struct json *before = json_set_object(made, "before");
	for (size_t g = 0; g < 2; g++)
		json_set_string(before, rules->groups[g].name, p->start.before[g]);
}

struct json *published_json(const struct published *p, const struct rules *rules)
{
	struct json *value = json_object();

	json_set_string(value, "id", p->id);
	json_set_bool(value, "complete", p->complete);
	put_start(value, p, rules);
	put_days(value, "rota", &p->rota);
	put_days(value, "gone", &p->gone);
	struct json *list = json_set_array(value, "overrides");
	for (size_t i = 0; i < p->override_count; i++) {
		struct json *item = json_add_object(list);

		set_date(item, "date", p->overrides[i].day);
		json_set_string(item, "role", p->overrides[i].role == ROLE_LEAD ? "lead" : "assist");
		json_set_string(item, "name", p->overrides[i].name);
		json_set_bool(item, "forced", p->overrides[i].forced);
	}
	return value;
}

/* -- where a part begins ---------------------------------------------------------------------------- */

/* How many published days are before DAY. */
static size_t days_before(const struct published *p, int64_t day)
{
	size_t count = 0;

	while (count < p->rota.count && p->rota.days[count].day < day)
		count++;
	return count;
}

/* The first of the published days from AT on that begins a block; their count: none does. */
static size_t next_border(const struct published *p, size_t at)
{
	while (at && at < p->rota.count && p->rota.days[at].block == p->rota.days[at - 1].block)
		at++;
	return at;
}

/* The group whose turn it is after KEPT days; people may have come and gone since. */
static size_t turn_after(const struct published *p, const struct rules *rules, size_t kept)
{
	for (size_t i = kept; i-- > 0 && p->rota.days[i].block == p->rota.days[kept - 1].block;) {
		size_t leading = rules_group_of(rules, p->rota.days[i].lead);
		size_t helping = rules_group_of(rules, p->rota.days[i].assist);

		if (leading < 2)
			return 1 - leading;
		if (helping < 2)
			return helping;
	}
	return rules->start;
}

static const char *last_assist(
    const struct published *p, const struct rules *rules, size_t kept, size_t group)
{
	for (size_t i = kept; i-- > 0;)
		if (rules_group_of(rules, p->rota.days[i].assist) == group)
			return p->rota.days[i].assist;
	return NULL;
}

static void carry_on_from(const struct published *p, const struct rules *rules, struct rota_start *out_start)
{
	const struct rota *rota = &p->rota;
	size_t inside = days_before(p, rules->start_date);
	size_t kept = inside && inside < rota->count ? next_border(p, inside) : rota->count;

	*out_start = (struct rota_start){
	    .day = kept < rota->count ? rota->days[kept].day : rota->days[rota->count - 1].day + 1,
	    .first = turn_after(p, rules, kept),
	    .block = rota->days[kept - 1].block + 1,
	};
	for (size_t g = 0; g < 2; g++)
		out_start->before[g] = last_assist(p, rules, kept, g);
}

void published_start(const struct published *p, const struct rules *rules, bool carry_on,
    struct rota_start *out_start, bool *out_uneven)
{
	*out_uneven = false;
	if (carry_on && p->rota.count) {
		if (p->complete)
			carry_on_from(p, rules, out_start);
		else
			*out_start = p->start; /* the run that began this part did not come to its end */
		return;
	}
	size_t kept = days_before(p, rules->start_date);
	*out_start = (struct rota_start){
	    .day = rules->start_date,
	    .first = rules->start,
	    .block = kept ? p->rota.days[kept - 1].block + 1 : 0,
	};
	*out_uneven = kept && kept < p->rota.count && next_border(p, kept) != kept;
}

/* -- changes by hand -------------------------------------------------------------------------------- */

static const char **place_of(struct rota_day *day, enum rota_role role)
{
	return role == ROLE_LEAD ? &day->lead : &day->assist;
}

static void warn_dropped(
    const struct override *override, const char *why, void (*warn)(void *arg, const char *text), void *arg)
{
	char date[TIME_TEXT];
	cleanup(free_text) char *text = mem_format("the change by hand of %s (%s) is dropped: %s",
	    date_format(override->day, date), override->name, why);

	warn(arg, text);
}

/* Puts the names in their places; those whose day is new and who are no more are left out. */
static void apply_overrides(struct published *p, const struct rules *rules, int64_t from,
    void (*warn)(void *arg, const char *text), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->override_count; i++) {
		struct override override = p->overrides[i];
		size_t at = rota_find(&p->rota, override.day);
		const char *why = at == p->rota.count                         ? "the rota has no such day"
		                  : rules_group_of(rules, override.name) == 2 ? "nobody of that name is in it"
		                                                              : NULL;
		if (override.day >= from && why) {
			warn_dropped(&override, why, warn, arg);
			continue;
		}
		p->overrides[kept++] = override;
		if (override.day >= from)
			*place_of(&p->rota.days[at], override.role) = override.name;
	}
	p->override_count = kept;
}

static struct err *check_overrides(const struct published *p, const struct rules *rules, int64_t from)
{
	for (size_t i = 0; i < p->override_count; i++) {
		const struct override *override = &p->overrides[i];
		size_t at = rota_find(&p->rota, override->day);

		if (override->day < from || override->forced || at == p->rota.count)
			continue;
		TRY(rota_check_day(&p->rota, rules, at),
		    "a change by hand breaks a rule of the new rota (--force keeps it)");
	}
	return NULL;
}

/* -- a new part ------------------------------------------------------------------------------------- */

static const struct rota_day *find_day(const struct rota *rota, int64_t day)
{
	size_t at = rota_find(rota, day);

	return at < rota->count ? &rota->days[at] : NULL;
}

static bool same_pair(const struct rota_day *a, const struct rota_day *b)
{
	return !strcmp(a->lead, b->lead) && !strcmp(a->assist, b->assist);
}

static void count_changes(struct rota *now, const struct rota *was, const struct rota *gone)
{
	for (size_t i = 0; i < now->count; i++) {
		const struct rota_day *before = find_day(was, now->days[i].day);

		if (!before)
			before = find_day(gone, now->days[i].day);
		if (before)
			now->days[i].sequence = before->sequence + !same_pair(before, &now->days[i]);
	}
}

/* Days of A and B that NOW has not, by date. */
static struct rota leftover(
    const struct rota *a, const struct rota *b, const struct rota *now, struct arena *arena)
{
	struct rota out = {arena_alloc(arena, (a->count + b->count + 1) * sizeof(*out.days)), 0};

	for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
		bool first = j == b->count || (i < a->count && a->days[i].day <= b->days[j].day);
		const struct rota_day *day = first ? &a->days[i++] : &b->days[j++];

		if (!find_day(now, day->day) && (!out.count || out.days[out.count - 1].day != day->day))
			out.days[out.count++] = *day;
	}
	return out;
}

struct err *published_replace(struct published *p, const struct rules *rules, const struct rota_start *start,
    const struct rota *part, bool force, void (*warn)(void *arg, const char *text), void *arg)
{
	size_t kept = days_before(p, part->days[0].day);
	struct rota now = {
	    arena_alloc(&p->arena, (kept + part->count) * sizeof(*now.days)), kept + part->count};
	struct rota was = p->rota;

	if (kept)
		memcpy(now.days, was.days, kept * sizeof(*now.days));
	memcpy(now.days + kept, part->days, part->count * sizeof(*now.days));
	p->rota = now;
	apply_overrides(p, rules, part->days[0].day, warn, arg);
	if (!force)
		PASS(check_overrides(p, rules, part->days[0].day));
	count_changes(&p->rota, &was, &p->gone);
	p->gone = leftover(&was, &p->gone, &p->rota, &p->arena);
	p->start = *start;
	return NULL;
}

/* -- swap and cover --------------------------------------------------------------------------------- */

static struct err *find_published(const struct published *p, int64_t day, struct rota_day **out)
{
	size_t at = rota_find(&p->rota, day);
	char text[TIME_TEXT];

	if (at == p->rota.count)
		return ERR(ERR_CONFIG, "the published rota has no day %s", date_format(day, text));
	*out = &p->rota.days[at];
	return NULL;
}

/* The newest change of a place is the one that holds. */
static void note_override(
    struct published *p, const struct rota_day *day, enum rota_role role, const char *name, bool force)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->override_count; i++)
		if (p->overrides[i].day != day->day || p->overrides[i].role != role)
			p->overrides[kept++] = p->overrides[i];
	p->overrides[kept++] = (struct override){day->day, role, arena_copy(&p->arena, name), force};
	p->override_count = kept;
}

static struct err *read_role(const char *role, enum rota_role *out)
{
	*out = text_equal(role, "assist") ? ROLE_ASSIST : ROLE_LEAD;
	if (text_equal(role, "lead") || text_equal(role, "assist"))
		return NULL;
	return ERR(ERR_CONFIG, "role '%s': expected lead or assist", role);
}

static void swap_role(
    struct published *p, struct rota_day *a, struct rota_day *b, enum rota_role role, bool force)
{
	const char *kept = *place_of(a, role);

	*place_of(a, role) = *place_of(b, role);
	*place_of(b, role) = kept;
	note_override(p, a, role, *place_of(a, role), force);
	note_override(p, b, role, *place_of(b, role), force);
}

/* What --force would pass over. */
static struct err *check_change(const struct published *p, const struct rules *rules, size_t at)
{
	struct err *fault = rota_check_day(&p->rota, rules, at);
	struct err *told =
	    fault ? ERR(ERR_CONFIG, "%s; --force does it all the same", err_message(fault)) : NULL;

	err_destroy(fault);
	return told;
}

static struct err *settle_change(struct published *p, const struct rules *rules, struct rota_day *day,
    const struct rota_day *was, bool force)
{
	if (!force)
		PASS(check_change(p, rules, (size_t)(day - p->rota.days)));
	day->sequence += !same_pair(day, was);
	return NULL;
}

struct err *published_swap(
    struct published *p, const struct rules *rules, int64_t day, int64_t other, const char *role, bool force)
{
	struct rota_day *a, *b;
	enum rota_role which = ROLE_LEAD;

	if (day == other)
		return ERR(ERR_CONFIG, "swap takes two different days");
	if (role)
		PASS(read_role(role, &which));
	PASS(find_published(p, day, &a));
	PASS(find_published(p, other, &b));
	struct rota_day a_was = *a, b_was = *b;
	swap_role(p, a, b, which, force);
	if (!role)
		swap_role(p, a, b, ROLE_ASSIST, force);
	PASS(settle_change(p, rules, a, &a_was, force));
	return settle_change(p, rules, b, &b_was, force);
}

struct err *published_cover(struct published *p, const struct rules *rules, int64_t day, const char *role,
    const char *name, bool force)
{
	struct rota_day *found;
	enum rota_role which;

	PASS(read_role(role, &which));
	PASS(find_published(p, day, &found));
	if (rules_group_of(rules, name) == 2)
		return ERR(ERR_CONFIG, "nobody in the rota is called '%s'", name);
	struct rota_day was = *found;
	*place_of(found, which) = arena_copy(&p->arena, name);
	note_override(p, found, which, name, force);
	return settle_change(p, rules, found, &was, force);
}
