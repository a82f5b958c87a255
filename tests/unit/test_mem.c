/* SPDX-License-Identifier: MIT */
/* Memory and buffers: zeroed, grown, released, and the end when there is none left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

/* -- memory ------------------------------------------------------------------------------------------ */

static void memory_is_zeroed_even_if_there_is_none_of_it(void **state)
{
	unsigned char *bytes = mem_alloc(100);
	void *none = mem_alloc(0);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(bytes[i], 0);
	assert_non_null(none);
	none = mem_resize(none, 0);
	assert_non_null(none);
	free(none);
	free(bytes);
}

static void copies_are_terminated_and_null_stays_null(void **state)
{
	cleanup(free_text) char *whole = mem_copy("abc");
	cleanup(free_text) char *part = mem_copy_n("abc", 2);
	cleanup(free_text) char *none = mem_copy_n(NULL, 0);
	cleanup(free_text) char *made = mem_format("%s-%d", "x", 7);

	(void)state;
	assert_string_equal(whole, "abc");
	assert_string_equal(part, "ab");
	assert_string_equal(none, "");
	assert_string_equal(made, "x-7");
	assert_null(mem_copy(NULL));
}

static void a_list_grows_as_items_come(void **state)
{
	int *items = NULL;
	size_t count = 0, capacity = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		mem_grow(items, count, capacity);
		items[count++] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_true(capacity >= 1000);
	free(items);
}

static void report_size(size_t size)
{
	_exit(size > SIZE_MAX / 4 ? 42 : 1);
}

/* How a child that asks for far too much ends. */
static int status_of(void (*ask)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		mem_on_exhausted(report_size);
		ask();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void ask_arena(void)
{
	struct arena arena = {0};

	arena_alloc(&arena, SIZE_MAX - 5);
}

static void ask_buf(void)
{
	struct buf buf = {0};

	buf_add_text(&buf, "a");
	buf_room(&buf, SIZE_MAX - 1);
}

static void ask_buf_for_half(void)
{
	struct buf buf = {0};

	buf_room(&buf, SIZE_MAX / 2 - 10);
}

static void exhaustion_calls_the_handler_with_the_size(void **state)
{
	(void)state;
	assert_int_equal(status_of(ask_arena), 42);
}

static void a_buffer_too_large_to_count_ends_the_same_way(void **state)
{
	(void)state;
	assert_int_equal(status_of(ask_buf), 42);
	assert_int_equal(status_of(ask_buf_for_half), 42);
}

/* -- arenas ------------------------------------------------------------------------------------------ */

static void an_arena_hands_out_aligned_zeroed_memory_of_any_size(void **state)
{
	cleanup(arena_done) struct arena arena = {0};

	(void)state;
	for (size_t size = 0; size < 9000; size = size * 3 + 1) {
		unsigned char *bytes = arena_alloc(&arena, size);

		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size); /* into the next one, if they overlapped */
	}
}

static void arena_texts_stay_where_they_are(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *first = arena_copy(&arena, "first");
	const char *texts[500];

	(void)state;
	for (int i = 0; i < 500; i++)
		texts[i] = arena_format(&arena, "text %d", i);
	assert_string_equal(first, "first");
	assert_string_equal(texts[0], "text 0");
	assert_string_equal(texts[499], "text 499");
	assert_string_equal(arena_copy_n(&arena, "abc", 1), "a");
	assert_null(arena_copy(&arena, NULL));
}

static void a_large_piece_does_not_waste_the_block_in_use(void **state)
{
	cleanup(arena_done) struct arena arena = {0};
	char *before = arena_alloc(&arena, 16);

	(void)state;
	arena_alloc(&arena, 100000);
	char *after = arena_alloc(&arena, 16);
	assert_ptr_equal(after, before + 16);
}

static char order[8];

static void note_release(void *arg)
{
	strncat(order, arg, 1);
}

static void what_was_deferred_runs_once_the_last_first(void **state)
{
	struct arena arena = {0};

	(void)state;
	order[0] = '\0';
	arena_defer(&arena, note_release, "a");
	arena_defer(&arena, note_release, "b");
	arena_done(&arena);
	assert_string_equal(order, "ba");
	arena_done(&arena);
	assert_string_equal(order, "ba");
}

/* -- buffers ----------------------------------------------------------------------------------------- */

static void an_empty_buffer_reads_as_an_empty_text(void **state)
{
	struct buf buf = {0};
	char *text = buf_detach(&buf);

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	assert_string_equal(text, "");
	free(text);
	buf_truncate(&buf, 0);
	buf_remove_front(&buf, 5);
	buf_add(&buf, NULL, 0);
	assert_string_equal(buf_text(&buf), "");
	buf_done(&buf);
}

static void a_buffer_takes_text_bytes_and_formats(void **state)
{
	cleanup(buf_done) struct buf buf = {0};

	(void)state;
	buf_add_text(&buf, "one ");
	buf_add(&buf, "two\0", 4);
	buf_add_char(&buf, '!');
	buf_format(&buf, " %03d", 7);
	assert_int_equal(buf.length, 13);
	assert_memory_equal(buf.text, "one two\0! 007", 14);
}

static void a_long_format_is_not_cut(void **state)
{
	cleanup(buf_done) struct buf buf = {0};

	(void)state;
	buf_add_text(&buf, "x");
	buf_format(&buf, "%1000d", 1);
	assert_int_equal(buf.length, 1001);
	assert_int_equal(strlen(buf.text), 1001);
	assert_int_equal(buf.text[1000], '1');
}

static void a_buffer_is_shortened_at_either_end(void **state)
{
	cleanup(buf_done) struct buf buf = {0};

	(void)state;
	buf_add_text(&buf, "abcdef");
	buf_truncate(&buf, 10);
	assert_string_equal(buf.text, "abcdef");
	buf_truncate(&buf, 4);
	assert_string_equal(buf.text, "abcd");
	buf_remove_front(&buf, 1);
	assert_string_equal(buf.text, "bcd");
	buf_remove_front(&buf, 99);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.length, 0);
}

static void room_that_was_filled_is_read_terminated(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_room(&buf, 100);
	assert_string_equal(buf_text(&buf), ""); /* nothing was added yet */
	memset(buf_room(&buf, 100), 'x', 100);
	buf.length += 3;
	assert_string_equal(buf_text(&buf), "xxx");
	memset(buf_room(&buf, 10), 'y', 10);
	buf.length += 2;
	char *text = buf_detach(&buf);
	assert_string_equal(text, "xxxyy");
	assert_null(buf.text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_zeroed_even_if_there_is_none_of_it),
	    cmocka_unit_test(copies_are_terminated_and_null_stays_null),
	    cmocka_unit_test(a_list_grows_as_items_come),
	    cmocka_unit_test(exhaustion_calls_the_handler_with_the_size),
	    cmocka_unit_test(a_buffer_too_large_to_count_ends_the_same_way),
	    cmocka_unit_test(an_arena_hands_out_aligned_zeroed_memory_of_any_size),
	    cmocka_unit_test(arena_texts_stay_where_they_are),
	    cmocka_unit_test(a_large_piece_does_not_waste_the_block_in_use),
	    cmocka_unit_test(what_was_deferred_runs_once_the_last_first),
	    cmocka_unit_test(an_empty_buffer_reads_as_an_empty_text),
	    cmocka_unit_test(a_buffer_takes_text_bytes_and_formats),
	    cmocka_unit_test(a_long_format_is_not_cut),
	    cmocka_unit_test(a_buffer_is_shortened_at_either_end),
	    cmocka_unit_test(room_that_was_filled_is_read_terminated),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
