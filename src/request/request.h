/* SPDX-License-Identifier: MIT */
/*
 * Requests: everything that passes between bmad's processes.
 *
 * One row of request_types[] per kind: its name, what it carries and what answers it. Every call is
 * answered by that record or by an error (struct error_record: a traceback crosses processes whole).
 * Times named `_ms` are wall-clock milliseconds, `due` and `slot` are utc_t seconds; 0 or NULL: not set.
 */
#ifndef REQUEST_REQUEST_H
#define REQUEST_REQUEST_H

#include "request/record.h"

enum request_kind {
	/* to the store */
	REQ_HELLO = 1,
	REQ_SCHEDULES,
	REQ_CLAIM,
	REQ_START,
	REQ_COMMIT,
	REQ_CLOSE,
	REQ_STATE,
	REQ_STATES,
	REQ_SEND,
	REQ_KEY,
	REQ_WAIT,
	REQ_TAKE,
	REQ_SETTLE,
	REQ_LANES,
	REQ_RUNS,
	REQ_MESSAGES,
	REQ_OUTBOX,
	REQ_COUNTS,
	REQ_PAUSE,
	REQ_PAUSED,
	/* from the store to senders; not answered */
	REQ_WAKE,
	/* between main and its children; not answered */
	REQ_LOG,
	REQ_RUN,
	REQ_RESULT,
	REQ_DRAIN,
	REQ_CHANNELS, /* this one is */
	REQ_TRACEBACK, /* of a helper: an error_record */
	REQ_CHECKED,   /* of a checker */
	REQ_NOTICES,   /* of sender and store: what main may have to alarm about */
	REQ_CONF,      /* to the store process */
	/* to main, over the control socket */
	REQ_CONTROL,
	REQ_KINDS
};

struct request_type {
	const char *name;
	const struct record_type *request;
	const struct record_type *reply; /* NULL: not answered */
};

/* Indexed by kind. */
extern const struct request_type request_types[REQ_KINDS];

/* -- errors ---------------------------------------------------------------------------------------- */

struct frame_record {
	const char *function, *file, *note;
	int64_t line;
};

struct error_record {
	const char *kind; /* err_kind_name() */
	const char *message;
	struct frame_record *frames; /* innermost first */
	size_t frame_count;
};

/* A record of E whose texts are borrowed from it; its frames are in ARENA. */
struct error_record *error_to_record(const struct err *e, struct arena *arena);
struct err *error_from_record(const struct error_record *record) MUST_CHECK;

struct id_record {
	const char *id;
};

struct nothing {
	bool unused; /* a structure may not be empty */
};

/* -- HELLO: who is calling. The first request on every connection to the store. -------------------- */

enum role {
	ROLE_MAIN,   /* a daemon, or a --once that is its own: runs of other instances are interrupted */
	ROLE_ONCE,   /* a --once beside a daemon: what it left open is settled when it goes */
	ROLE_WORKER, /* of one of these */
	ROLE_SENDER, /* rows in `sending` that no living sender took are recovered */
	ROLE_CLI,    /* reads, and outbox verbs */
};

struct hello {
	int64_t role;
	const char *instance; /* UUID of this main, once or sender process; the main's for its workers */
	int64_t pid;
	int64_t now_ms;
};

struct hello_reply {
	int64_t interrupted; /* runs that were found open and settled */
	int64_t recovered;   /* messages found in `sending` */
};

/*
 * -- SCHEDULES: main's first question, and again with another configuration: what is accounted for? ------
 *
 * The jobs are all that have slots of their own now. One that is not named and comes back later begins anew:
 * what it missed meanwhile was never its to run.
 */

struct schedule_ask {
	const char *job;
	const char *fingerprint; /* of the schedule; another one than stored: the schedule starts now */
	int64_t recorded_s; /* > 0: `keys` are wanted, from so long before `accounted_until` on */
};

struct schedules {
	const char *instance;
	int64_t now_ms;
	struct schedule_ask *jobs;
	size_t count;
};

struct schedule_state {
	int64_t since;           /* this schedule holds since then */
	int64_t accounted_until; /* every slot up to and including this instant has its record */
	int64_t paused_until;    /* slots before it are skipped; 0: none */
	struct id_record *keys;  /* of slots that have their record, if asked for */
	size_t key_count;
};

