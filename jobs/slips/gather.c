/* SPDX-License-Identifier: MIT */
/* Reads regions, services, plans and the earlier values of changed plans. */
#include "jobs/slips/gather.h"

#include <string.h>

#define WARNINGS_TOLD 20
#define WORD_BITS     64
#define DAY_S         86400

/* -- cells ------------------------------------------------------------------------------------------ */

bool read_instant(const struct sql_value *value, utc_t *out_at)
{
	struct err *e;
	int64_t days;

	if (value->type == SQL_INSTANT || value->type == SQL_DATE) {
		*out_at = value->type == SQL_DATE ? value->integer * DAY_S : value->integer;
		return true;
	}
	if (value->type != SQL_TEXT)
		return false;
	/* A date alone is its midnight; of instants only the one form that the table's text has. */
	if (strlen(value->text) == 10) {
		e = date_parse(value->text, &days);
		*out_at = e ? 0 : days * DAY_S;
	} else {
		e = strlen(value->text) == 20 && value->text[19] == 'Z' ? utc_parse(value->text, out_at)
		                                                        : ERR(ERR_PERMANENT, "another form");
	}
	bool good = !e;
	err_destroy(e);
	return good;
}

bool is_blank(const char *text)
{
	return !text || !text[strspn(text, " \t\r\n\v\f")];
}

static void warn(struct gathered *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A table full of them must not become a log full of them. */
static void warn(struct gathered *g, const char *fmt, ...)
{
	va_list args;

	if (++g->warnings > WARNINGS_TOLD)
		return;
	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	run_warn(g->run, "%s", text);
}

/* The cell as an instant; one that holds something else is told, by ROW's name and COLUMN's. */
static bool instant_cell(
    struct gathered *g, struct sql_rows *rows, size_t column, const char *row, utc_t *out_at)
{
	struct sql_value value = sql_value(rows, column);

	if (value.type == SQL_NULL)
		return false;
	if (read_instant(&value, out_at))
		return true;
	warn(g, "buildables, row %s: '%s' in column %s is no instant: taken as NULL", row,
	    value.type == SQL_TEXT ? value.text : "a value that is no text", sql_column_name(rows, column));
	return false;
}

static const char *text_cell(struct gathered *g, struct sql_rows *rows, size_t column)
{
	return sql_is_null(rows, column) ? "" : arena_copy(&g->arena, sql_text(rows, column));
}

/* -- regions ---------------------------------------------------------------------------------------- */

static struct region *find_region(struct gathered *g, const char *code)
{
	struct region *region;

	HASH_FIND_STR(g->regions, code, region);
	return region;
}

static struct region *add_region(struct gathered *g, const char *code, size_t number)
{
	struct region *region = arena_alloc(&g->arena, sizeof(*region));

	region->code = arena_copy(&g->arena, code);
	region->number = number;
	HASH_ADD_KEYPTR(hh, g->regions, region->code, strlen(region->code), region);
	return region;
}

static const char regions_query[] = "/* slips: regions */ select rip_name, date, instance from buildables"
                                    " where artifact = 'REGION' and version_instance = 0";

/* Only a known future date excludes: a region without one, or without a record, counts as launched. */
static struct err *read_regions(struct gathered *g, struct sql *db, utc_t now)
{
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_ANY, SQL_TEXT | SQL_REQUIRED};
	struct sql_rows *rows;
	utc_t launch;

	PASS(sql_query(db, regions_query, NULL, 0, columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows)) {
		const char *code = sql_text(rows, 0);

		if (!instant_cell(g, rows, 1, sql_text(rows, 2), &launch) || launch <= now ||
		    find_region(g, code))
			continue;
		add_region(g, code, SIZE_MAX);
		run_decide(g->run, "region %s is not launched: its plans are left out", code);
	}
	return sql_close(rows);
}

/* -- services and their plans: one pass, in whatever order they come -------------------------------- */

enum column { NAME, PRETTY, REGION, DATE, PLAN, UPDATED, UPDATER, NOTE, INSTANCE, LATEST, OWNER };

