/* SPDX-License-Identifier: MIT */
/*
 * Records: C structures on the wire, described by field tables.
 *
 * What passes between processes is a structure; its table says which members there are, and one coder
 * writes and reads them all. Whole numbers are int64_t, so a table row is a name and an offset.
 * Reading trusts nothing: lengths are checked against what is there and lists against what memory they
 * would take, so garbage is an error and never a crash.
 */
#ifndef REQUEST_RECORD_H
#define REQUEST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/err.h>

#include "base/buf.h"
#include "base/mem.h"

enum record_kind {
	RECORD_INT,    /* int64_t */
	RECORD_NUMBER, /* double */
	RECORD_BOOL,   /* bool */
	RECORD_TEXT,   /* const char *, may be NULL */
	RECORD_BYTES,  /* const char * with a size_t; NUL-terminated besides */
	RECORD_LIST,   /* array of records with a size_t */
	RECORD_ONE,    /* pointer to one record, may be NULL */
};

struct record_field {
	const char *name;
	enum record_kind kind;
	size_t offset;
	size_t count_offset;           /* BYTES, LIST */
	const struct record_type *item; /* LIST, ONE */
};

struct record_type {
	const char *name;
	size_t size;
	const struct record_field *fields;
	size_t count;
};

#define FIELD_INT(type, member)    {#member, RECORD_INT, offsetof(struct type, member), 0, NULL}
#define FIELD_NUMBER(type, member) {#member, RECORD_NUMBER, offsetof(struct type, member), 0, NULL}
#define FIELD_BOOL(type, member)   {#member, RECORD_BOOL, offsetof(struct type, member), 0, NULL}
#define FIELD_TEXT(type, member)   {#member, RECORD_TEXT, offsetof(struct type, member), 0, NULL}
#define FIELD_BYTES(type, member, length)                                                                    \
	{#member, RECORD_BYTES, offsetof(struct type, member), offsetof(struct type, length), NULL}
#define FIELD_LIST(type, member, number, item_type)                                                          \
	{#member, RECORD_LIST, offsetof(struct type, member), offsetof(struct type, number), &(item_type)}
#define FIELD_ONE(type, member, item_type)                                                                   \
	{#member, RECORD_ONE, offsetof(struct type, member), 0, &(item_type)}

/* Defines `const struct record_type TYPE_record` from the fields that follow. */
#define RECORD(type, ...)                                                                                    \
	static const struct record_field type##_fields[] = {__VA_ARGS__};                                    \
	const struct record_type type##_record = {#type, sizeof(struct type), type##_fields,                  \
	    sizeof(type##_fields) / sizeof(type##_fields[0])}

/* Appends RECORD to OUT. */
void record_write(const struct record_type *type, const void *record, struct buf *out);

/*
 * Reads one record that fills BYTES exactly into OUT_RECORD. Texts and bytes point into BYTES, lists are
 * in ARENA. BUG error naming type and field when it does not fit; OUT_RECORD is then undefined.
 */
struct err *record_read(const struct record_type *type, const char *bytes, size_t length, struct arena *arena,
    void *out_record) MUST_CHECK;

#endif
