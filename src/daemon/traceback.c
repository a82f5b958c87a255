/* SPDX-License-Identifier: MIT */
/* Native tracebacks: the helper process, and main's side of it. */
#include "daemon/traceback.h"

#include <event2/event.h>
#include <unistd.h>
#include <unwind.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "daemon/symbols.h"
#include "request/link.h"
#include "request/peer.h"

#define HELPER_S    2  /* the kernel ends the helper then, whatever it hangs in */
#define PATIENCE_S  3  /* main gives up, even if the kernel cannot end it */
#define FRAMES_MAX  30 /* an error has room for little more */
#define ABORT_DEPTH 4  /* frames that abort() makes within itself, at most */

/* -- frames ---------------------------------------------------------------------------------------- */

struct frame_list {
	struct error_record *record;
	struct arena *arena;
};

static bool is_same(const struct frame_record *a, const struct frame_record *b)
{
	return a->line == b->line && text_equal(a->function, b->function) && text_equal(a->file, b->file);
}

/* A recursion is told twice: that it is one shows, and what called it may still find room. */
static bool is_repeated(const struct error_record *record, const struct frame_record *frame)
{
	size_t count = record->frame_count;

	return count >= 2 && is_same(frame, &record->frames[count - 1]) &&
	       is_same(frame, &record->frames[count - 2]);
}

static void add_frame(void *arg, const struct frame_record *frame)
{
	struct frame_list *list = arg;
	struct error_record *record = list->record;

	if (record->frame_count == FRAMES_MAX || is_repeated(record, frame))
		return;
	record->frames[record->frame_count++] = (struct frame_record){
	    .function = arena_copy(list->arena, frame->function ? frame->function : "?"),
	    .file = arena_copy(list->arena, frame->file ? frame->file : "?"),
	    .line = frame->line,
	    .note = "",
	};
}

/* Code that is not ours: a library that only the worker loaded, or no code at all. */
static void add_unknown(struct frame_list *list, uintptr_t address)
{
	cleanup(arena_done) struct arena arena = {0};

	add_frame(list, &(struct frame_record){
	                    .function = arena_format(&arena, "0x%llx", (unsigned long long)address),
	                    .file = "?",
	                });
}

/* How a process ends itself: nobody asks for what abort() does. */
static void drop_inside_abort(struct error_record *record)
{
	for (size_t i = 1; i < record->frame_count && i <= ABORT_DEPTH; i++) {
		if (!text_equal(record->frames[i].function, "abort"))
			continue;
		record->frames += i;
		record->frame_count -= i;
		return;
	}
}

/* By the unwinder's tables, which a stripped binary has too. */
static bool is_root(const struct crash_record *crash, uintptr_t address)
{
	return crash->root && (uintptr_t)_Unwind_FindEnclosingFunction((void *)address) == crash->root;
}

struct error_record *traceback_frames(const struct crash_record *crash, struct arena *arena)
{
	struct symbols *symbols = symbols_create();
	struct frame_list list = {arena_alloc(arena, sizeof(*list.record)), arena};

	*list.record = (struct error_record){
	    .kind = err_kind_name(ERR_BUG),
	    .message = "",
	    .frames = arena_alloc(arena, FRAMES_MAX * sizeof(struct frame_record)),
	};
	for (size_t i = 0; symbols && i < crash->count; i++) {
		uintptr_t address = crash->frames[i];
		bool exact = i == 0 && (crash->cause == CRASH_FAULT || crash->cause == CRASH_OVERDUE);

		if (!symbols_resolve(symbols, address, exact, add_frame, &list))
			add_unknown(&list, address);
		if (is_root(crash, exact ? address : address - 1))
			break;
	}
	drop_inside_abort(list.record);
	symbols_destroy(symbols);
	return list.record;
}

struct err *traceback_merge(struct err *e, const struct error_record *frames)
{
	struct err *merged = err_import(err_kind(e), err_message(e));

	/* As in every error, the note of the innermost frame is the message. */
	for (size_t i = 0; i < frames->frame_count; i++)
		err_add_frame(merged, frames->frames[i].function, frames->frames[i].file,
		    (int)frames->frames[i].line, i ? "" : err_message(e));
	err_destroy(e);
	return merged;
}

/* -- the helper process ---------------------------------------------------------------------------- */

static int helper_life(void *arg, int parent)
{
	const struct crash_record *crash = arg;
	cleanup(arena_done) struct arena arena = {0};
	struct link *main_link = link_create(parent);
	struct err *e;

	alarm(HELPER_S);
	e = link_send(main_link, REQ_TRACEBACK, traceback_frames(crash, &arena));
	link_destroy(main_link);
	if (!e)
		return 0;
	err_destroy(e); /* main has given up, and goes on without frames */
	return 1;
}

/* -- main's side ----------------------------------------------------------------------------------- */

struct traceback {
	struct peer *peer;
	struct event *patience;
	traceback_function *done;
	void *arg;
};

static void finish(struct traceback *traceback, const struct error_record *frames)
{
	if (frames && !frames->frame_count)
		frames = NULL;
	traceback->done(traceback->arg, frames);
	traceback_destroy(traceback);
}

static void on_frames(
    void *arg, struct peer *peer, enum request_kind kind, uint64_t sequence, const void *request)
{
	(void)peer, (void)sequence;
	finish(arg, kind == REQ_TRACEBACK ? request : NULL);
}

/* It ended without an answer: it crashed itself, or took too long. */
static void on_gone(void *arg, struct peer *peer, struct err *why)
{
	(void)peer;
	err_ignore(why);
	finish(arg, NULL);
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	finish(arg, NULL);
}

static const struct peer_handlers handlers = {on_frames, on_gone};

struct traceback *traceback_start(
    struct event_base *base, const struct crash_record *crash, traceback_function *done, void *arg)
{
	struct child_plan plan = {
	    .title = "traceback",
	    .life = helper_life,
	    .arg = (void *)crash,
	    .keep = {-1, -1},
	};
	struct traceback *traceback;
	struct err *e;
	pid_t pid; /* not needed: it ends by itself, and is reaped with the other children */
	int fd;

	if (!crash->count)
		return NULL;
	e = child_fork(&plan, &pid, &fd);
	if (e) {
		log_fault(LEVEL_WARNING, "process_not_started", e);
		return NULL;
	}
	traceback = mem_alloc(sizeof(*traceback));
	traceback->done = done;
	traceback->arg = arg;
	traceback->peer = peer_create(base, fd, &handlers, traceback);
	traceback->patience = evtimer_new(base, on_patience, traceback);
	event_add(traceback->patience, &(struct timeval){.tv_sec = PATIENCE_S});
	return traceback;
}

void traceback_destroy(struct traceback *traceback)
{
	if (!traceback)
		return;
	peer_destroy(traceback->peer);
	event_free(traceback->patience);
	free(traceback);
}