/* A slot that is claimed but has no living run: it is to be claimed again. */
struct open_slot {
	const char *job;
	const char *key;
	int64_t due;
	int64_t attempt; /* of the run that claiming it will start */
	int64_t not_before_ms; /* its run failed, and it is retried then; 0: it was interrupted, or waits */
};

struct schedules_reply {
	struct schedule_state *jobs; /* in the order asked */
	size_t count;
	struct open_slot *open;
	size_t open_count;
};

/* -- CLAIM: slots become runs, or are recorded as missed or skipped; all in one commit ------------- */

enum trigger {
	TRIGGER_SCHEDULE,
	TRIGGER_CATCHUP,
	TRIGGER_MANUAL,
	TRIGGER_START,
	TRIGGER_RETRY,
	TRIGGER_ALARM, /* bmad's own run, which tells of troubles */
	TRIGGERS
};
extern const char *const trigger_names[]; /* "schedule", ... */

enum claim_action { CLAIM_RUN, CLAIM_MISSED, CLAIM_SKIPPED };

struct claim_slot {
	const char *job;
	const char *key; /* the instant (utc_format) for slots of the clock; NULL with TRIGGER_MANUAL: made of the run */
	int64_t due;
	int64_t action;
	const char *reason; /* of a missed or skipped one */
	int64_t trigger;
	bool restartable;
	int64_t overlap; /* enum overlap: what to do while another run of the job is open */
	/* MISSED: this one record stands for so many slots, from FIRST to `due`; 0 and 1: just itself. */
	int64_t slots;
	int64_t first;
};

struct claim {
	const char *instance;
	int64_t now_ms;
	struct claim_slot *slots;
	size_t count;
};

enum claim_state {
	CLAIM_GRANTED,  /* `run` and `attempt` are set */
	CLAIM_DONE,     /* the slot has its record already; nothing changed */
	CLAIM_WAITS,    /* overlap: queue (or a manual run): another run is open; claim again when it is closed */
	CLAIM_OVERLAPS, /* overlap: skip: recorded as skipped */
	CLAIM_RECORDED, /* missed or skipped, as asked */
};

struct claim_result {
	int64_t state;
	int64_t run;
	int64_t attempt;  /* 1, or 2 after an interruption */
	int64_t open_run; /* WAITS, OVERLAPS: the run in the way */
};

struct claim_reply {
	struct claim_result *slots; /* in the order asked */
	size_t count;
};

/* -- START: a run was handed to a worker. For the history only. ------------------------------------ */

struct start {
	int64_t run;
	int64_t now_ms;
};

/* -- COMMIT: a run's messages, state and record in one commit; repeating it changes nothing -------- */

/* The same message for another channel, if it does not get through by its own, or by that of an earlier stand-in. */
struct standby {
	const char *id;
	int64_t of; /* the stand-in that it is one for, counted from 1; 0: for the message */
	const char *channel, *lane, *key, *to, *subject, *content_type;
	const char *payload;
	size_t payload_length;
	int64_t expires_ms;
	int64_t after_ms; /* how long the channel that it stands in for is given */
	int64_t definition;
};

struct new_message {
	const char *id; /* UUIDv7 */
	const char *channel, *lane, *kind, *key, *to, *subject, *content_type;
	const char *payload;
	size_t payload_length;
	int64_t created_ms, expires_ms;
	int64_t severity;
	int64_t definition; /* channel_definition() as a --once knows it, must be the daemon's; 0: is not compared */
	bool urgent; /* goes before others of its channel, named lanes apart */
	int64_t key_until_ms; /* the key is forgotten then; 0: as the store keeps keys */
	bool once; /* what may have arrived is never sent again by itself */
	bool again; /* send although the key was sent before */
	/*
	 * Born in `sending`, taken by the instance that commits it: for console messages of a --once, which
	 * prints and settles them itself.
	 */
	bool taken;
	struct standby *standbys;
	size_t standby_count;
	const char *suppress; /* why it is not to go out: it is stored `suppressed` with this reason; NULL: it goes */
};