static const char services_query[] =
    "/* slips: services and plans */ select rip_name, name_pretty, belongs_to_instance, date, plan, updated,"
    " updater, note, instance, version_latest, belongs_to_artifact from buildables"
    " where artifact = 'SERVICE' and version_instance = 0";

static struct service *find_service(struct gathered *g, const char *rip_name)
{
	struct service *service;

	HASH_FIND_STR(g->services, rip_name, service);
	return service;
}

static struct service *service_of(struct gathered *g, const char *rip_name)
{
	struct service *service = find_service(g, rip_name);

	if (service)
		return service;
	service = arena_alloc(&g->arena, sizeof(*service));
	service->rip_name = arena_copy(&g->arena, rip_name);
	HASH_ADD_KEYPTR(hh, g->services, service->rip_name, strlen(service->rip_name), service);
	return service;
}

/* Of several rows of metadata the first by name counts, in whatever order they come. */
static void take_metadata(struct gathered *g, struct sql_rows *rows, struct service *service)
{
	const char *instance = sql_text(rows, INSTANCE), *pretty = sql_text(rows, PRETTY);

	if (service->instance && strcmp(service->instance, instance) <= 0)
		return;
	service->instance = arena_copy(&g->arena, instance);
	service->name_pretty = is_blank(pretty) ? service->rip_name : arena_copy(&g->arena, pretty);
}

static bool bit(const uint64_t *bits, size_t words, size_t number)
{
	return number / WORD_BITS < words && bits[number / WORD_BITS] >> number % WORD_BITS & 1;
}

bool has_valid_plan(const struct service *service, size_t region)
{
	return bit(service->valid, service->words, region);
}

static uint64_t *widened(struct gathered *g, const uint64_t *bits, size_t words, size_t wanted)
{
	uint64_t *wider = arena_alloc(&g->arena, wanted * sizeof(*wider));

	if (words)
		memcpy(wider, bits, words * sizeof(*wider));
	return wider;
}

static void set_bits(struct gathered *g, struct service *service, size_t region, bool valid)
{
	size_t word = region / WORD_BITS;
	uint64_t mask = UINT64_C(1) << region % WORD_BITS;

	if (word >= service->words) {
		service->entries = widened(g, service->entries, service->words, word + 1);
		service->valid = widened(g, service->valid, service->words, word + 1);
		service->words = word + 1;
	}
	service->entries[word] |= mask;
	if (valid)
		service->valid[word] |= mask;
}

const char *note_of(const struct service *service, size_t region)
{
	for (const struct plan_note *note = service->notes; note; note = note->next)
		if (note->region == region)
			return note->text;
	return NULL;
}

static void keep_note(struct gathered *g, struct service *service, size_t region, const char *text)
{
	if (is_blank(text))
		return;
	struct plan_note *note = arena_alloc(&g->arena, sizeof(*note));
	*note = (struct plan_note){service->notes, region, arena_copy(&g->arena, text)};
	service->notes = note;
}

static void keep_change(struct gathered *g, struct sql_rows *rows, struct service *service,
    const struct region *region, utc_t date, utc_t updated)
{
	struct change *change = arena_alloc(&g->arena, sizeof(*change));

	change->service = service;
	change->region = region;
	change->version_latest = sql_int(rows, LATEST);
	change->date = date;
	change->updated = updated;
	change->updater = text_cell(g, rows, UPDATER);
	change->note = text_cell(g, rows, NOTE);
	mem_grow(g->changes, g->change_count, g->change_capacity);
	g->changes[g->change_count++] = change;
}

/* The region of a plan, made known if a plan names it for the first time. */
static struct region *region_of(struct gathered *g, const char *code)
{
	struct region *region = find_region(g, code);

	return region ? region : add_region(g, code, g->region_count++);
}

static void take_plan(
    struct gathered *g, struct sql_rows *rows, struct service *service, const struct window *window)
{
	struct region *region = region_of(g, sql_text(rows, REGION));
	const char *row = sql_text(rows, INSTANCE);
	utc_t date = 0, updated = 0;

