/* SPDX-License-Identifier: MIT */
/* The sections `defaults` and `jobs`: which module runs when, how, and where its messages go. */
#include <string.h>

#include "base/text.h"
#include "conf/loader.h"
#include "conf/yaml.h"
#include "schedule/advice.h"

static const char *const misfires[] = {
    [MISFIRE_ONE] = "one", [MISFIRE_NONE] = "none", [MISFIRE_ALL] = "all", NULL};
static const char *const overlaps[] = {
    [OVERLAP_SKIP] = "skip", [OVERLAP_QUEUE] = "queue", [OVERLAP_ALLOW] = "allow", NULL};
static const char *const dedupes[] = {[DEDUPE_KEY] = "key", [DEDUPE_SLOT] = "slot", NULL};
static const char *const dst_rules[] = {
    [DST_VIXIE] = "vixie", [DST_RFC5545] = "rfc5545", [DST_SKIP] = "skip", [DST_BOTH] = "both", NULL};

#define KEY(member)   .offset = offsetof(struct job_keys, member)
#define FIELD(member) .offset = offsetof(struct job_keys, job.member)

static const struct option retry_options[] = {
    {.name = "attempts", .type = OPT_INT, FIELD(retry_attempts), .fallback = "0", .max = 100,
        .help = "how often a slot whose run failed runs again"},
    {.name = "initial", .type = OPT_DURATION, FIELD(retry_initial_ms), .fallback = "1m", .min = 1,
        .help = "wait before the first of them; it doubles"},
    {.name = "max", .type = OPT_DURATION, FIELD(retry_max_ms), .fallback = "15m", .min = 1,
        .help = "the longest wait"},
    OPTION_END,
};

static const struct option on_failure_options[] = {
    {.name = "channels", .type = OPT_NAMES, FIELD(on_failure.channels), .section = "channels",
        .help = "who is told of this job's troubles; those of daemon.on_failure"},
    {.name = "repeat", .type = OPT_DURATION, FIELD(on_failure.repeat_ms), .min = 1000,
        .help = "how often they are told again while it lasts; as daemon.on_failure says"},
    OPTION_END,
};

/* What `defaults` may say for all jobs. */
#define SHARED_OPTIONS                                                                                       \
	{.name = "misfire",                                                                                  \
	    .type = OPT_CHOICE,                                                                              \
	    FIELD(misfire),                                                                                  \
	    .choices = misfires,                                                                             \
	    .fallback = "one",                                                                               \
	    .help = "after a downtime: the newest missed slot runs, none does, or all do"},                  \
	    {.name = "max_late",                                                                             \
	        .type = OPT_DURATION,                                                                        \
	        FIELD(max_late_ms),                                                                          \
	        .help = "a slot later than this is missed; until the next slot, none for misfire all"},      \
	    {.name = "max_catchup",                                                                          \
	        .type = OPT_INT,                                                                             \
	        FIELD(max_catchup),                                                                          \
	        .fallback = "100",                                                                           \
	        .min = 1,                                                                                    \
	        .max = 10000,                                                                                \
	        .help = "at most so many missed slots run with misfire all"},                                \
	    {.name = "overlap",                                                                              \
	        .type = OPT_CHOICE,                                                                          \
	        FIELD(overlap),                                                                              \
	        .choices = overlaps,                                                                         \
	        .fallback = "skip",                                                                          \
	        .help = "a slot that is due while the job still runs is skipped, waits, or runs beside it"}, \
	    {.name = "timeout",                                                                              \
	        .type = OPT_DURATION,                                                                        \
	        FIELD(timeout_ms),                                                                           \
	        .fallback = "15m",                                                                           \
	        .min = 1,                                                                                    \
	        .help = "a run that takes longer is ended"},                                                 \
	    {.name = "dst",                                                                                  \
	        .type = OPT_CHOICE,                                                                          \
	        KEY(dst),                                                                                    \
	        .choices = dst_rules,                                                                        \
	        .fallback = "vixie",                                                                         \
	        .help = "what a clock change does to slots that it swallows or repeats"},                    \
	    {.name = "expires",                                                                              \
	        .type = OPT_DURATION,                                                                        \
	        FIELD(expires_ms),                                                                           \
	        .min = 1,                                                                                    \
	        .help = "messages are useless so long after the slot; as the channel says"},                 \
	    {.name = "retry",                                                                                \
	        .type = OPT_GROUP,                                                                           \
	        .group = retry_options,                                                                      \
	        .help = "further attempts for the slot of a failed run"},                                    \
	    {.name = "jitter",                                                                               \
	        .type = OPT_DURATION,                                                                        \
	        FIELD(jitter_ms),                                                                            \
	        .fallback = "0s",                                                                            \
	        .help = "slots fire later by less than this, always by the same for one job"},               \
	{                                                                                                    \
		.name = "dedupe", .type = OPT_CHOICE, FIELD(dedupe), .choices = dedupes, .fallback = "key",  \
		.help = "what is sent once: what the module says, or each slot's message"                    \
	}

