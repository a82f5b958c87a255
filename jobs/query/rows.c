/* SPDX-License-Identifier: MIT */
/* From cells to JSON. */
#include "jobs/query/rows.h"

#include <string.h>

/* -- parameters ------------------------------------------------------------------------------------- */

static bool as_param(const struct json *value, struct sql_value *out)
{
	*out = (struct sql_value){.type = SQL_NULL};
	switch (json_type(value)) {
	case JSON_STRING:
		*out = (struct sql_value){.type = SQL_TEXT, .text = json_text(value)};
		return true;
	case JSON_BOOL:
		*out = (struct sql_value){.type = SQL_BOOL, .integer = json_true(value)};
		return true;
	case JSON_NUMBER:
		if (json_int64(value, &out->integer))
			out->type = SQL_INT;
		else
			*out = (struct sql_value){.type = SQL_NUMBER, .number = json_double(value)};
		return true;
	default:
		return json_is(value, JSON_NULL);
	}
}

struct err *params_check(const struct json *params)
{
	struct sql_value value;

	if (json_length(params) > QUERY_PARAMS_MAX / 2)
		return ERR(ERR_CONFIG, "params: more than %d", QUERY_PARAMS_MAX / 2);
	for (const struct json *param = json_first(params); param; param = json_next(param))
		if (!as_param(param, &value))
			return ERR(ERR_CONFIG, "params.%s: expected a text, a number, true or false",
			    json_key(param));
	return NULL;
}

void params_add(struct query_params *all, const struct json *params)
{
	for (const struct json *param = json_first(params); param; param = json_next(param)) {
		size_t i = 0;

		while (i < all->count && strcmp(all->items[i].name, json_key(param)) != 0)
			i++;
		if (i == all->count)
			all->count++;
		all->items[i].name = json_key(param);
		as_param(param, &all->items[i].value);
	}
}

/* -- rows ------------------------------------------------------------------------------------------- */

static void put_cell(struct json *row, const char *name, const struct sql_value *value)
{
	char text[TIME_TEXT];

	switch (value->type) {
	case SQL_TEXT:
		json_set_string(row, name, value->text);
		break;
	case SQL_INT:
		json_set_int(row, name, value->integer);
		break;
	case SQL_NUMBER:
		json_set_number(row, name, value->number);
		break;
	case SQL_BOOL:
		json_set_bool(row, name, value->integer != 0);
		break;
	case SQL_INSTANT:
		json_set_instant(row, name, value->integer);
		break;
	case SQL_DATE:
		json_set_string(row, name, date_format(value->integer, text));
		break;
	default:
		json_set_null(row, name);
	}
}

/* A cell is found by its column's name: two of one name would hide each other. */
static struct err *name_columns(struct sql_rows *rows, struct arena *arena, struct query_result *out)
{
	out->columns = sql_columns(rows);
	if (!out->columns)
		return ERR(ERR_PERMANENT, "the query returns no columns, so it is none: a report only reads");
	if (out->columns > QUERY_COLUMNS_MAX)
		return ERR(ERR_PERMANENT, "the query has %zu columns, more than %d", out->columns,
		    QUERY_COLUMNS_MAX);
	for (size_t i = 0; i < out->columns; i++) {
		out->names[i] = arena_copy(arena, sql_column_name(rows, i));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(out->names[i], out->names[j]))
				return ERR(ERR_PERMANENT,
				    "the query has two columns named '%s': name one with `as`",
				    out->names[i]);
	}
	return NULL;
}

/* Ends RESULT. The first error counts. */
static struct err *end_result(struct sql_rows *result, struct err *e)
{
	struct err *closed = sql_close(result);

	if (!e)
		return closed;
	err_ignore(closed);
	return e;
}

struct err *query_try(struct sql *db, const char *text, const struct query_params *params,
    struct arena *arena, struct query_result *out)
{
	struct sql_rows *result;

	*out = (struct query_result){0};
	PASS(sql_try(db, text, params->items, params->count, &result));
	return end_result(result, name_columns(result, arena, out));
}

static void put_row(struct json *rows, const struct sql_rows *result, const struct query_result *out)
{
	struct json *row = json_add_object(rows);

	for (size_t i = 0; i < out->columns; i++) {
		struct sql_value value = sql_value(result, i);

		put_cell(row, out->names[i], &value);
	}
}

struct err *query_rows(struct sql *db, const char *text, const struct query_params *params, size_t most,
    struct arena *arena, struct json *rows, struct query_result *out)
{
	struct sql_rows *result;

	*out = (struct query_result){0};
	PASS(sql_query(db, text, params->items, params->count, NULL, 0, &result));
	struct err *e = name_columns(result, arena, out);
	while (!e && sql_next(result)) {
		out->truncated = out->count == most;
		if (out->truncated)
			break;
		put_row(rows, result, out);
		out->count++;
	}
	return end_result(result, e);
}
