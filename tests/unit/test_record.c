/* SPDX-License-Identifier: MIT */
/* Records on the wire: every request comes back as it went, and garbage is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "request/request.h"

/* -- records with random content ------------------------------------------------------------------------- */

/* A generator of its own, so that a failure comes back with every run. */
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % below;
}

static char *random_text(struct arena *arena, size_t length, bool nuls)
{
	char *text = arena_alloc(arena, length + 1);

	for (size_t i = 0; i < length; i++)
		text[i] = (char)(nuls ? draw(256) : 1 + draw(255));
	return text;
}

static void fill(const struct record_type *type, char *record, struct arena *arena);

static void *fill_some(const struct record_type *type, size_t count, struct arena *arena)
{
	char *records = arena_alloc(arena, count * type->size);

	for (size_t i = 0; i < count; i++)
		fill(type, records + i * type->size, arena);
	return count ? records : NULL;
}

static void fill_field(const struct record_field *field, char *record, struct arena *arena)
{
	void *member = record + field->offset;
	void *count = record + field->count_offset;
	size_t length = draw(4);
	int64_t number = (int64_t)(draw(UINT64_C(1) << 31) << 33) * (draw(2) ? 1 : -1);
	double fraction = (double)number / 7;
	const void *pointer = NULL;

	switch (field->kind) {
	case RECORD_INT:
		memcpy(member, &number, sizeof(number));
		return;
	case RECORD_NUMBER:
		memcpy(member, &fraction, sizeof(fraction));
		return;
	case RECORD_BOOL:
		*(bool *)member = draw(2);
		return;
	case RECORD_TEXT:
		pointer = length ? random_text(arena, draw(40), false) : NULL;
		break;
	case RECORD_BYTES:
		length = draw(300);
		pointer = length < 30 ? NULL : random_text(arena, length, true);
		length = pointer ? length : 0;
		memcpy(count, &length, sizeof(length));
		break;
	case RECORD_LIST:
		pointer = fill_some(field->item, length, arena);
		memcpy(count, &length, sizeof(length));
		break;
	case RECORD_ONE:
		pointer = fill_some(field->item, draw(2), arena);
		break;
	}
	memcpy(member, &pointer, sizeof(pointer));
}

static void fill(const struct record_type *type, char *record, struct arena *arena)
{
	for (size_t i = 0; i < type->count; i++)
		fill_field(&type->fields[i], record, arena);
}

/* Every record that stands in the table of requests, with a random one written to OUT. */
#define each_record(type)                                                                                    \
	for (size_t row_ = 1; row_ < (size_t)2 * REQ_KINDS; row_++)                                          \
		for (const struct record_type *type = row_ % 2 ? request_types[row_ / 2].request             \
		                                               : request_types[row_ / 2].reply;              \
		     type; type = NULL)

static void write_random(const struct record_type *type, struct buf *out)
{
	cleanup(arena_done) struct arena arena = {0};
	char *record = arena_alloc(&arena, type->size);

	fill(type, record, &arena);
	record_write(type, record, out);
}

static struct err *read_back(
    const struct record_type *type, const char *bytes, size_t length, struct buf *out)
{
	cleanup(arena_done) struct arena arena = {0};
	void *record = arena_alloc(&arena, type->size);
	struct err *e = record_read(type, bytes, length, &arena, record);

	if (!e && out)
		record_write(type, record, out);
	return e;
}

static void assert_ok(struct err *e)
{
	if (e)
		fail_msg("%s", err_text(e));
}

static void every_request_and_reply_comes_back_as_it_was_written(void **state)
{
	size_t seen = 0;

	(void)state;
	seed = 1;
	each_record(type)
	{
		for (int round = 0; round < 50; round++) {
			cleanup(buf_done) struct buf wire = {0};
			cleanup(buf_done) struct buf again = {0};

			write_random(type, &wire);
			assert_ok(read_back(type, wire.text, wire.length, &again));
			assert_int_equal(again.length, wire.length);
			assert_memory_equal(again.text, wire.text, wire.length);
		}
		seen++;
	}
	assert_true(seen > REQ_KINDS);
}

/* The same bytes in memory of their own, so that reading beyond them is found by the sanitizer. */
static struct err *read_exactly(const struct record_type *type, const char *bytes, size_t length)
{
	cleanup(free_text) char *copy = malloc(length ? length : 1);