	service->plans++;
	if (region->number == SIZE_MAX)
		return;
	bool valid = instant_cell(g, rows, DATE, row, &date) && !is_blank(sql_text(rows, PLAN));
	set_bits(g, service, region->number, valid);
	if (!valid) {
		run_decide(g->run, "plan %s is not valid: it has no date or no plan", row);
		keep_note(g, service, region->number, sql_text(rows, NOTE));
		return;
	}
	if (instant_cell(g, rows, UPDATED, row, &updated) && updated >= window->from &&
	    updated < window->until)
		keep_change(g, rows, service, region, date, updated);
	else
		run_decide(g->run, "plan %s was not updated in the window", row);
}

static struct err *read_services(struct gathered *g, struct sql *db, const struct window *window)
{
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_TEXT, SQL_TEXT, SQL_ANY,
	    SQL_TEXT, SQL_ANY, SQL_TEXT, SQL_TEXT, SQL_TEXT | SQL_REQUIRED, SQL_INT, SQL_TEXT};
	struct sql_rows *rows;

	PASS(sql_query(db, services_query, NULL, 0, columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows)) {
		const char *owner = sql_text(rows, OWNER);

		if (!owner)
			take_metadata(g, rows, service_of(g, sql_text(rows, NAME)));
		else if (!strcmp(owner, "REGION") && !sql_is_null(rows, REGION))
			take_plan(g, rows, service_of(g, sql_text(rows, NAME)), window);
	}
	return sql_close(rows);
}

/* Now that all are known: what belongs to services without metadata goes, with a word for each of these. */
static void drop_unknown(struct gathered *g)
{
	struct service *service, *next;
	size_t kept = 0;

	for (size_t i = 0; i < g->change_count; i++)
		if (g->changes[i]->service->instance)
			g->changes[kept++] = g->changes[i];
	g->change_count = kept;
	HASH_ITER(hh, g->services, service, next) {
		if (service->instance)
			continue;
		warn(g, "buildables: service '%s' has no metadata: its plans, %zu, are left out",
		    service->rip_name, service->plans);
		HASH_DEL(g->services, service);
	}
}

static void mark_named(struct gathered *g)
{
	for (struct region *region = g->regions; region; region = region->hh.next)
		for (const struct service *s = g->services; s && !region->named; s = s->hh.next)
			region->named =
			    region->number != SIZE_MAX && bit(s->entries, s->words, region->number);
}

/* -- earlier values --------------------------------------------------------------------------------- */

/*
 * The history of plans that may have changed in the window. :since is a day before it, so that it cuts off
 * the bulk whatever form the table's instants have; which of the rows count is judged here.
 */
#define EARLIER(which)                                                                                       \
	"/* slips: earlier values */ select p.rip_name, p.belongs_to_instance, e.version_instance, e.date, " \
	"e.updated,"                                                                                         \
	" e.instance from buildables p join buildables e on e.artifact = 'SERVICE' and e.rip_name = "        \
	"p.rip_name"                                                                                         \
	" and e.belongs_to_artifact = 'REGION' and e.belongs_to_instance = p.belongs_to_instance and " which \
	" where p.artifact = 'SERVICE' and p.belongs_to_artifact = 'REGION' and p.version_instance = 0"      \
	" and p.updated >= :since"

static const char *const earlier_queries[] = {
    [BASELINE_LAST_CHANGE] = EARLIER(
        "e.version_instance = (select max(h.version_instance) from buildables h where h.artifact = 'SERVICE'"
        " and h.rip_name = p.rip_name and h.belongs_to_artifact = 'REGION'"
        " and h.belongs_to_instance = p.belongs_to_instance"
        " and h.version_instance between 1 and p.version_latest - 1)"),
    [BASELINE_CUTOFF] = EARLIER("e.version_instance between 1 and p.version_latest - 1"),
};

static struct change *index_changes(struct gathered *g)
{
	struct change *index = NULL;

	for (size_t i = 0; i < g->change_count; i++) {
		struct change *change = g->changes[i];

		change->key.service = change->service;
		change->key.region = change->region;
		HASH_ADD(hh, index, key, sizeof(change->key), change);
	}
	return index;
}

