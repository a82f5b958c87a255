/* SPDX-License-Identifier: MIT */
/* Reads the table staffing for one shift of a zone. */
#include "jobs/zone/staffing.h"

#include <string.h>

#include "jobs/zone/measure.h"

#define ROLES_MAX 200
#define HEADS_MAX INT64_C(1000000)

static bool are_heads(int64_t value)
{
	return value >= 0 && value <= HEADS_MAX;
}

static struct err *read_role(
    const struct sql_rows *rows, const struct zone *zone, struct arena *arena, struct staffing *staffing)
{
	struct staffing_role role = {
	    .name = arena_copy(arena, sql_text(rows, 0)),
	    .planned = sql_int(rows, 1),
	    .actual = sql_int(rows, 2),
	    .counted = !sql_is_null(rows, 2),
	};

	if (!are_heads(role.planned) || !are_heads(role.actual))
		return ERR(ERR_PERMANENT,
		    "table staffing, zone %s, role %s: expected 0 to %lld heads, found %lld planned, %lld "
		    "actual",
		    zone->id, role.name, (long long)HEADS_MAX, (long long)role.planned,
		    (long long)role.actual);
	if (staffing->role_count == ROLES_MAX)
		return ERR(ERR_PERMANENT, "table staffing, zone %s: more than %d roles in one shift",
		    zone->id, ROLES_MAX);
	staffing->roles[staffing->role_count++] = role;
	staffing->planned += role.planned;
	staffing->actual += role.actual;
	staffing->counted &= role.counted;
	return NULL;
}

/* By bytes: databases differ in how they order text. */
static int compare_roles(const void *left, const void *right)
{
	const struct staffing_role *a = left, *b = right;

	return strcmp(a->name, b->name);
}

struct err *staffing_load(struct sql *db, const struct zone *zone, const struct shift *shift, utc_t as_of,
    struct arena *arena, struct staffing *out_staffing)
{
	static const char text[] =
	    "/* staffing */ select role, planned, actual from staffing where zone_id = :zone"
	    " and shift_date = :date and shift_type = :type and updated_at <= :as_of";
	static const enum sql_type columns[] = {SQL_TEXT | SQL_REQUIRED, SQL_INT | SQL_REQUIRED, SQL_INT};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("zone", zone->id),
	    SQL_DATE_PARAM("date", shift->date),
	    SQL_TEXT_PARAM("type", shift->type),
	    SQL_INSTANT_PARAM("as_of", as_of),
	};
	struct staffing staffing = {
	    .roles = arena_alloc(arena, ROLES_MAX * sizeof(*staffing.roles)), .counted = true};
	struct sql_rows *rows;

	PASS(sql_query(db, text, params, ARRAY_SIZE(params), columns, ARRAY_SIZE(columns), &rows));
	while (sql_next(rows))
		sql_refuse(rows, read_role(rows, zone, arena, &staffing));
	PASS(sql_close(rows));
	qsort(staffing.roles, staffing.role_count, sizeof(*staffing.roles), compare_roles);
	*out_staffing = staffing;
	return NULL;
}

static void put_actual(struct json *object, int64_t planned, int64_t actual, bool counted)
{
	json_set_int(object, "planned", planned);
	json_set(object, "actual", counted ? json_int(actual) : json_null());
	json_set(object, "gap", counted ? json_int(actual - planned) : json_null());
}

void put_staffing(struct json *data, const struct staffing *staffing)
{
	if (!staffing->role_count) {
		json_set_null(data, "staffing");
		return;
	}
	struct json *object = json_set_object(data, "staffing");
	put_actual(object, staffing->planned, staffing->actual, staffing->counted);
	set_tenths(object, "fill_pct",
	    staffing->counted ? pct_tenths(staffing->actual, staffing->planned) : NO_VALUE);
	struct json *roles = json_set_array(object, "roles");
	for (size_t i = 0; i < staffing->role_count; i++) {
		const struct staffing_role *role = &staffing->roles[i];
		struct json *row = json_add_object(roles);

		json_set_string(row, "role", role->name);
		put_actual(row, role->planned, role->actual, role->counted);
	}
}
