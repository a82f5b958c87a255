/* SPDX-License-Identifier: MIT */
/* Records of dispatches: what both vendors have. */
#include "jobs/dispatch/vendor.h"

#include <string.h>

#include <bmad/text.h>

#include "jobs/dispatch/note.h"

const char *status_name(enum status status)
{
	static const char *const names[STATUSES] = {
	    "requested", "confirmed", "on_site", "cancelled", "completed", "other"};

	return names[status];
}

struct err *field_text(const struct json *record, const char *field, const char **out_text)
{
	const struct json *value = json_get(record, field);

	if (json_type(value) != JSON_NULL && json_type(value) != JSON_STRING)
		return ERR(ERR_PERMANENT, "'%s' is no text", field);
	*out_text = json_text(value);
	return NULL;
}

struct err *field_line(
    const struct json *record, const char *field, struct arena *arena, const char **out_line)
{
	const char *text;

	PASS(field_text(record, field, &text));
	const char *line = on_one_line(text, arena);
	*out_line = *line ? line : NULL;
	return NULL;
}

/* Digits and nothing else, or a positive whole number. NULL: some other team's way to name what it works on.
 */
static struct err *read_ticket(
    const struct json *record, const char *field, struct arena *arena, const char **out_ticket)
{
	const struct json *value = json_get(record, field);
	int64_t number = 0;
	const char *text;

	*out_ticket = NULL;
	if (json_is(value, JSON_NUMBER)) {
		if (!json_int64(value, &number) || number <= 0)
			return ERR(ERR_PERMANENT, "'%s' is no positive whole number", field);
		*out_ticket = arena_format(arena, "%lld", (long long)number);
		return NULL;
	}
	PASS(field_text(record, field, &text));
	if (!text_is_empty(text) && !text[strspn(text, "0123456789")])
		*out_ticket = arena_copy(arena, text);
	return NULL;
}

static enum status status_of(const struct vendor *vendor, const char *text)
{
	for (int status = 0; text && status < STATUS_OTHER; status++)
		for (const char *const *word = vendor->statuses[status]; *word; word++)
			if (!strcmp(*word, text))
				return (enum status)status;
	return STATUS_OTHER;
}

static struct err *read_head(
    const struct vendor *vendor, const struct json *record, struct arena *arena, struct dispatch *out)
{
	const char *status;

	*out = (struct dispatch){0};
	if (!json_is(record, JSON_OBJECT))
		return ERR(ERR_PERMANENT, "the record is no object");
	PASS(field_line(record, vendor->number_field, arena, &out->number));
	if (!out->number)
		return ERR(ERR_PERMANENT, "'%s' is missing or blank", vendor->number_field);
	TRY(field_text(record, vendor->status_field, &status), "dispatch %s", out->number);
	out->status = status_of(vendor, status);
	return NULL;
}

static struct err *read_rest(
    const struct vendor *vendor, const struct json *record, struct arena *arena, struct dispatch *out)
{
	TRY(read_ticket(record, vendor->ticket_field, arena, &out->ticket), "dispatch %s", out->number);
	if (!out->ticket)
		return NULL;
	TRY(vendor->read(record, arena, out), "dispatch %s", out->number);
	return NULL;
}

struct err *dispatch_read(
    const struct vendor *vendor, const struct json *record, struct arena *arena, struct dispatch *out)
{
	PASS(read_head(vendor, record, arena, out));
	if (out->status == STATUS_REQUESTED || out->status >= STATUS_COMPLETED)
		return NULL; /* nobody acts on it */
	return read_rest(vendor, record, arena, out);
}

struct err *dispatch_read_all(
    const struct vendor *vendor, const struct json *record, struct arena *arena, struct dispatch *out)
{
	PASS(read_head(vendor, record, arena, out));
	return read_rest(vendor, record, arena, out);
}