static struct change *find_change(
    struct gathered *g, struct change *index, const char *rip_name, const char *code)
{
	struct change *change, probe = {0};

	probe.key.service = find_service(g, rip_name);
	probe.key.region = find_region(g, code);
	HASH_FIND(hh, index, &probe.key, sizeof(probe.key), change);
	return change;
}

/* A row of CHANGE's history: the value before the change if it is newer than what was found so far. */
static void take_earlier(struct gathered *g, struct sql_rows *rows, struct change *change,
    const struct window *window, enum baseline baseline)
{
	int64_t version = sql_int(rows, 2);
	const char *row = sql_text(rows, 5);
	utc_t updated;

	if (version <= change->earlier_version)
		return;
	/* A row of the window itself is no base; one that does not say when it was written counts as old. */
	if (baseline == BASELINE_CUTOFF && instant_cell(g, rows, 4, row, &updated) && updated >= window->from)
		return;
	change->earlier_version = version;
	if (!instant_cell(g, rows, 3, row, &change->earlier))
		change->earlier = UTC_NEVER;
}

static struct err *read_history(struct gathered *g, struct sql *db, const struct window *window,
    enum baseline baseline, struct change *index)
{
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_TEXT | SQL_REQUIRED,
	    SQL_INT | SQL_REQUIRED, SQL_ANY, SQL_ANY, SQL_TEXT | SQL_REQUIRED};
	const struct sql_param params[] = {SQL_DATE_PARAM("since", window->from / DAY_S - 1)};
	struct sql_rows *rows;

	PASS(sql_query(db, earlier_queries[baseline], params, 1, columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows)) {
		struct change *change = find_change(g, index, sql_text(rows, 0), sql_text(rows, 1));

		if (change)
			take_earlier(g, rows, change, window, baseline);
	}
	return sql_close(rows);
}

static void warn_of_gaps(struct gathered *g, enum baseline baseline)
{
	for (size_t i = 0; baseline == BASELINE_LAST_CHANGE && i < g->change_count; i++) {
		const struct change *change = g->changes[i];
		int64_t wanted = change->version_latest - 1;

		if (change->earlier_version && change->earlier_version < wanted)
			warn(g, "buildables: service %s, region %s has no version %lld: compared with %lld",
			    change->service->rip_name, change->region->code, (long long)wanted,
			    (long long)change->earlier_version);
	}
}

static struct err *read_earlier(
    struct gathered *g, struct sql *db, const struct window *window, enum baseline baseline)
{
	struct change *index = index_changes(g);
	struct err *e = index ? read_history(g, db, window, baseline, index) : NULL;

	HASH_CLEAR(hh, index);
	warn_of_gaps(g, baseline);
	return e;
}

/* -- all of it -------------------------------------------------------------------------------------- */

struct err *gather(struct sql *db, const struct window *window, enum baseline baseline, struct gathered *out)
{
	run_step(out->run, "read regions");
	PASS(read_regions(out, db, window->until));
	run_step(out->run, "read services and plans");
	PASS(read_services(out, db, window));
	drop_unknown(out);
	mark_named(out);
	run_step(out->run, "read earlier values");
	PASS(read_earlier(out, db, window, baseline));
	if (out->warnings > WARNINGS_TOLD)
		run_warn(out->run, "... and %zu more rows of buildables that are not as they should be",
		    out->warnings - WARNINGS_TOLD);
	return NULL;
}

struct err *gather_try(struct sql *db, enum baseline baseline)
{
	const char *const queries[] = {regions_query, services_query, earlier_queries[baseline]};
	const struct sql_param params[] = {SQL_DATE_PARAM("since", 0)};
	struct sql_rows *rows;

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		PASS(sql_try(db, queries[i], params, ARRAY_SIZE(params), &rows));
		PASS(sql_close(rows));
	}
	return NULL;
}

void gathered_done(struct gathered *gathered)
{
	HASH_CLEAR(hh, gathered->services);
	HASH_CLEAR(hh, gathered->regions);
	free(gathered->changes);
	arena_done(&gathered->arena);
}