	memcpy(copy, bytes, length);
	return read_back(type, copy, length, NULL);
}

static void a_record_cut_short_anywhere_is_an_error_that_names_type_and_field(void **state)
{
	(void)state;
	seed = 2;
	each_record(type)
	{
		cleanup(buf_done) struct buf wire = {0};

		write_random(type, &wire);
		for (size_t length = 0; length < wire.length; length++) {
			struct err *e = read_exactly(type, wire.text, length);

			assert_non_null(e);
			assert_int_equal(err_kind(e), ERR_BUG);
			assert_non_null(strstr(err_text(e), type->name));
			err_destroy(e);
		}
	}
}

static void bytes_after_the_end_are_an_error(void **state)
{
	cleanup(buf_done) struct buf wire = {0};
	struct err *e;

	(void)state;
	record_write(&start_record, &(struct start){.run = 7}, &wire);
	buf_add_char(&wire, 'x');
	e = read_back(&start_record, wire.text, wire.length, NULL);
	assert_string_equal(err_text(e), "1 bytes after the end of start");
	err_destroy(e);
}

static void garbage_at_any_byte_is_an_error_or_another_record_but_never_more(void **state)
{
	static const unsigned char bytes[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};

	(void)state;
	seed = 3;
	each_record(type)
	{
		cleanup(buf_done) struct buf wire = {0};

		write_random(type, &wire);
		for (size_t at = 0; at < wire.length; at++)
			for (size_t i = 0; i < sizeof(bytes); i++) {
				char before = wire.text[at];

				wire.text[at] = (char)bytes[i];
				err_ignore(read_exactly(type, wire.text, wire.length));
				wire.text[at] = before;
			}
	}
}

static void a_list_longer_than_its_bytes_is_refused_before_memory_is_taken_for_it(void **state)
{
	cleanup(buf_done) struct buf wire = {0};
	uint32_t count = 0xfffffff0;
	struct err *e;

	(void)state;
	buf_add(&wire, &count, sizeof(count));
	buf_add(&wire, "0123456789", 10);
	e = read_back(&wake_record, wire.text, wire.length, NULL);
	assert_string_equal(err_text(e), "read channels of wake: 4294967280 items in 10 bytes");
	err_destroy(e);
}

static void lists_may_not_take_more_memory_than_the_cap(void **state)
{
	/* No name is 4 bytes on the wire and 8 in memory. */
	uint32_t count = (256 << 20) / 8 + 1;
	size_t length = sizeof(count) + (size_t)count * 4;
	cleanup(free_text) char *bytes = malloc(length);
	struct err *e;

	(void)state;
	memset(bytes, 0xff, length);
	memcpy(bytes, &count, sizeof(count));
	e = read_back(&wake_record, bytes, length, NULL);
	assert_non_null(e);
	assert_non_null(strstr(err_text(e), "items take more than 256 MiB"));
	err_destroy(e);
}

struct nest {
	struct nest *inner;
};

static const struct record_type nest_record;
static const struct record_field nest_fields[] = {
    {"inner", RECORD_ONE, offsetof(struct nest, inner), 0, &nest_record},
};
static const struct record_type nest_record = {"nest", sizeof(struct nest), nest_fields, 1};

static void a_type_that_holds_itself_cannot_nest_without_end(void **state)
{
	char bytes[1000];
	struct err *e;

	(void)state;
	memset(bytes, 1, sizeof(bytes));
	e = read_back(&nest_record, bytes, sizeof(bytes), NULL);
	assert_non_null(e);
	assert_non_null(strstr(err_message(e), "records within records deeper than 16"));
	err_destroy(e);
}

static void a_nul_within_a_text_is_an_error_but_not_within_bytes(void **state)
{
	struct new_message message = {.id = "abc", .payload = "x\0y", .payload_length = 3};
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf wire = {0};
	struct new_message back;
	struct err *e;

	(void)state;
	record_write(&new_message_record, &message, &wire);
	assert_ok(record_read(&new_message_record, wire.text, wire.length, &arena, &back));
	assert_int_equal(back.payload_length, 3);
	assert_memory_equal(back.payload, "x\0y", 4);
	assert_null(back.channel);
	wire.text[5] = '\0';
	e = record_read(&new_message_record, wire.text, wire.length, &arena, &back);
	assert_string_equal(err_text(e), "read id of new_message: a NUL within a text");
	err_destroy(e);
}

