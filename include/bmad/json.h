/* SPDX-License-Identifier: MIT */
/*
 * JSON values: one strict door to cJSON.
 *
 * Strict: the text is UTF-8, ends where the value ends, nests at most JSON_DEPTH deep, has no duplicate
 * keys, no NUL, no number out of a double's range; key look-up minds case; int64 is exact both ways.
 * A value owns what hangs below it: json_destroy() of the root frees all. Adding a value to a container
 * transfers it. Text given is copied, and invalid UTF-8 in it is replaced by U+FFFD.
 * Containers keep the order in which members were added. Running out of memory ends the process (mem.h).
 */
#ifndef BMAD_JSON_H
#define BMAD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>
#include <bmad/time.h>

#define JSON_DEPTH 128

struct json;

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/*
 * Parses LENGTH bytes, which may begin with a byte order mark. PERMANENT error with the line, the byte offset
 * and what was expected. Whole numbers keep all their digits; one of more than 63 characters is refused.
 */
struct err *json_parse(const char *text, size_t length, struct json **out_value) MUST_CHECK;

/* Compact text, NUL-terminated, to be freed with free(). */
char *json_print(const struct json *value);
/* Indented by two blanks, for people. */
char *json_print_pretty(const struct json *value);

struct json *json_object(void);
struct json *json_array(void);
struct json *json_null(void);
struct json *json_bool(bool value);
struct json *json_int(int64_t value);
struct json *json_number(double value);      /* NaN and infinity, which JSON has not, become null */
struct json *json_tenths(int64_t tenths);    /* 955 is 95.5, 960 is 96: exact */
struct json *json_string(const char *text);  /* NULL text: null */
struct json *json_string_n(const char *text, size_t length); /* a NUL in it becomes U+FFFD */
struct json *json_copy(const struct json *value);            /* of NULL: NULL */
void json_destroy(struct json *value);

/* Object members. Setting an existing key replaces it in place. VALUE is taken; NULL becomes null. */
void json_set(struct json *object, const char *key, struct json *value);
void json_set_string(struct json *object, const char *key, const char *text); /* NULL text: null */
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_number(struct json *object, const char *key, double value);
void json_set_bool(struct json *object, const char *key, bool value);
void json_set_null(struct json *object, const char *key);
void json_set_instant(struct json *object, const char *key, utc_t at); /* ...Z form */
void json_set_tenths(struct json *object, const char *key, int64_t tenths); /* as json_tenths() */
/* A new empty object or array at KEY, borrowed from OBJECT. */
struct json *json_set_object(struct json *object, const char *key);
struct json *json_set_array(struct json *object, const char *key);

/* Array items. VALUE is taken. */
void json_add(struct json *array, struct json *value);
void json_add_string(struct json *array, const char *text);
struct json *json_add_object(struct json *array);

/* Changing what is there. PART belongs to ROOT, which is the caller's: the same value, to be written to. */
struct json *json_own(struct json *root, const struct json *part);
void json_change_text(struct json *string, const char *text);
void json_add_first(struct json *array, struct json *value); /* taken */
void json_drop_last(struct json *array, size_t count);
void json_remove(struct json *object, const char *key); /* none of that name: nothing */

/* Reading. `get` of a missing member, or of anything but an object, is NULL; so is NULL's. */
enum json_type json_type(const struct json *value);          /* JSON_NULL for NULL */
bool json_is(const struct json *value, enum json_type type); /* false for NULL */
const struct json *json_get(const struct json *object, const char *key);
size_t json_length(const struct json *container);
const struct json *json_first(const struct json *container); /* first member or item, or NULL */
const struct json *json_next(const struct json *member);     /* the one after, or NULL */
const char *json_key(const struct json *member);             /* NULL outside objects */
const char *json_text(const struct json *value);             /* of a string; NULL for any other */
bool json_true(const struct json *value);
double json_double(const struct json *value);
/* True if VALUE is a whole number that fits. */
bool json_int64(const struct json *value, int64_t *out_value);
/* The whole number at KEY, or 0. */
int64_t json_get_int(const struct json *object, const char *key);

/* By meaning: the order of members does not count, 1 is 1.0. NULL equals NULL only. */
bool json_equal(const struct json *a, const struct json *b);

#define json_each(member, container)                                                                         \
	for (const struct json *member = json_first(container); member; member = json_next(member))

#endif
