/* SPDX-License-Identifier: MIT */
/*
 * The configuration: bmad.yaml read, checked and turned into structures.
 *
 *	struct conf_problems problems = {0};
 *	struct conf *conf = conf_load(&(struct conf_request){.path = path, .now = now}, &problems);
 *	... print the problems; conf is NULL if one of them is an error ...
 *	conf_destroy(conf);
 *
 * Loading reports ALL problems, each with file, line and column. References `${...}` stay as they are
 * written: the process that uses a value resolves it (conf_resolve). A loaded configuration never
 * changes and is shared by fork. When another one takes its place it lives on for those who still need it:
 * whoever keeps a pointer into it holds a reference.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmad/job.h>
#include <bmad/option.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/problems.h"
#include "schedule/schedule.h"

struct api_type;
struct channel_type;
struct source_type;

enum misfire { MISFIRE_ONE, MISFIRE_NONE, MISFIRE_ALL };
enum overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_ALLOW };
enum dedupe { DEDUPE_KEY, DEDUPE_SLOT };

/* `on_failure`: who is told of troubles. */
struct conf_on_failure {
	bool off; /* it says false */
	struct texts channels;
	int64_t repeat_ms; /* of a job: -1: as the daemon's */
};

struct conf_daemon {
	const char *store; /* "sqlite:/path" with the path absolute; never NULL after loading */
	int64_t workers;
	const char *timezone; /* name; the system's by default */
	int log_target;       /* enum conf_log_target */
	const char *log_facility;
	int log_level;       /* enum log_level */
	int log_format;      /* enum log_format */
	const char *control; /* absolute path */
	int64_t stop_timeout_ms;
	int64_t keep_runs_ms, keep_messages_ms; /* retention, from when they ended */
	struct conf_on_failure on_failure; /* no channels: nobody is told */
	/* For environments that must not reach everybody. */
	const char *redirect_to;     /* the channel that gets all messages; NULL: none does */
	struct texts allow_channels; /* messages to any other channel are suppressed ... */
	bool restricted;             /* ... if this says so */
};

enum conf_log_target { TARGET_AUTO, TARGET_SYSLOG, TARGET_STDERR };
extern const char *const conf_log_targets[]; /* as they are written */

struct conf_source {
	const char *name;
	struct conf_place place;
	const struct source_type *type; /* NULL while the url begins with a reference; known once resolved */
	struct secret url;              /* may hold a password */
	struct secret password;
	int64_t statement_timeout_ms;
	const char *schema;
	bool writable;
};

struct conf_api {
	const char *name;
	struct conf_place place;
	const struct api_type *type;
	const void *options; /* of the type's own structure */
	int64_t request_timeout_ms; /* of one call as a job sees it, tries and waits included */
	int64_t retry_wait_ms;      /* before the second try; doubled from one to the next */
	int64_t pace_ms;            /* from the beginning of one call to that of the next */
	const char *ca_file, *proxy;
};

struct conf_channel {
	const char *name;
	struct conf_place place;
	const struct channel_type *type;
	const void *options; /* of the type's own structure */
	/* and what every channel has */
	bool enabled;
	struct rates rate;
	bool split;
	int64_t in_flight;
	int64_t timeout_ms;
	int64_t retry_initial_ms, retry_max_ms, max_age_ms;
	int64_t breaker_after, breaker_probe_ms;
	const char *rate_group;  /* channels of one share a rate; NULL: none does */
	const char *fallback;    /* the channel that stands in for it; NULL: none */
	int64_t fallback_after_ms;
	struct texts accept_kinds; /* none: all */
	int accept_severity;       /* enum severity: the least */
	const char *accept_times;  /* as written; NULL: always */
	const struct schedule *accept_schedule;
	int on_ambiguous;      /* enum on_ambiguous */
	struct texts retry_on; /* status codes */
	const char *ca_file, *proxy;
	bool allow_http;
};

enum on_ambiguous { AMBIGUOUS_RETRY, AMBIGUOUS_HOLD };

/* A channel's retry keys where neither the entry nor its type says anything. */
#define CHANNEL_RETRY_INITIAL "2s"
#define CHANNEL_RETRY_MAX     "10m"
#define CHANNEL_MAX_AGE       "6h"

struct conf_job {
	const char *name;
	const struct conf *conf; /* that it is of */
	struct conf_place place;
	const struct job_module *module;
	const char *about;
	bool enabled;
	const struct schedule **schedules; /* none: runs by hand only */
	size_t schedule_count;
	uint64_t fingerprint; /* of schedules, zone and dst: what the phase depends on */
	const struct tz *tz;
	const struct conf_channel **channels;
	size_t channel_count;
	const void *options; /* of the module's own structure */
	int misfire, overlap, dedupe;
	int64_t max_late_ms; /* -1: until the next slot is due (none for MISFIRE_ALL) */
	int64_t max_catchup;
	int64_t timeout_ms;
	int64_t retry_attempts, retry_initial_ms, retry_max_ms;
	int64_t jitter_ms;
	int64_t delay_s;    /* from a slot to when it fires: within the jitter, the same for ever */
	int64_t expires_ms; /* from the slot; -1: only the channel's max_age */
	const struct json *vars;
	const struct json *templates; /* kind -> stem */
	struct conf_on_failure on_failure; /* settled: what the job leaves out is the daemon's */
	bool run_at_start;
	bool dry_run, debug, log_message;
};

