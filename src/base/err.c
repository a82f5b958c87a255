/* SPDX-License-Identifier: MIT */
/* Errors with a traceback. */
#include <bmad/err.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define FRAMES_MAX 32 /* a deeper trace is a loop; the innermost frames tell most */

struct err {
	enum err_kind kind;
	size_t count;
	struct err_frame frames[FRAMES_MAX];
	struct arena arena;
	const char *message;
	struct buf text;
};

static const char *const kind_names[] = {
    [ERR_TEMPORARY] = "TEMPORARY",
    [ERR_PERMANENT] = "PERMANENT",
    [ERR_UNCERTAIN] = "UNCERTAIN",
    [ERR_CONFIG] = "CONFIG",
    [ERR_BUG] = "BUG",
};

const char *err_kind_name(enum err_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : kind_names[ERR_BUG];
}

enum err_kind err_kind_by_name(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(kind_names); i++)
		if (!strcmp(name, kind_names[i]))
			return (enum err_kind)i;
	return ERR_BUG;
}

/* FUNCTION and FILE are string constants of the caller; NOTE is the error's own. */
static void push_frame(struct err *e, const char *function, const char *file, int line, const char *note)
{
	if (e->count < FRAMES_MAX)
		e->frames[e->count++] = (struct err_frame){function, file, line, note};
}

static const char *format(struct err *e, const char *fmt, va_list args)
{
	cleanup(free_text) char *text = mem_vformat(fmt, args);

	return arena_copy(&e->arena, text);
}

struct err *err_import(enum err_kind kind, const char *text)
{
	struct err *e = mem_alloc(sizeof(*e));

	e->kind = kind;
	e->message = arena_copy(&e->arena, text ? text : "");
	return e;
}

struct err *err_create(
    enum err_kind kind, const char *function, const char *file, int line, const char *fmt, ...)
{
	struct err *e = err_import(kind, "");
	va_list args;

	va_start(args, fmt);
	e->message = format(e, fmt, args);
	va_end(args);
	push_frame(e, function, file, line, e->message);
	return e;
}

struct err *err_add(struct err *e, const char *function, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	if (!e)
		return NULL;
	va_start(args, fmt);
	push_frame(e, function, file, line, format(e, fmt, args));
	va_end(args);
	return e;
}

void err_add_frame(struct err *e, const char *function, const char *file, int line, const char *note)
{
	push_frame(e, arena_copy(&e->arena, function ? function : ""),
	    arena_copy(&e->arena, file ? file : ""), line, arena_copy(&e->arena, note ? note : ""));
}

enum err_kind err_kind(const struct err *e)
{
	return e->kind;
}

const char *err_message(const struct err *e)
{
	return e->message;
}

size_t err_frames(const struct err *e)
{
	return e->count;
}

const struct err_frame *err_frame(const struct err *e, size_t index)
{
	return index < e->count ? &e->frames[index] : NULL;
}

const char *err_text(struct err *e)
{
	/* The frame that noticed it says the message; one that came in without frames has no such. */
	size_t first = e->count && !strcmp(e->frames[0].note, e->message) ? 1 : 0;

	buf_truncate(&e->text, 0);
	for (size_t i = e->count; i-- > first;)
		if (e->frames[i].note[0]) /* a frame of a crash has none */
			buf_format(&e->text, "%s: ", e->frames[i].note);
	buf_add_text(&e->text, e->message);
	return e->text.text;
}

void err_destroy(struct err *e)
{
	if (!e)
		return;
	arena_done(&e->arena);
	buf_done(&e->text);
	free(e);
}