struct new_state {
	const char *key;
	const char *value; /* JSON; NULL deletes */
	int64_t expires;   /* utc_t; 0: never */
};

struct value_record {
	const char *name;
	double number;
};

struct commit {
	int64_t run;
	const char *instance;
	int64_t started_ms, ended_ms;
	bool degraded;
	bool goes_on; /* only the states, now: the run is not over */
	struct new_message *messages;
	size_t message_count;
	struct new_state *states;
	size_t state_count;
	struct value_record *values;
	size_t value_count;
};

struct stored_message {
	const char *id;    /* as given */
	const char *state; /* "queued", "sending" (taken) or "suppressed" */
	int64_t earlier_run; /* suppressed: the run and message that have the key */
	const char *earlier_id;
	const char *earlier_state;
};

struct commit_reply {
	struct stored_message *messages;
	size_t message_count;
};

/* -- CLOSE: a run ended without a commit ----------------------------------------------------------- */

struct close {
	int64_t run;
	bool interrupted; /* its process died by no fault of its own: the slot may run once more */
	bool unbegun;     /* and no worker had it yet: that was no attempt */
	const char *reason; /* "failed", "timeout", "crashed", "interrupted" and what is known */
	struct error_record *error;
	int64_t started_ms, ended_ms;
	struct value_record *values;
	size_t value_count;
	/* The job's rule for failed runs: so many retries of a slot, after these waits. */
	int64_t retries, retry_initial_ms, retry_max_ms;
};

struct close_reply {
	bool committed; /* the run had committed: it stands as ok */
	bool again;     /* the slot is to be claimed once more */
	int64_t not_before_ms; /* but not before: it is a retry; 0: at once */
};

/* -- STATE ----------------------------------------------------------------------------------------- */

struct state_ask {
	const char *job, *key;
	int64_t now; /* utc_t: what has expired by then is not there */
};

struct state_reply {
	const char *value; /* JSON, NULL: none */
	int64_t expires, written_ms;
};

/* STATES: many of them, answered in the order asked. */
struct states_ask {
	const char *job;
	int64_t now;
	struct id_record *keys;
	size_t count;
};

struct states_reply {
	struct state_reply *states;
	size_t count;
};

/* -- SEND and WAIT: send-and-wait ------------------------------------------------------------------ */

struct send {
	int64_t run;
	const char *instance;
	struct new_message *message;
};

/* KEY: what became of the messages with these. One without an id: there is none, or it died. */
struct message_key {
	const char *channel, *to, *key;
};

struct key_ask {
	struct message_key *keys;
	size_t count;
};

struct message_state {
	const char *id;
	const char *state, *reason;
	int64_t attempts;
	const char *answer;
	int64_t run;
};

/* Answered when every message is in an end state (or ambiguous), or at the deadline, with what is then. */
struct wait {
	struct id_record *ids;
	size_t count;
	int64_t deadline_ms;
};

struct wait_reply {
	struct message_state *messages;
	size_t count;
};

/* -- TAKE and SETTLE: the sender ------------------------------------------------------------------- */

/* Rows of CHANNEL that are due become `sending`, oldest first, in lane order; expired ones become dead. */
struct take {
	const char *instance;
	const char *channel;
	int64_t limit;
	int64_t now_ms;
	int64_t run; /* only messages of this run (a --once without a daemon); 0: any */
	bool probe;  /* the oldest there is, due or not: it shows whether the destination is back */
	const char *except; /* with `probe`: this one only if there is no other; NULL: none is avoided */
};

struct taken_message {
	const char *id;
	int64_t run;
	const char *job, *channel, *lane, *kind, *key, *to, *subject, *content_type;
	const char *payload;
	size_t payload_length;
	int64_t slot, created_ms, expires_ms, attempts, severity;
	bool urgent;
	bool once;
};

struct take_reply {
	struct taken_message *messages;
	size_t count;
	int64_t next_ms; /* when the next row of the channel is due; 0: none waits */
};