/* A `${...}`, which the process that uses the value resolves. */
struct conf_reference {
	struct conf_place place;
	const char *text;  /* "${NAME}" */
	const char *owner; /* "channel 'ops'" */
	bool now;          /* it was resolved while loading: what is wrong with it is told already */
};

struct conf {
	struct arena arena;
	const char *path;        /* as found, absolute */
	const char *folder;      /* its folder: relative paths are relative to it */
	const char *environment; /* NULL: none */
	uint64_t digest;         /* of the files it was read from */
	struct conf_daemon daemon;
	struct conf_source *sources;
	size_t source_count;
	struct conf_api *apis;
	size_t api_count;
	struct conf_channel *channels; /* `console` is among them, named or not */
	size_t channel_count;
	struct conf_job *jobs;
	size_t job_count;
	struct conf_reference *references; /* all there are */
	size_t reference_count;
	struct conf_index *index; /* names to entries, of the sections that can be long */
	size_t *holders;
};

struct conf_request {
	const char *path;        /* NULL: $BMAD_CONFIG, ./bmad.yaml, /etc/bmad/bmad.yaml */
	const char *environment; /* NULL: $BMAD_ENV, else none */
	/* `--set KEY=VALUE` of --once, for the options of this job; VALUE typed like the option. */
	const char *set_job;
	const char *const *sets;
	size_t set_count;
	bool keep;   /* a configuration with errors too, to look for more: not all in it is set */
	bool torn;   /* with `keep`: of a file that is no YAML at least what stands before the fault */
	bool advise; /* warnings of what schedules do that may not be expected */
	utc_t now;   /* for warnings about the coming year's clock changes */
};

/*
 * NULL if there was an error (asked to `keep` it: only if the file could not be read); PROBLEMS then says all
 * that is wrong. Warnings may come with success.
 */
struct conf *conf_load(const struct conf_request *request, struct conf_problems *problems);
void conf_destroy(struct conf *conf); /* by its only owner */
/* The one that it was loaded with is the loader's. conf_unref() of the last one destroys it; NULL is fine. */
const struct conf *conf_ref(const struct conf *conf);
void conf_unref(const struct conf *conf);

/*
 * Adds a job of a command's own, whose name no file can give; before anything is started. Texts are borrowed.
 * What was found of CONF's jobs before is not there any more.
 */
const struct conf_job *conf_add_job(struct conf *conf, const struct conf_job *job);

const struct conf_job *conf_job(const struct conf *conf, const char *name);         /* NULL if unknown */
const struct conf_channel *conf_channel(const struct conf *conf, const char *name); /* NULL if unknown */
const struct conf_source *conf_source(const struct conf *conf, const char *name);   /* NULL if unknown */
const struct conf_api *conf_api(const struct conf *conf, const char *name);         /* NULL if unknown */
/* Where what is meant for CHANNEL goes: to the channel of daemon.redirect_to if there is one, else to itself.
 */
const struct conf_channel *conf_destination(const struct conf *conf, const struct conf_channel *channel);
/* Whether daemon.allow_channels lets messages go out by CHANNEL. */
bool conf_allows(const struct conf *conf, const struct conf_channel *channel);
/* The job, the channel of that name, or a CONFIG error with a near name. */
struct err *conf_job_get(
    const struct conf *conf, const char *name, const struct conf_job **out_job) MUST_CHECK;
struct err *conf_channel_get(
    const struct conf *conf, const char *name, const struct conf_channel **out_channel) MUST_CHECK;

/*
 * A copy of the structure OPTIONS (SIZE bytes, described by TABLE) in ARENA with each `${NAME}`,
 * `${file:PATH}` and `${cred:NAME}` in its texts replaced by what it stands for, now, and `$${` by `${`. What
 * was resolved, and every secret, is made known to the redactor. CONFIG error naming the reference (never its
 * value).
 */
struct err *conf_resolve(const struct conf *conf, const struct option *table, const void *options,
    size_t size, struct arena *arena, const void **out_options) MUST_CHECK;
/* The same for one text and for the entries that have tables of their own in conf, their options included. */
struct err *conf_resolve_text(
    const struct conf *conf, const char *text, struct arena *arena, const char **out_text) MUST_CHECK;
struct err *conf_resolve_source(const struct conf *conf, const struct conf_source *source,
    struct arena *arena, struct conf_source *out_source) MUST_CHECK;
struct err *conf_resolve_api(const struct conf *conf, const struct conf_api *api, struct arena *arena,
    struct conf_api *out_api) MUST_CHECK;
struct err *conf_resolve_channel(const struct conf *conf, const struct conf_channel *channel,
    struct arena *arena, struct conf_channel *out_channel) MUST_CHECK;
/* The strings in a job's `vars`; the copy, if one is needed, belongs to ARENA. */
struct err *conf_resolve_texts(const struct conf *conf, const struct texts *texts, struct arena *arena,
    struct texts *out_texts) MUST_CHECK;
struct err *conf_resolve_json(const struct conf *conf, const struct json *value, struct arena *arena,
    const struct json **out_value) MUST_CHECK;

/*
 * Pure: prints a table for `bmad modules`: key, type, default, meaning; with the rows of MORE at its end, unless
 * it is NULL.
 */
void options_print(const struct option *table, const struct option *more, struct buf *out);
/* The tables of the sections themselves, for `bmad modules job`, `daemon`, `channel`, `source`. */
extern const struct option conf_daemon_options[], conf_defaults_options[], conf_job_options[],
    conf_channel_options[], conf_source_options[], conf_api_options[];
/* Keys of every entry, which are gone when an entry is read by the tables above. */
extern const struct option conf_reuse_options[];

#endif