const struct option conf_defaults_options[] = {SHARED_OPTIONS, OPTION_END};

/* clang-format off */
const struct option conf_job_options[] = {
    {.name = "module", .type = OPT_TEXT, KEY(module), .required = true, .help = "the job module that runs"},
    {.name = "schedule", .type = OPT_TEXTS, KEY(schedule),
        .help = "one expression or several; the module's own, else it runs by hand only"},
    {.name = "channels", .type = OPT_NAMES, KEY(channels), .section = "channels",
        .help = "where its messages go"},
    {.name = "options", .type = OPT_GROUP, .help = "the module's own: see bmad modules NAME"},
    {.name = "about", .type = OPT_TEXT, FIELD(about), .help = "what the job is for, for people"},
    {.name = "enabled", .type = OPT_BOOL, FIELD(enabled), .fallback = "true",
        .help = "a job that is not runs by hand only"},
    {.name = "timezone", .type = OPT_TEXT, KEY(timezone), .help = "the zone of its schedule; the daemon's"},
    {.name = "run_at_start", .type = OPT_BOOL, FIELD(run_at_start), .fallback = "false",
        .help = "runs also each time the daemon starts"},
    SHARED_OPTIONS,
    {.name = "vars", .type = OPT_MAP, FIELD(vars), .help = "values for its templates"},
    {.name = "templates", .type = OPT_MAP, FIELD(templates), .help = "other templates: kind of message to stem"},
    {.name = "on_failure", .type = OPT_GROUP, .group = on_failure_options, FIELD(on_failure.off),
        .can_be_false = true, .help = "alarms about this job; false: none"},
    {.name = "dry_run", .type = OPT_BOOL, FIELD(dry_run), .fallback = "false",
        .help = "runs without sending or storing anything"},
    {.name = "debug", .type = OPT_BOOL, FIELD(debug), .fallback = "false", .help = "narrates every decision"},
    {.name = "log_message", .type = OPT_BOOL, FIELD(log_message), .fallback = "false",
        .help = "logs the data object of each message"},
    OPTION_END,
};
/* clang-format on */

void conf_read_defaults(struct loader *loader, const struct node *section)
{
	struct option_reader *reader = &loader->reader;

	reader->owner = (struct option_owner){.kind = "defaults", .place = {.file = loader->conf->path}};
	reader->use = REFERENCES_NONE;
	reader->later = NULL;
	options_default(reader, conf_job_options, &loader->job_defaults);
	options_read(reader, section, &(struct option_part){conf_defaults_options, &loader->job_defaults}, 1);
}

/* -- the module ------------------------------------------------------------------------------------ */

static const struct job_module *find_module(const char *name)
{
	for (size_t i = 0; job_modules[i]; i++)
		if (!strcmp(job_modules[i]->name, name))
			return job_modules[i];
	return NULL;
}

static void refuse_module(struct loader *loader, const struct node *name)
{
	const char *names[OPTIONS_MAX + 1] = {0};

	for (size_t i = 0; i < OPTIONS_MAX && job_modules[i]; i++)
		names[i] = job_modules[i]->name;
	option_problem(&loader->reader, node_place(name), "module", "there is no module '%.100s'%s",
	    name->text, option_near(&loader->reader, name->text, names));
}

static void read_options(struct loader *loader, struct conf_job *job, const struct node *mapping)
{
	struct option_reader *reader = &loader->reader;
	const struct job_module *module = job->module;
	const struct node *written = node_find(mapping, "options");
	void *options = arena_alloc(&loader->conf->arena, module->options_size);

	reader->owner.kind = "options of job";
	reader->use = REFERENCES_LATER;
	reader->later = NULL;
	options_default(reader, module->options, options);
	bool good = options_read(reader, written, &(struct option_part){module->options, options}, 1);
	job->options = options;
	if (good && module->check)
		conf_report(loader, written, module->check(options));
	reader->owner.kind = "job";
}

