/* SPDX-License-Identifier: MIT */
/*
 * TZif files (RFC 9636): a header, tables of fixed size, in versions from 2 on all of that again with
 * 64-bit times, and a footer. The bytes are not trusted: sizes are checked before anything is read.
 */
#include "schedule/tz.h"

#include <assert.h>
#include <string.h>

#include "schedule/tz_data.h"

#define HEADER_SIZE 44
#define TYPE_SIZE   6
#define RULE_MAX    255
#define LATEST      INT64_C(32503680000) /* the year 3000: no list of changes has any business there */

struct reader {
	const char *name; /* of the zone, for errors */
	const unsigned char *at;
	const unsigned char *end;
};

/* A header and where its tables are; times have TIME_SIZE bytes. */
struct tables {
	unsigned char version;
	uint64_t time_size;
	uint64_t ut_count, standard_count, leap_count, time_count, type_count, abbr_size;
	const unsigned char *times, *indices, *types, *abbrs;
};

#define BAD(reader, ...) bad((reader), mem_format(__VA_ARGS__))

static struct err *bad(const struct reader *reader, char *what)
{
	struct err *e = ERR(ERR_PERMANENT, "zone '%s': %s", reader->name, what);

	free(what);
	assert(e); /* analysers do not know that there is always an error */
	return e;
}

static size_t left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static uint32_t read_u32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t read_time(const struct tables *tables, uint64_t index)
{
	const unsigned char *bytes = tables->times + index * tables->time_size;

	if (tables->time_size == 4)
		return (int32_t)read_u32(bytes);
	return (int64_t)((uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4));
}

static struct err *read_header(struct reader *reader, uint64_t time_size, struct tables *tables)
{
	const unsigned char *bytes = reader->at;

	if (left(reader) < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0)
		return BAD(reader, "no TZif file (expected its header)");
	*tables = (struct tables){
	    .version = bytes[4],
	    .time_size = time_size,
	    .ut_count = read_u32(bytes + 20),
	    .standard_count = read_u32(bytes + 24),
	    .leap_count = read_u32(bytes + 28),
	    .time_count = read_u32(bytes + 32),
	    .type_count = read_u32(bytes + 36),
	    .abbr_size = read_u32(bytes + 40),
	};
	reader->at += HEADER_SIZE;
	return NULL;
}

/* Passes over the tables that the header announced, noting where those are that we use. */
static struct err *read_tables(struct reader *reader, struct tables *tables)
{
	const struct tables t = *tables;
	uint64_t size = t.time_count * (t.time_size + 1) + t.type_count * TYPE_SIZE + t.abbr_size +
	                t.leap_count * (t.time_size + 4) + t.standard_count + t.ut_count;

	if (size > left(reader))
		return BAD(reader, "cut off: %llu bytes of tables announced, %zu there",
		    (unsigned long long)size, left(reader));
	tables->times = reader->at;
	tables->indices = tables->times + t.time_count * t.time_size;
	tables->types = tables->indices + t.time_count;
	tables->abbrs = tables->types + t.type_count * TYPE_SIZE;
	reader->at += size;
	return NULL;
}

/* The tables with the widest times that the file has. */
static struct err *read_best_tables(struct reader *reader, struct tables *tables)
{
	PASS(read_header(reader, 4, tables));
	PASS(read_tables(reader, tables));
	if (tables->version < '2')
		return NULL;
	PASS(read_header(reader, 8, tables));
	return read_tables(reader, tables);
}

static struct err *check_counts(const struct reader *reader, const struct tables *tables)
{
	if (tables->leap_count)
		return BAD(reader, "counts leap seconds, which instants here do not (expected one without)");
	if (tables->type_count < 1 || tables->type_count > 256)
		return BAD(reader, "%u local time types (expected 1 to 256)", (unsigned)tables->type_count);
	return NULL;
}

static struct err *add_types(const struct reader *reader, const struct tables *tables, struct tz *tz)
{
	for (uint64_t i = 0; i < tables->type_count; i++) {
		const unsigned char *bytes = tables->types + i * TYPE_SIZE;
		int32_t offset = (int32_t)read_u32(bytes);
		const char *abbr = (const char *)tables->abbrs + bytes[5];

		if (offset <= -TZ_OFFSET_MAX || offset >= TZ_OFFSET_MAX)
			return BAD(reader, "offset of %d seconds (expected less than 26 hours)", (int)offset);
		if (bytes[5] >= tables->abbr_size || !memchr(abbr, '\0', tables->abbr_size - bytes[5]))
			return BAD(reader, "abbreviation %u runs out of its table", (unsigned)bytes[5]);
		tz->types[i] = (struct tz_type){
		    .offset = offset, .dst = bytes[4] != 0, .abbr = arena_copy(&tz->arena, abbr)};
	}
	tz->type_count = tables->type_count;
	tz->count = 0;
	tz_add_span(tz, INT64_MIN, 0); /* before the first change the first type holds */
	return NULL;
}

static struct err *add_spans(const struct reader *reader, const struct tables *tables, struct tz *tz)
{
	for (uint64_t i = 0; i < tables->time_count; i++) {
		int64_t at = read_time(tables, i);

		if (tables->indices[i] >= tables->type_count)
			return BAD(reader, "change %u is to type %u of %u", (unsigned)i, tables->indices[i],
			    (unsigned)tables->type_count);
		if (at > LATEST || (i > 0 && at <= read_time(tables, i - 1)))
			return BAD(reader, "change %u is out of order", (unsigned)i);
		tz_add_span(tz, at, tables->indices[i]);
	}
	return NULL;
}

/* A newline, a POSIX TZ string (or nothing: the last type holds for ever), a newline. */
static struct err *add_footer(const struct reader *reader, struct tz *tz)
{
	const unsigned char *text, *end;
	char rule[RULE_MAX + 1];

	if (!left(reader) || *reader->at != '\n')
		return BAD(reader, "no footer");
	text = reader->at + 1;
	end = memchr(text, '\n', left(reader) - 1);
	if (!end)
		return BAD(reader, "the footer has no end");
	size_t length = (size_t)(end - text);
	if (length == 0)
		return NULL;
	if (length > RULE_MAX)
		return BAD(reader, "a footer of %zu bytes", length);
	memcpy(rule, text, length);
	rule[length] = '\0';
	if (!tz_add_rule(tz, rule))
		return BAD(reader, "footer '%s' is no POSIX TZ rule", rule);
	return NULL;
}

static struct err *fill(struct reader *reader, struct tz *tz)
{
	struct tables tables = {0};

	PASS(read_best_tables(reader, &tables));
	PASS(check_counts(reader, &tables));
	PASS(add_types(reader, &tables, tz));
	PASS(add_spans(reader, &tables, tz));
	if (tables.version < '2')
		return NULL;
	return add_footer(reader, tz);
}

struct err *tz_parse(const char *name, const void *bytes, size_t length, struct tz **out_tz)
{
	struct reader reader = {name, bytes, (const unsigned char *)bytes + length};
	struct tz *tz = tz_create(name, 0, "UTC");
	struct err *e = fill(&reader, tz);

	if (e) {
		tz_destroy(tz);
		return e;
	}
	*out_tz = tz;
	return NULL;
}