struct settlement {
	const char *id;
	/* "delivered", "retrying", "dead", "ambiguous"; "untried": given back as it was when it was taken */
	const char *state;
	const char *reason;
	const char *answer; /* what the destination said, cut and escaped */
	const char *provider_id;
	int64_t attempts;      /* made since it was taken */
	int64_t not_before_ms; /* retrying */
	bool ambiguous;        /* one of them may have arrived: stays on the record */
};

/* What a lane must not forget over a restart: the sender's own JSON (send/lane.h). */
struct lane_record {
	const char *channel;
	const char *value;
	int64_t divert_until_ms; /* until then its messages go to their stand-ins at once; 0: they need not */
};

struct settle {
	const char *instance;
	int64_t now_ms;
	struct settlement *messages;
	size_t count;
	struct lane_record *lanes;
	size_t lane_count;
};

struct settle_reply {
	int64_t stale; /* rows that this instance no longer held: left as they were */
	struct id_record *replaced; /* dead ones that go by another channel: suppressed, nobody has lost them */
	size_t replaced_count;
};

struct lanes_reply {
	struct lane_record *lanes;
	size_t count;
};

/* Something is due on these channels. */
struct wake {
	struct id_record *channels;
	size_t count;
};

/* -- RUNS, MESSAGES, OUTBOX: what people ask and do ------------------------------------------------ */

struct runs_ask {
	const char *job; /* NULL: all */
	int64_t since_ms;
	int64_t limit; /* newest first */
	int64_t run;   /* just this one; 0: any */
	bool latest;   /* the newest of each job */
};

struct run_row {
	int64_t run; /* 0: a slot that never ran */
	const char *job, *key, *state, *reason, *trigger;
	int64_t slot, attempt, started_ms, ms, messages;
	struct error_record *error;
	struct value_record *values;
	size_t value_count;
};

struct runs_reply {
	struct run_row *rows;
	size_t count;
};

struct messages_ask {
	const char *id; /* just this one, with its payload; NULL: many, without */
	const char *state, *channel;
	int64_t since_ms;
	int64_t ended_since_ms; /* 0: also what has not ended */
	int64_t limit;          /* newest first */
	int64_t run;
};

struct message_row {
	const char *id;
	int64_t run;
	const char *job, *channel, *lane, *kind, *key, *to, *subject, *content_type, *state, *reason, *answer,
	    *provider_id;
	const char *payload;
	size_t payload_length;
	int64_t slot, attempts, created_ms, next_ms, expires_ms;
	bool ambiguous;
	const char *successor; /* the message that went out instead, by another channel */
};

struct messages_reply {
	struct message_row *rows;
	size_t count;
};

struct outbox {
	const char *verb; /* "retry" or "discard" */
	struct id_record *ids;
	size_t count;
	const char *channel, *state; /* instead of ids */
	bool again;                  /* retry also one that was delivered */
	int64_t now_ms;
	int64_t expires_ms; /* of those retried whose time is over; 0: as long again as it had */
};

/* What was done with each, and why not. */
struct outbox_change {
	const char *id, *before, *after, *refused;
};

struct outbox_reply {
	struct outbox_change *changes;
	size_t count;
};

/* How much stands in the outbox, by channel and state. */
struct count_row {
	const char *channel, *state;
	bool unfinished;   /* queued, sending or retrying */
	int64_t messages;
	int64_t oldest_ms; /* when the oldest of them was made */
};

struct counts_reply {
	struct count_row *rows;
	size_t count;
};

/* -- PAUSE and PAUSED: slots of these jobs are skipped --------------------------------------------- */

struct job_pause {
	const char *job;
	int64_t until; /* utc_t; UTC_NEVER: until resumed; 0: resumed */
};

/* PAUSE's request, of jobs that SCHEDULES has asked for, and PAUSED's reply, which also has pauses that are over. */
struct pauses {
	struct job_pause *jobs;
	size_t count;
};

/* -- between main and its children ----------------------------------------------------------------- */

struct log_pair {
	const char *key, *value;
	bool literal;
};

struct log_record {
	int64_t level;
	const char *event;
	struct log_pair *fields;
	size_t count;
};