/* What cannot be read is a mistake in the module. */
static void bring(struct loader *loader, struct job_keys *keys, const char *key, const char *text)
{
	struct option_reader *reader = &loader->reader;
	const struct node *value = text ? yaml_read_value(key, text, reader->arena, reader->problems) : NULL;

	if (value)
		option_read(reader, option_find(conf_job_options, key), value, keys);
}

/* What the module brings for keys of the job, before these are read. */
static void bring_module(struct loader *loader, struct job_keys *keys, const struct node *mapping)
{
	const struct node *name = node_find(mapping, "module");
	const struct job_module *module = name && name->kind == NODE_TEXT ? find_module(name->text) : NULL;

	keys->job.module = module;
	if (!module)
		return;
	bring(loader, keys, "misfire", module->misfire);
	bring(loader, keys, "max_late", module->max_late);
	bring(loader, keys, "timeout", module->timeout);
	keys->job.run_at_start = module->run_at_start;
}

static void settle_module(struct loader *loader, struct job_keys *keys, const struct node *mapping)
{
	if (!keys->module) /* missing: told already */
		return;
	if (keys->job.module)
		read_options(loader, &keys->job, mapping);
	else
		refuse_module(loader, node_find(mapping, "module"));
}

/* -- the schedule ---------------------------------------------------------------------------------- */

static void destroy_schedule(void *schedule)
{
	schedule_destroy(schedule);
}

static void report_schedule(struct loader *loader, const struct node *written, struct err *e, int column)
{
	struct option_reader *reader = &loader->reader;

	if (written)
		option_problem(reader, node_place_at(written, column > 0 ? (size_t)column - 1 : 0),
		    "schedule", "%s", err_message(e));
	else
		option_problem(
		    reader, reader->owner.place, "schedule", "the module's own: %s", err_message(e));
	err_destroy(e);
}

/* @module, of a module that names no slots. */
static bool nobody_names(
    struct loader *loader, const struct job_keys *keys, const struct node *written, const struct schedule *schedule)
{
	const struct job_module *module = keys->job.module;

	if (schedule_kind(schedule) != SCHEDULE_MODULE || !module || module->slots)
		return false;
	option_problem(&loader->reader, written ? node_place(written) : loader->reader.owner.place,
	    "schedule", "the module '%s' names no slots: expected a schedule of its own, such as a cron expression",
	    module->name);
	return true;
}

struct advised {
	struct loader *loader;
	const struct node *written;
};

static void warn_of_schedule(void *arg, int column, const char *text)
{
	const struct advised *advised = arg;
	const struct option_owner *owner = &advised->loader->reader.owner;
	const struct node *written = advised->written;

	conf_problem(advised->loader->problems, PROBLEM_WARNING,
	    written ? node_place_at(written, (size_t)column - 1) : owner->place, "'schedule' in job '%s': %s",
	    owner->name, text);
}

/* TEXT, which stands at WRITTEN (NULL: it is the module's), as the job's next schedule. */
static void add_schedule(
    struct loader *loader, struct job_keys *keys, const char *text, const struct node *written)
{
	struct conf_job *job = &keys->job;
	struct schedule *schedule;
	int column = 0;
	struct err *e =
	    schedule_parse(text, job->tz, job->name, (enum dst_rule)keys->dst, &schedule, &column);

	if (e) {
		report_schedule(loader, written, e, column);
		return;
	}
	arena_defer(&loader->conf->arena, destroy_schedule, schedule);
	if (nobody_names(loader, keys, written, schedule))
		return;
	job->schedules[job->schedule_count++] = schedule;
	if (loader->request->advise && job->enabled)
		schedule_advise(
		    schedule, loader->request->now, warn_of_schedule, &(struct advised){loader, written});
	job->fingerprint = fnv1a(job->fingerprint, text, strlen(text) + 1);
}

static void settle_schedules(struct loader *loader, struct job_keys *keys, const struct node *mapping)
{
	struct conf_job *job = &keys->job;
	const struct node *written = node_find(mapping, "schedule");
	size_t count = keys->schedule.count;

	job->fingerprint = fnv1a(FNV_START, &keys->dst, sizeof(keys->dst));
	job->fingerprint = fnv1a(job->fingerprint, tz_name(job->tz), strlen(tz_name(job->tz)) + 1);
	job->schedules =
	    arena_alloc(&loader->conf->arena, (count ? count : 1) * sizeof(const struct schedule *));
	if ((!written || node_is_null(written)) && job->module && job->module->schedule)
		add_schedule(loader, keys, job->module->schedule, NULL);
	for (size_t i = 0; written && i < count; i++)
		add_schedule(loader, keys, keys->schedule.items[i],
		    written->kind == NODE_LIST ? written->items[i] : written);
}

