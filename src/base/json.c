/* SPDX-License-Identifier: MIT */
/* JSON values: making, changing, reading and comparing them. Parsing is json_parse.c, printing json_print.c.
 */
#include <bmad/json.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_node.h"
#include "base/mem.h"
#include "base/text.h"

/* Out of memory ends the process inside cJSON too, so that none of its results has to be checked. */
__attribute__((constructor)) static void use_own_allocation(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = mem_alloc, .free_fn = free});
}

/* -- making ---------------------------------------------------------------------------------------- */

struct json *json_object(void)
{
	return value_of(cJSON_CreateObject());
}

struct json *json_array(void)
{
	return value_of(cJSON_CreateArray());
}

struct json *json_null(void)
{
	return value_of(cJSON_CreateNull());
}

struct json *json_bool(bool value)
{
	return value_of(cJSON_CreateBool(value));
}

struct json *json_number(double value)
{
	return isfinite(value) ? value_of(cJSON_CreateNumber(value)) : json_null();
}

struct json *json_int(int64_t value)
{
	cJSON *number = cJSON_CreateNumber((double)value);

	if (value > EXACT_MAX || value < -EXACT_MAX)
		number->valuestring = mem_format("%lld", (long long)value);
	return value_of(number);
}

struct json *json_tenths(int64_t tenths)
{
	uint64_t digits = tenths < 0 ? 0 - (uint64_t)tenths : (uint64_t)tenths;

	if (digits % 10 == 0)
		return json_int(tenths / 10);
	cJSON *number = cJSON_CreateNumber((double)tenths / 10);
	if (digits > EXACT_MAX)
		number->valuestring = mem_format("%s%llu.%llu", tenths < 0 ? "-" : "",
		    (unsigned long long)(digits / 10), (unsigned long long)(digits % 10));
	return value_of(number);
}

/* A copy that a JSON string can hold: valid UTF-8 without NUL. */
static char *clean_copy(const char *text, size_t length)
{
	struct buf clean = {0};

	if (!length)
		return mem_copy("");
	if (!memchr(text, '\0', length) && utf8_valid(text, length))
		return mem_copy_n(text, length);
	while (length) {
		size_t part = strnlen(text, length);

		utf8_add(&clean, text, part);
		if (part < length)
			utf8_add(&clean, "\xff", 1); /* no UTF-8: comes out as the replacement character */
		part += part < length;
		text += part;
		length -= part;
	}
	return buf_detach(&clean);
}

struct json *json_string_n(const char *text, size_t length)
{
	cJSON *string = cJSON_CreateNull();

	string->type = cJSON_String;
	string->valuestring = clean_copy(text, length);
	return value_of(string);
}

struct json *json_string(const char *text)
{
	return text ? json_string_n(text, strlen(text)) : json_null();
}

struct json *json_copy(const struct json *value)
{
	cJSON *copy = cJSON_Duplicate(const_node(value), true);

	if (copy) { /* it is no member any more */
		free(copy->string);
		copy->string = NULL;
	}
	return value_of(copy);
}

void json_destroy(struct json *value)
{
	cJSON_Delete(node(value));
}

/* -- changing -------------------------------------------------------------------------------------- */

void json_set(struct json *object, const char *key, struct json *value)
{
	cleanup(free_text) char *clean = clean_copy(key, strlen(key));
	cJSON *item = value ? node(value) : cJSON_CreateNull();

	assert(json_is(object, JSON_OBJECT));
	cJSON *old = cJSON_GetObjectItemCaseSensitive(node(object), clean);
	if (!old) {
		cJSON_AddItemToObject(node(object), clean, item);
		return;
	}
	item->string = clean;
	clean = NULL;
	cJSON_ReplaceItemViaPointer(node(object), old, item);
}

void json_set_string(struct json *object, const char *key, const char *text)
{
	json_set(object, key, json_string(text));
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
	json_set(object, key, json_int(value));
}