struct run_order {
	int64_t run; /* 0 with dry_run */
	const char *job;
	const char *key;
	int64_t slot; /* utc_t */
	int64_t now;  /* utc_t: the run's clock reading */
	int64_t attempt;
	int64_t trigger;
	int64_t deadline_ms; /* from now on, for the run as a whole */
	int64_t expires_base; /* utc_t: `expires` counts from here (the slot; a manual run's start) */
	bool dry_run, debug, log_message, again;
	bool own_slot; /* asked for by hand, without an instant: its slot is nobody else's, even in the same second */
	bool by_hand;  /* console messages are born taken */
	bool report;  /* RESULT carries data objects and messages */
	/* `slots_to` not 0: no run at all; the module is asked for its slots of [from, to). */
	int64_t slots_from, slots_to;
	const char *given; /* JSON: what main gives a run of its own to work on; NULL for a job's */
};

enum notice_kind {
	NOTICE_DELIVERED, /* CHANNEL works, or works again; not told of each message */
	NOTICE_DEAD,
	NOTICE_AMBIGUOUS,
	NOTICE_PAUSED,
	NOTICE_SUSPENDED,
	NOTICE_RESUMED,
};

struct notice {
	int64_t kind;
	const char *channel;
	const char *job, *message; /* of a message that was lost */
	int64_t run, slot;
	const char *reason;
};

struct notices {
	struct notice *items;
	size_t count;
};

/* A slot as the module named it. */
struct slot_name {
	const char *key;
	int64_t at;
};

struct run_result {
	int64_t run;
	bool degraded;
	bool leaving; /* the worker exits after this: give it no other run */
	struct error_record *error; /* NULL: ok and committed */
	int64_t started_ms, ended_ms;
	int64_t messages; /* queued, without the suppressed ones */
	struct value_record *values;
	size_t value_count;
	const char *report; /* JSON {data, messages, metrics}, if asked for */
	struct slot_name *slots; /* if asked for, in the order of time */
	size_t slot_count;
};

/* What a checker found wrong with a configuration: its warnings and errors, in order. */
struct problem_record {
	int64_t level; /* enum problem_level */
	const char *file;
	int64_t line, column;
	const char *text;
};

struct checked {
	bool accepted;
	int64_t digest; /* of the files that were judged */
	struct problem_record *problems;
	size_t count;
};

/* To the sender: a person pauses or resumes channels. Answered when the store has kept it. */
struct channels_pause {
	struct id_record *channels;
	size_t count;
	int64_t until_ms; /* wall clock; INT64_MAX: until resumed; 0: resumed */
	const char *by;   /* who */
};

/* What the store process goes by of a configuration that main has loaded anew. */
struct channel_record {
	const char *name;
	bool hold;          /* an ambiguous message waits for a person */
	int64_t definition; /* channel_definition() */
};

struct configuration {
	int64_t log_level;
	int64_t keep_runs_ms, keep_messages_ms;
	struct channel_record *channels; /* all there are */
	size_t count;
};

/* -- control --------------------------------------------------------------------------------------- */

struct control {
	const char *verb; /* "status", "run", "pause", "resume", "reload", "stop" */
	struct id_record *args;
	size_t count;
	int64_t for_s; /* pause: so long; 0: until resumed */
	/* pause and resume: channels, besides the jobs in `args`; `all`: every job and channel there is */
	struct id_record *channels;
	size_t channel_count;
	bool all;
};

struct control_reply {
	int64_t status;   /* exit status for the command */
	const char *text; /* JSON */
};

extern const struct record_type error_record_record, id_record_record, nothing_record, new_message_record,
    hello_record, hello_reply_record, schedules_record, schedules_reply_record, claim_record,
    claim_reply_record, start_record, commit_record, commit_reply_record, close_record, close_reply_record,
    state_ask_record, state_reply_record, states_ask_record, states_reply_record, send_record, message_key_record, key_ask_record, message_state_record, wait_record, wait_reply_record,
    take_record, take_reply_record, settle_record, settle_reply_record, lanes_reply_record, wake_record,
    runs_ask_record, runs_reply_record, messages_ask_record, messages_reply_record, outbox_record,
    outbox_reply_record, counts_reply_record, pauses_record, log_record_record, run_order_record, run_result_record,
    checked_record, channels_pause_record, notices_record, configuration_record, control_record,
    control_reply_record;

#endif