/* By the job's name alone, so that it is the same on every node and after every restart. */
static void settle_jitter(struct conf_job *job)
{
	uint64_t hash = fnv1a(FNV_START, job->name, strlen(job->name) + 1);
	int64_t seconds = job->jitter_ms / 1000;

	hash = fnv1a(hash, "jitter", strlen("jitter"));
	job->delay_s = seconds > 0 ? (int64_t)(hash % (uint64_t)seconds) : 0;
}

static void settle_timezone(struct loader *loader, struct job_keys *keys, const struct node *mapping)
{
	const struct node *written = node_find(mapping, "timezone");
	const char *name = keys->timezone ? keys->timezone : loader->conf->daemon.timezone;
	struct err *e = tz_get(name, &keys->job.tz);

	if (!e)
		return;
	option_problem(&loader->reader, written ? node_place(written) : loader->reader.owner.place,
	    "timezone", "%s", err_message(e));
	err_destroy(e);
	err_ignore(tz_get("UTC", &keys->job.tz)); /* always there: the schedule can still be checked */
}

/* -- the rest -------------------------------------------------------------------------------------- */

static void settle_channels(struct loader *loader, struct job_keys *keys, const struct node *mapping)
{
	struct conf *conf = loader->conf;
	struct conf_job *job = &keys->job;

	job->channel_count =
	    keys->channels.count; /* each is there: the table asked for names of the section */
	job->channels = arena_alloc(&conf->arena, job->channel_count * sizeof(const struct conf_channel *));
	for (size_t i = 0; i < job->channel_count; i++)
		job->channels[i] = conf_channel(conf, keys->channels.items[i]);
	if (job->module && !job->module->names_channels && !node_find(mapping, "channels"))
		conf_problem(loader->problems, PROBLEM_WARNING, job->place,
		    "job '%s' lists no channels: its messages would go nowhere", job->name);
}

/* What the job leaves out is the daemon's; an own value that reaches nobody is a mistake. */
static void settle_on_failure(struct loader *loader, struct conf_job *job, const struct node *mapping)
{
	const struct conf_on_failure *common = &loader->conf->daemon.on_failure;
	struct conf_on_failure *own = &job->on_failure;
	const struct node *written = node_find(mapping, "on_failure");

	if (own->repeat_ms < 0)
		own->repeat_ms = common->repeat_ms;
	if (own->off || own->channels.count)
		return;
	own->off = common->off;
	own->channels = common->channels;
	if (written && written->kind == NODE_MAPPING && !own->channels.count)
		option_problem(&loader->reader, node_place(written), "on_failure",
		    "names no channels, nor does daemon.on_failure");
}

static void check_templates(struct loader *loader, const struct conf_job *job, const struct node *mapping)
{
	const struct node *written = node_find(mapping, "templates");

	json_each(stem, job->templates)
		if (!json_is(stem, JSON_STRING))
			option_problem(&loader->reader, node_place(node_find(written, json_key(stem))),
			    "templates", "expected the stem of a template for '%s'", json_key(stem));
}

static void read_job(struct loader *loader, struct conf_job *job, const struct node *mapping)
{
	struct option_reader *reader = &loader->reader;
	struct job_keys keys = loader->job_defaults;

	reader->owner = (struct option_owner){"job", job->name, job->place};
	loader->problems->subject = job->name;
	reader->use = REFERENCES_NONE;
	reader->later = NULL;
	keys.job.name = job->name;
	keys.job.conf = loader->conf;
	keys.job.place = job->place;
	bring_module(loader, &keys, mapping);
	options_read(reader, mapping, &(struct option_part){conf_job_options, &keys}, 1);
	settle_timezone(loader, &keys, mapping);
	settle_module(loader, &keys, mapping);
	settle_schedules(loader, &keys, mapping);
	settle_jitter(&keys.job);
	settle_channels(loader, &keys, mapping);
	settle_on_failure(loader, &keys.job, mapping);
	check_templates(loader, &keys.job, mapping);
	*job = keys.job;
}

void conf_read_jobs(struct loader *loader, const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].mapping)
			read_job(loader, &loader->conf->jobs[i], entries->items[i].mapping);
}
