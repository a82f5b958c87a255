/* SPDX-License-Identifier: MIT */
/*
 * Memory: allocation that cannot fail, arenas, and the cleanup attribute.
 *
 * Out of memory is not handled call by call: the process reports it and ends (mem_on_exhausted), and its
 * parent replaces it. Outside data is bounded before it is allocated, so this happens only to a run that
 * leaks, inside its worker.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

/* There is always memory, or there is no process. */
#define NEVER_NULL __attribute__((returns_nonnull))

NEVER_NULL void *mem_alloc(size_t size); /* zeroed; free() releases it */
NEVER_NULL void *mem_resize(void *old, size_t size);
char *mem_copy(const char *text); /* NULL stays NULL */
char *mem_copy_n(const char *text, size_t length);
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vformat(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* Makes room for one more item: ITEMS is a `T *`, CAPACITY a size_t. */
#define mem_grow(items, count, capacity)                                                                     \
	do {                                                                                                 \
		if ((count) == (capacity)) {                                                                 \
			(capacity) = (capacity) ? 2 * (capacity) : 8;                                        \
			(items) = mem_resize((items), (capacity) * sizeof(*(items)));                        \
		}                                                                                            \
	} while (0)

/* Called once, with the size that could not be had, before the process aborts; it may _exit() instead. */
void mem_on_exhausted(void (*handler)(size_t size));

/* An arena: allocations that are released together. The zero value {NULL} is an empty arena. */
struct arena {
	struct arena_block *blocks;
	struct arena_deferred *deferred;
};

NEVER_NULL void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
char *arena_copy(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_copy_n(struct arena *arena, const char *text, size_t length);
/* A copy of what was gathered with mem_grow(): SIZE bytes at ITEMS (may be NULL if 0), which are freed. */
NEVER_NULL void *arena_take(struct arena *arena, void *items, size_t size);
char *arena_format(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* FUNCTION(ARG) when the arena is released, the last one deferred first: for what owns more than its bytes. */
void arena_defer(struct arena *arena, void (*function)(void *arg), void *arg);
void arena_done(struct arena *arena);

/* `cleanup(arena_done) struct arena arena = {0};` */
#define cleanup(function) __attribute__((cleanup(function)))

static inline void free_text(char **text)
{
	free(*text);
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
