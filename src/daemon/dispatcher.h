/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: granted runs wait here for a worker, run under their deadline, and are closed.
 *
 * A run ends in one of four ways: its worker reports success (it has committed), reports an error, dies, or
 * overruns (TERM at the deadline, KILL of its group 10 s later). Whatever did not commit is closed in the
 * store; only then is the owner told, so that the slot or the next one may be claimed.
 */
#ifndef DAEMON_DISPATCHER_H
#define DAEMON_DISPATCHER_H

#include "conf/conf.h"
#include "daemon/line.h"
#include "daemon/supervisor.h"

struct dispatcher;

/* A run that the store has granted. Texts are copied. */
struct granted {
	const struct conf_job *job; /* its configuration is held until the run has ended */
	int64_t run; /* 0: a dry run, or no run at all */
	const char *key;
	utc_t slot;
	utc_t now; /* the run's clock; 0: when it starts */
	int64_t attempt;
	enum trigger trigger;
	bool dry_run, debug, log_message, again, by_hand, report;
	bool withdrawn; /* its job is not configured any more: it does not begin */
	/* `slots_to` not 0: the job's module is asked for its slots of [from, to) instead. */
	utc_t slots_from, slots_to;
	const char *given; /* see run_order; such a run goes before all that wait */
};

enum ending { ENDED_OK, ENDED_DEGRADED, ENDED_FAILED, ENDED_TIMEOUT, ENDED_CRASHED, ENDED_INTERRUPTED };

struct run_end {
	const struct granted *granted;
	enum ending ending;
	struct err *error; /* NULL when it went well; borrowed */
	const char *step;  /* of a run that was killed: where it stood; "" unknown */
	int64_t ms;
	int64_t messages;
	const struct value_record *values;
	size_t value_count;
	const char *report; /* see run_result */
	const struct slot_name *slots; /* what was asked for with slots_to */
	size_t slot_count;
	bool traced;        /* the error's frames are those of the job's code, though its worker is dead */
	bool again;         /* the slot is open once more: claim it */
	int64_t not_before_ms; /* but not before: it is a retry; 0: at once */
};

struct dispatcher_setup {
	struct event_base *base;
	struct supervisor *supervisor;
	struct line *line; /* NULL: no store (a dry run) */
	void (*ended)(void *arg, const struct run_end *end);
	void *arg;
};

struct dispatcher *dispatcher_create(const struct dispatcher_setup *setup);
void dispatcher_destroy(struct dispatcher *dispatcher);

void dispatcher_add(struct dispatcher *dispatcher, const struct granted *granted);

/*
 * CONF takes the place of the configuration: idle workers are replaced, busy ones after their run. Runs that
 * wait begin as CONF has their job, or not at all. The supervisor hears of it here.
 */
void dispatcher_reload(struct dispatcher *dispatcher, const struct conf *conf);

/* From the supervisor's events. */
void dispatcher_ready(struct dispatcher *dispatcher, struct child *worker);
void dispatcher_result(struct dispatcher *dispatcher, struct child *worker, const struct run_result *result);
void dispatcher_gone(struct dispatcher *dispatcher, struct child *worker, int status);

/* No waiting run is started any more; those are closed as interrupted, so that the next daemon runs them. */
void dispatcher_stop(struct dispatcher *dispatcher);
/* Runs in hand: waiting, running or being closed. */
size_t dispatcher_count(const struct dispatcher *dispatcher);
size_t dispatcher_waiting(const struct dispatcher *dispatcher);
/* What worker NUMBER is doing: the job's name, or NULL. */
const char *dispatcher_job_of(const struct child *worker);

#endif
