/* SPDX-License-Identifier: MIT */
/*
 * Errors with a traceback.
 *
 * A function that can fail returns `struct err *`; NULL is success. The place that notices the fault
 * starts the trace with ERR(), every layer on the way up adds what it was attempting with ERR_AT(),
 * and one place at the top reports it and calls err_destroy(). Passing an error on transfers it:
 * after `return ERR_AT(e, ...)` the caller owns it. Branch on err_kind(), never on text.
 *
 * Making an error never fails: running out of memory ends the process (src/base/mem.h).
 */
#ifndef BMAD_ERR_H
#define BMAD_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum err_kind {
	ERR_TEMPORARY, /* may work when tried again: a refused connection, a timeout */
	ERR_PERMANENT, /* will not work as it stands: a bad query, a refused message */
	ERR_UNCERTAIN, /* it may or may not have been done */
	ERR_CONFIG,    /* the configuration or the command line is wrong */
	ERR_BUG,       /* bmad is wrong: a broken invariant, a crash */
};

struct err_frame {
	const char *function; /* function, file and note live as long as the error */
	const char *file;
	int line;
	const char *note; /* what was attempted there */
};

struct err;

#define ERR(kind, ...) err_made(err_create((kind), __func__, __FILE__, __LINE__, __VA_ARGS__))
#define ERR_AT(e, ...) err_add((e), __func__, __FILE__, __LINE__, __VA_ARGS__)

/* Return from the calling function with a frame added if EXPR fails. */
#define TRY(expr, ...)                                                                                       \
	do {                                                                                                 \
		struct err *try_err_ = (expr);                                                               \
		if (try_err_)                                                                                \
			return err_made(ERR_AT(try_err_, __VA_ARGS__));                                                \
	} while (0)

/* The same without a frame of its own, where it would say nothing new. */
#define PASS(expr)                                                                                           \
	do {                                                                                                 \
		struct err *pass_err_ = (expr);                                                              \
		if (pass_err_)                                                                               \
			return pass_err_;                                                                    \
	} while (0)

#define MUST_CHECK __attribute__((warn_unused_result))

struct err *err_create(enum err_kind kind, const char *function, const char *file, int line, const char *fmt,
    ...) __attribute__((format(printf, 5, 6))) MUST_CHECK;

/* Says to compilers and checkers that ERR() is never NULL: a branch that made an error does not go on. */
MUST_CHECK static inline struct err *err_made(struct err *e)
{
	if (!e)
		__builtin_unreachable();
	return e;
}

/* Adds a frame above the ones there; consumes E and returns it. A NULL E stays NULL. */
struct err *err_add(struct err *e, const char *function, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6))) MUST_CHECK;

/*
 * An error made elsewhere (another process, another language): KIND and TEXT without a frame; add the
 * remote ones, innermost first, with err_add_frame(), which copies all it is given.
 */
struct err *err_import(enum err_kind kind, const char *text) MUST_CHECK;
void err_add_frame(struct err *e, const char *function, const char *file, int line, const char *note);

enum err_kind err_kind(const struct err *e);
const char *err_kind_name(enum err_kind kind);

/* Kind of that name (`TEMPORARY`, ...); ERR_BUG for any other. */
enum err_kind err_kind_by_name(const char *name);

/* What went wrong, in the words of the place that noticed it; borrowed from E. */
const char *err_message(const struct err *e);

/* The frames, innermost (where it was noticed) first. */
size_t err_frames(const struct err *e);
const struct err_frame *err_frame(const struct err *e, size_t index);

/* One line for people: "load shift: query unit_event: connection refused". Borrowed, until the next frame. */
const char *err_text(struct err *e);

void err_destroy(struct err *e);

/* For a fault that a caller may pass over: forgets E, which may be NULL. */
#define err_ignore(e) err_destroy(e)

#endif