void json_set_number(struct json *object, const char *key, double value)
{
	json_set(object, key, json_number(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	json_set(object, key, json_bool(value));
}

void json_set_null(struct json *object, const char *key)
{
	json_set(object, key, NULL);
}

void json_set_instant(struct json *object, const char *key, utc_t at)
{
	char text[TIME_TEXT];

	json_set(object, key, json_string(utc_format(at, text)));
}

void json_set_tenths(struct json *object, const char *key, int64_t tenths)
{
	json_set(object, key, json_tenths(tenths));
}

struct json *json_set_object(struct json *object, const char *key)
{
	struct json *child = json_object();

	json_set(object, key, child);
	return child;
}

struct json *json_set_array(struct json *object, const char *key)
{
	struct json *child = json_array();

	json_set(object, key, child);
	return child;
}

void json_add(struct json *array, struct json *value)
{
	assert(json_is(array, JSON_ARRAY));
	cJSON_AddItemToArray(node(array), value ? node(value) : cJSON_CreateNull());
}

void json_add_string(struct json *array, const char *text)
{
	json_add(array, json_string(text));
}

struct json *json_add_object(struct json *array)
{
	struct json *child = json_object();

	json_add(array, child);
	return child;
}

/* -- changing what is there ------------------------------------------------------------------------ */

struct json *json_own(struct json *root, const struct json *part)
{
	(void)root; /* who may write to it may write to its parts */
	return (struct json *)(uintptr_t)part;
}

void json_change_text(struct json *string, const char *text)
{
	char *copy = clean_copy(text, strlen(text));

	free(node(string)->valuestring);
	node(string)->valuestring = copy;
}

void json_add_first(struct json *array, struct json *value)
{
	cJSON_InsertItemInArray(node(array), 0, node(value));
}

void json_drop_last(struct json *array, size_t count)
{
	while (count-- && node(array)->child)
		json_destroy(value_of(cJSON_DetachItemViaPointer(node(array), node(array)->child->prev)));
}

void json_remove(struct json *object, const char *key)
{
	json_destroy(value_of(cJSON_DetachItemFromObjectCaseSensitive(node(object), key)));
}

/* -- reading --------------------------------------------------------------------------------------- */

enum json_type json_type(const struct json *value)
{
	switch (value ? const_node(value)->type & 0xff : cJSON_NULL) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

bool json_is(const struct json *value, enum json_type type)
{
	return value && json_type(value) == type;
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!json_is(object, JSON_OBJECT))
		return NULL;
	return value_of(cJSON_GetObjectItemCaseSensitive(const_node(object), key));
}

size_t json_length(const struct json *container)
{
	size_t length = 0;

	json_each(member, container) length++;
	return length;
}

const struct json *json_first(const struct json *container)
{
	return container ? value_of(const_node(container)->child) : NULL;
}

const struct json *json_next(const struct json *member)
{
	return value_of(const_node(member)->next);
}

const char *json_key(const struct json *member)
{
	return member ? const_node(member)->string : NULL;
}

const char *json_text(const struct json *value)
{
	return json_is(value, JSON_STRING) ? const_node(value)->valuestring : NULL;
}

bool json_true(const struct json *value)
{
	return cJSON_IsTrue(const_node(value));
}

double json_double(const struct json *value)
{
	return json_is(value, JSON_NUMBER) ? const_node(value)->valuedouble : 0;
}

static bool exact_int64(const char *text, int64_t *out_value)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || *end)
		return false;
	*out_value = value;
	return true;
}

bool json_int64(const struct json *value, int64_t *out_value)
{
	if (!json_is(value, JSON_NUMBER))
		return false;
	if (const_node(value)->valuestring)
		return exact_int64(const_node(value)->valuestring, out_value);
	double number = const_node(value)->valuedouble;
	if (number != trunc(number) || number < -0x1p63 || number >= 0x1p63)
		return false;
	*out_value = (int64_t)number;
	return true;
}

int64_t json_get_int(const struct json *object, const char *key)
{
	int64_t value = 0;

	json_int64(json_get(object, key), &value);
	return value;
}

/* -- comparing ------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

const cJSON **json_sorted_members(const cJSON *object, size_t count)
{
	const cJSON **members = mem_alloc(count * sizeof(*members));
	size_t i = 0;

	for (const cJSON *member = object->child; member; member = member->next)
		members[i++] = member;
	qsort(members, count, sizeof(*members), by_key);
	return members;
}

static bool equal_numbers(const struct json *a, const struct json *b)
{
	const char *a_exact = const_node(a)->valuestring, *b_exact = const_node(b)->valuestring;
	int64_t a_int, b_int;

	if (a_exact && b_exact)
		return !strcmp(a_exact, b_exact);
	if (json_int64(a, &a_int) && json_int64(b, &b_int))
		return a_int == b_int;
	return json_double(a) == json_double(b);
}

static bool equal_arrays(const struct json *a, const struct json *b)
{
	const struct json *in_b = json_first(b);

	json_each(in_a, a)
	{
		if (!in_b || !json_equal(in_a, in_b))
			return false;
		in_b = json_next(in_b);
	}
	return !in_b;
}

/* The order of members does not matter. */
static bool equal_objects(const struct json *a, const struct json *b)
{
	size_t count = json_length(a);

	if (count != json_length(b))
		return false;
	const cJSON **in_a = json_sorted_members(const_node(a), count);
	const cJSON **in_b = json_sorted_members(const_node(b), count);
	bool equal = true;
	for (size_t i = 0; equal && i < count; i++)
		equal = !strcmp(in_a[i]->string, in_b[i]->string) &&
		        json_equal((const struct json *)in_a[i], (const struct json *)in_b[i]);
	free(in_a);
	free(in_b);
	return equal;
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (!a || !b || json_type(a) != json_type(b))
		return a == b;
	switch (json_type(a)) {
	case JSON_BOOL:
		return json_true(a) == json_true(b);
	case JSON_NUMBER:
		return equal_numbers(a, b);
	case JSON_STRING:
		return !strcmp(json_text(a), json_text(b));
	case JSON_ARRAY:
		return equal_arrays(a, b);
	case JSON_OBJECT:
		return equal_objects(a, b);
	case JSON_NULL:
		break;
	}
	return true;
}
