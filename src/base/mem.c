/* SPDX-License-Identifier: MIT */
/* Allocation that cannot fail, and arenas. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE 4000

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

struct arena_deferred {
	struct arena_deferred *next;
	void (*function)(void *arg);
	void *arg;
};

static void (*exhausted_handler)(size_t size);

void mem_on_exhausted(void (*handler)(size_t size))
{
	exhausted_handler = handler;
}

static _Noreturn void exhausted(size_t size)
{
	void (*handler)(size_t) = exhausted_handler;

	exhausted_handler = NULL; /* a handler that runs out itself must not come back here */
	if (handler)
		handler(size);
	fprintf(stderr, "bmad: out of memory: %zu bytes\n", size);
	abort();
}

void *mem_alloc(size_t size)
{
	void *memory = size <= PTRDIFF_MAX ? calloc(1, size ? size : 1) : NULL;

	if (!memory)
		exhausted(size);
	return memory;
}

void *mem_resize(void *old, size_t size)
{
	void *memory = size <= PTRDIFF_MAX ? realloc(old, size ? size : 1) : NULL;

	if (!memory)
		exhausted(size);
	return memory;
}

char *mem_copy(const char *text)
{
	return text ? mem_copy_n(text, strlen(text)) : NULL;
}

char *mem_copy_n(const char *text, size_t length)
{
	char *copy = mem_alloc(length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

char *mem_vformat(const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	int length = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (length < 0)
		return mem_copy(fmt); /* an encoding error: the format itself still tells something */
	char *text = mem_alloc((size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, fmt, args);
	return text;
}

char *mem_format(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *text = mem_vformat(fmt, args);
	va_end(args);
	return text;
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *block = mem_alloc(sizeof(*block) + room);

	block->size = room;
	if (arena->blocks &&
	    size > BLOCK_SIZE) { /* full at once: what room the first block has stays in use */
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t align = _Alignof(max_align_t);

	if (size > SIZE_MAX - BLOCK_SIZE)
		exhausted(size);
	size = (size + align - 1) / align * align;
	if (!block || block->size - block->used < size)
		block = add_block(arena, size);
	void *memory = block->bytes + block->used;
	block->used += size;
	return memory;
}

char *arena_copy(struct arena *arena, const char *text)
{
	return text ? arena_copy_n(arena, text, strlen(text)) : NULL;
}

char *arena_copy_n(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

void *arena_take(struct arena *arena, void *items, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (size)
		memcpy(copy, items, size);
	free(items);
	return copy;
}

char *arena_format(struct arena *arena, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cleanup(free_text) char *text = mem_vformat(fmt, args);
	va_end(args);
	return arena_copy(arena, text);
}

void arena_defer(struct arena *arena, void (*function)(void *arg), void *arg)
{
	struct arena_deferred *deferred = arena_alloc(arena, sizeof(*deferred));

	*deferred = (struct arena_deferred){.next = arena->deferred, .function = function, .arg = arg};
	arena->deferred = deferred;
}

void arena_done(struct arena *arena)
{
	struct arena_block *next;

	for (struct arena_deferred *deferred = arena->deferred; deferred; deferred = deferred->next)
		deferred->function(deferred->arg);
	arena->deferred = NULL;
	for (struct arena_block *block = arena->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	arena->blocks = NULL;
}
