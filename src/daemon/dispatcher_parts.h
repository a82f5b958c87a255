/* SPDX-License-Identifier: MIT */
/* What the files of the dispatcher share: dispatcher.c starts runs, dispatcher_end.c ends them. */
#ifndef DAEMON_DISPATCHER_PARTS_H
#define DAEMON_DISPATCHER_PARTS_H

#include "daemon/dispatcher.h"
#include "daemon/traceback.h"

/* One run in hand. */
struct run_entry {
	struct run_entry *prev, *next;
	struct dispatcher *dispatcher;
	struct granted granted;
	struct child *worker; /* while it runs */
	struct event *deadline;
	bool overrun; /* TERM was sent */
	struct mono waiting_since, started;
	int64_t started_ms;
	/* how it ended */
	struct traceback *traceback; /* in the making */
	struct arena arena;
	struct run_end end;
};

struct dispatcher {
	struct dispatcher_setup setup;
	struct run_entry *waiting;
	size_t waiting_count, count;
	struct run_entry *running; /* and being traced or closed */
	struct child **idle;
	size_t idle_count, idle_capacity;
	struct event *exhausted;
	bool stopping;
};

/* The run closed or committed: its owner is told, and ENTRY is gone. */
void run_entry_finish(struct run_entry *entry);
/* It ended so without a commit: closed in the store, then finished. ERROR is taken. */
void run_entry_close(struct run_entry *entry, enum ending ending, struct err *error);
/* The same once it is known where in the code its worker stood. ERROR is taken. */
void run_entry_trace(
    struct run_entry *entry, const struct crash_record *crash, enum ending ending, struct err *error);
void run_entry_destroy(struct run_entry *entry);

#endif