static void texts_are_read_where_they_lie(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf wire = {0};
	struct state_ask back;

	(void)state;
	record_write(&state_ask_record, &(struct state_ask){.job = "zone1", .key = "last"}, &wire);
	assert_ok(record_read(&state_ask_record, wire.text, wire.length, &arena, &back));
	assert_string_equal(back.job, "zone1");
	assert_ptr_equal(back.job, wire.text + 4);
	assert_null(arena.blocks);
}

/* -- the tables ------------------------------------------------------------------------------------------ */

static size_t field_size(const struct record_field *field)
{
	return field->kind == RECORD_BOOL ? 1 : 8;
}

/* A member that a table forgets would silently be 0 on the other side. */
static void assert_covered(const struct record_type *type)
{
	cleanup(free_text) char *covered = calloc(1, type->size);
	size_t gap = 0;

	for (size_t i = 0; i < type->count; i++) {
		const struct record_field *field = &type->fields[i];

		memset(covered + field->offset, 1, field_size(field));
		if (field->kind == RECORD_BYTES || field->kind == RECORD_LIST)
			memset(covered + field->count_offset, 1, sizeof(size_t));
		if (field->item)
			assert_covered(field->item);
	}
	for (size_t i = 0; i < type->size; i++) {
		gap = covered[i] ? 0 : gap + 1;
		if (gap == 8)
			fail_msg("%s: no field for the member at %zu", type->name, i - 7);
	}
}

static void tables_leave_no_member_out(void **state)
{
	(void)state;
	each_record(type) assert_covered(type);
}

static void every_kind_has_its_row(void **state)
{
	(void)state;
	for (int kind = 1; kind < REQ_KINDS; kind++) {
		assert_non_null(request_types[kind].name);
		assert_non_null(request_types[kind].request);
	}
}

/* -- errors ---------------------------------------------------------------------------------------------- */

static void a_traceback_crosses_the_wire_whole(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf wire = {0};
	struct err *e = ERR_AT(ERR(ERR_UNCERTAIN, "no answer after %d bytes", 12), "post the report");
	int line = err_frame(e, 0)->line;
	struct error_record back;

	(void)state;
	record_write(&error_record_record, error_to_record(e, &arena), &wire);
	err_destroy(e);
	assert_ok(record_read(&error_record_record, wire.text, wire.length, &arena, &back));
	e = error_from_record(&back);
	assert_int_equal(err_kind(e), ERR_UNCERTAIN);
	assert_string_equal(err_text(e), "post the report: no answer after 12 bytes");
	assert_int_equal(err_frames(e), 2);
	assert_int_equal(err_frame(e, 0)->line, line);
	assert_string_equal(err_frame(e, 0)->function, __func__);
	assert_string_equal(err_frame(e, 1)->note, "post the report");
	err_destroy(e);
}

static void an_error_record_with_nothing_in_it_is_still_an_error(void **state)
{
	struct frame_record frame = {.line = INT64_MAX};
	struct error_record record = {.frames = &frame, .frame_count = 1};
	struct err *e = error_from_record(&record);

	(void)state;
	assert_int_equal(err_kind(e), ERR_BUG);
	assert_string_equal(err_message(e), "unknown error");
	assert_int_equal(err_frame(e, 0)->line, 0);
	err_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_request_and_reply_comes_back_as_it_was_written),
	    cmocka_unit_test(a_record_cut_short_anywhere_is_an_error_that_names_type_and_field),
	    cmocka_unit_test(bytes_after_the_end_are_an_error),
	    cmocka_unit_test(garbage_at_any_byte_is_an_error_or_another_record_but_never_more),
	    cmocka_unit_test(a_list_longer_than_its_bytes_is_refused_before_memory_is_taken_for_it),
	    cmocka_unit_test(lists_may_not_take_more_memory_than_the_cap),
	    cmocka_unit_test(a_type_that_holds_itself_cannot_nest_without_end),
	    cmocka_unit_test(a_nul_within_a_text_is_an_error_but_not_within_bytes),
	    cmocka_unit_test(texts_are_read_where_they_lie),
	    cmocka_unit_test(tables_leave_no_member_out),
	    cmocka_unit_test(every_kind_has_its_row),
	    cmocka_unit_test(a_traceback_crosses_the_wire_whole),
	    cmocka_unit_test(an_error_record_with_nothing_in_it_is_still_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
