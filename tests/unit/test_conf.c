/* SPDX-License-Identifier: MIT */
/* Loading: sections and their defaults, names that hang in the air, places of problems, references, --set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include <bmad/api.h>

#include "conf/conf.h"
#include "send/channel.h"
#include "source/source.h"

/* -- modules and types of the tests' own -- */

struct report_options {
	const char *source, *title;
	int64_t grace_ms;
	const struct json *params;
};

/* clang-format off */
static const struct option report_table[] = {
    OPTION(struct report_options, source, OPT_NAME, .section = "sources", .required = true, .help = "the database"),
    OPTION(struct report_options, title, OPT_TEXT, .help = "the headline"),
    {.name = "grace", .type = OPT_DURATION, .offset = offsetof(struct report_options, grace_ms), .fallback = "120s",
        .help = "time given to late rows"},
    OPTION(struct report_options, params, OPT_MAP, .help = "parameters"),
    OPTION_END,
};
/* clang-format on */

static struct err *check_report(const void *options)
{
	const struct report_options *report = options;

	if (report->title && !strcmp(report->title, "bad"))
		return ERR(ERR_CONFIG, "title must be a good one");
	if (report->grace_ms == 13000)
		return ERR(ERR_CONFIG, "the number thirteen is refused");
	return NULL;
}

static const struct job_module report_module = {
    .name = "report",
    .schedule = "@every 5m",
    .options = report_table,
    .options_size = sizeof(struct report_options),
    .names_channels = true,
    .check = check_report,
};
static const struct job_module speaker_module = {.name = "speaker"};
static const struct job_module plain_module = {.name = "plain", .names_channels = true};

static struct err *name_nothing(struct run *run, utc_t from, utc_t to)
{
	(void)run, (void)from, (void)to;
	return NULL;
}

static const struct job_module bringer_module = {
    .name = "bringer",
    .schedule = "@module",
    .misfire = "all",
    .max_late = "24h",
    .timeout = "2m",
    .run_at_start = true,
    .names_channels = true,
    .slots = name_nothing,
};
const struct job_module *const job_modules[] = {
    &report_module, &plain_module, &speaker_module, &bringer_module, NULL};

struct hook_options {
	struct secret url;
	const char *dir;
	struct texts keys;
};

static const struct option hook_table[] = {
    OPTION(struct hook_options, url, OPT_SECRET, .required = true, .help = "the address"),
    OPTION(struct hook_options, dir, OPT_PATH, .help = "a folder"),
    OPTION(struct hook_options, keys, OPT_SECRETS, .help = "keys that sign"),
    OPTION_END,
};

static struct err *check_hook(const struct conf_channel *channel, const void *options)
{
	const struct hook_options *hook = options;

	if (strncmp(hook->url.hidden, "http:", 5) != 0 || channel->allow_http)
		return NULL;
	return ERR(ERR_CONFIG, "url must begin with https://");
}

static const struct channel_type console_type = {.name = "console", .max_age = "1h"};
static const struct channel_type hook_type = {
    .name = "hook",
    .options = hook_table,
    .options_size = sizeof(struct hook_options),
    .rate = "4/s, 60/30s",
    .retry_initial = "5s",
    .on_ambiguous = AMBIGUOUS_HOLD,
    .check = check_hook,
};
const struct channel_type *const channel_types[] = {&console_type, &hook_type, NULL};

static const struct source_type sqlite_type = {.name = "sqlite", .scheme = "sqlite:"};
const struct source_type *const source_types[] = {&sqlite_type, NULL};

struct tickets_options {
	const char *base_url;
	struct secret client_secret;
};

static const struct option tickets_table[] = {
    OPTION(struct tickets_options, base_url, OPT_TEXT, .required = true, .help = "where tickets are"),
    OPTION(struct tickets_options, client_secret, OPT_SECRET, .required = true, .help = "the client's secret"),
    OPTION_END,
};
static const struct api_type tickets_type = {
    .name = "tickets",
    .options = tickets_table,
    .options_size = sizeof(struct tickets_options),
    .request_timeout = "60s",
    .retry_wait = "5s",
};
const struct api_type *const api_types[] = {&tickets_type, NULL};

/* -- the bench -- */

struct fixture {
	struct conf_problems problems;
	struct buf printed;
	struct conf *conf;
	char path[40];
	struct conf_request request;
};

static void load(struct fixture *f, const char *yaml)
{
	strcpy(f->path, "/tmp/bmad-conf-XXXXXX");
	int fd = mkstemp(f->path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	f->request.path = f->path;
	f->conf = conf_load(&f->request, &f->problems);
	unlink(f->path);
	conf_problems_print(&f->problems, &f->printed);
}

/* The problems without the file's name. */
static const char *problems(struct fixture *f)
{
	struct buf out = {0};

	for (const char *at = buf_text(&f->printed); *at; at++) {
		if (!strncmp(at, f->path, strlen(f->path)) && at[strlen(f->path)] == ':')
			at += strlen(f->path) + 1;
		buf_add_char(&out, *at);
	}
	buf_done(&f->printed);
	f->printed = out;
	return buf_text(&f->printed);
}

static void done(struct fixture *f)
{
	conf_destroy(f->conf);
	conf_problems_done(&f->problems);
	buf_done(&f->printed);
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("BMAD_ENV");
	unsetenv("BMAD_CONFIG");
	unsetenv("RUNTIME_DIRECTORY");
	unsetenv("NOT_SET");
	setenv("STATE_DIRECTORY", "/var/lib/bmad:/var/lib/other", 1);
	setenv("HOOK_TOKEN", "hush-hush-token", 1);
	return 0;
}

/* -- what is read -- */

static void an_empty_configuration_has_all_defaults(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "");
	assert_string_equal(problems(&f), "");
	assert_non_null(f.conf);
	const struct conf_daemon *daemon = &f.conf->daemon;
	assert_string_equal(daemon->store, "sqlite:/var/lib/bmad/bmad.db");
	assert_string_equal(daemon->control, "/var/lib/bmad/bmad.db.control");
	assert_string_equal(daemon->timezone, tz_system_name());
	assert_int_equal(daemon->workers, 4);
	assert_int_equal(daemon->log_target, TARGET_AUTO);
	assert_string_equal(daemon->log_facility, "daemon");
	assert_int_equal(daemon->log_level, LEVEL_INFO);
	assert_int_equal(daemon->log_format, FORMAT_KV);
	assert_int_equal(daemon->stop_timeout_ms, 30000);
	assert_int_equal(daemon->keep_runs_ms, INT64_C(90) * 86400000);
	assert_int_equal(daemon->keep_messages_ms, INT64_C(30) * 86400000);
	assert_int_equal(f.conf->job_count, 0);
	assert_int_equal(f.conf->channel_count, 1);
	assert_string_equal(f.conf->folder, "/tmp");
	assert_string_equal(f.conf->path, f.path);
}

static void the_store_is_in_the_home_folder_where_no_service_manager_names_one(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	unsetenv("STATE_DIRECTORY");
	setenv("HOME", "/home/someone", 1);
	setenv("RUNTIME_DIRECTORY", "/run/bmad", 1);
	load(&f, "");
	set_up(state);
	assert_string_equal(f.conf->daemon.store, "sqlite:/home/someone/.local/state/bmad/bmad.db");
	assert_string_equal(f.conf->daemon.control, "/run/bmad/control.sock");
}

static void the_daemons_keys_are_read(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	setenv("WHERE", "state", 1);
	load(&f,
	    "daemon:\n  store: sqlite:${WHERE}/b.db\n  workers: 2\n  timezone: Asia/Tokyo\n"
	    "  log: {target: syslog, facility: local3, level: debug, format: json}\n  control: run/c.sock\n"
	    "  stop_timeout: 5s\n  retention: {runs: 7d, messages: 36h}\napis:\n");
	assert_string_equal(problems(&f), "");
	const struct conf_daemon *daemon = &f.conf->daemon;
	assert_string_equal(daemon->store, "sqlite:/tmp/state/b.db");
	assert_string_equal(daemon->control, "/tmp/run/c.sock");
	assert_string_equal(daemon->timezone, "Asia/Tokyo");
	assert_int_equal(daemon->workers, 2);
	assert_int_equal(daemon->log_target, TARGET_SYSLOG);
	assert_string_equal(daemon->log_facility, "local3");
	assert_int_equal(daemon->log_level, LEVEL_DEBUG);
	assert_int_equal(daemon->log_format, FORMAT_JSON);
	assert_int_equal(daemon->stop_timeout_ms, 5000);
	assert_int_equal(daemon->keep_runs_ms, INT64_C(7) * 86400000);
	assert_int_equal(daemon->keep_messages_ms, INT64_C(36) * 3600000);
	assert_int_equal(f.conf->reference_count, 1); /* listed, though resolved already */
}

static void sources_are_mappings_or_bare_urls(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "sources:\n  a: sqlite:demo/plant.db\n"
	         "  b: {url: 'sqlite:/srv/b.db', statement_timeout: 5s, schema: public, writable: yes}\n"
	         "  c: ${PLANT_URL}\n  d: 'sqlite::memory:'\n");
	assert_string_equal(problems(&f), "");
	assert_int_equal(f.conf->source_count, 4);
	const struct conf_source *a = conf_source(f.conf, "a"), *b = conf_source(f.conf, "b");
	assert_string_equal(a->url.hidden, "sqlite:/tmp/demo/plant.db");
	assert_ptr_equal(a->type, &sqlite_type);
	assert_int_equal(a->statement_timeout_ms, 60000);
	assert_false(a->writable);
	assert_string_equal(b->url.hidden, "sqlite:/srv/b.db");
	assert_int_equal(b->statement_timeout_ms, 5000);
	assert_string_equal(b->schema, "public");
	assert_true(b->writable);
	assert_null(conf_source(f.conf, "c")->type); /* known when the url is resolved */
	assert_string_equal(conf_source(f.conf, "d")->url.hidden, "sqlite::memory:");
	assert_null(conf_source(f.conf, "e"));
}

static void channels_have_their_types_defaults(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f,
	    "channels:\n  h: {type: hook, url: 'https://x.example/${HOOK_TOKEN}', dir: out}\n"
	    "  i: {type: hook, url: 'http://x.example', allow_http: true, rate: 1/m, retry: {max: 1m}, "
	    "on_ambiguous: retry, retry_on: 425, ca_file: ca.pem, enabled: no, in_flight: 3, timeout: 7s}\n");
	assert_string_equal(problems(&f), "");
	const struct conf_channel *h = conf_channel(f.conf, "h"), *i = conf_channel(f.conf, "i");
	const struct conf_channel *console = conf_channel(f.conf, "console");
	assert_ptr_equal(h->type, &hook_type);
	assert_true(h->enabled);
	assert_int_equal(h->rate.count, 2);
	assert_int_equal(h->retry_initial_ms, 5000);
	assert_int_equal(h->retry_max_ms, 600000);
	assert_int_equal(h->max_age_ms, 6 * 3600000);
	assert_int_equal(h->on_ambiguous, AMBIGUOUS_HOLD);
	assert_int_equal(h->in_flight, 1);
	assert_int_equal(h->timeout_ms, 30000);
	assert_string_equal(((const struct hook_options *)h->options)->dir, "/tmp/out");
	assert_int_equal(i->rate.items[0].window_ms, 60000);
	assert_int_equal(i->retry_initial_ms, 5000);
	assert_int_equal(i->retry_max_ms, 60000);
	assert_int_equal(i->on_ambiguous, AMBIGUOUS_RETRY);
	assert_string_equal(i->retry_on.items[0], "425");
	assert_string_equal(i->ca_file, "/tmp/ca.pem");
	assert_false(i->enabled);
	assert_int_equal(i->in_flight, 3);
	assert_int_equal(i->timeout_ms, 7000);
	assert_ptr_equal(console->type, &console_type); /* there without being named */
	assert_int_equal(console->max_age_ms, 3600000);
	assert_int_equal(f.conf->channel_count, 3);
}

static void a_named_console_stands_for_the_usual_one(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "channels: {console: {type: console, timeout: 1s}}\n");
	assert_int_equal(f.conf->channel_count, 1);
	assert_int_equal(conf_channel(f.conf, "console")->timeout_ms, 1000);
}

static void jobs_are_read_over_the_defaults(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f,
	    "jobs:\n"
	    "  a: {module: report, options: {source: plant}}\n"
	    "  b: {module: plain, schedule: ['5 * * * *', '@every 1h'], channels: [h, console], about: No, "
	    "timezone: Asia/Tokyo, misfire: all, max_late: 1h, max_catchup: 3, overlap: queue, timeout: 1m, "
	    "dst: both, expires: 2h, vars: {n: 1}, templates: {report: short}, dedupe: slot, dry_run: true, "
	    "debug: true, log_message: true, enabled: false}\n"
	    "  c: {module: plain}\n"
	    "defaults: {timeout: 2m, misfire: none}\nsources: {plant: 'sqlite:p.db'}\n"
	    "channels: {h: {type: hook, url: '${HOOK}'}}\ndaemon: {timezone: Europe/Berlin}\n");
	assert_string_equal(problems(&f), "");
	const struct conf_job *a = conf_job(f.conf, "a"), *b = conf_job(f.conf, "b"),
	                      *c = conf_job(f.conf, "c");
	const struct report_options *options = a->options;
	assert_ptr_equal(a->module, &report_module);
	assert_string_equal(options->source, "plant");
	assert_int_equal(options->grace_ms, 120000);
	assert_int_equal(a->schedule_count, 1); /* the module's own */
	assert_string_equal(schedule_text(a->schedules[0]), "@every 5m");
	assert_string_equal(tz_name(a->tz), "Europe/Berlin");
	assert_true(a->enabled);
	assert_int_equal(a->misfire, MISFIRE_NONE);
	assert_int_equal(a->timeout_ms, 120000);
	assert_int_equal(a->max_late_ms, -1);
	assert_int_equal(a->expires_ms, -1);
	assert_int_equal(a->max_catchup, 100);
	assert_int_equal(a->overlap, OVERLAP_SKIP);
	assert_int_equal(a->dedupe, DEDUPE_KEY);
	assert_int_equal(json_length(a->vars), 0);
	assert_int_equal(b->schedule_count, 2);
	assert_int_equal(b->channel_count, 2);
	assert_ptr_equal(b->channels[0], conf_channel(f.conf, "h"));
	assert_string_equal(b->about, "No");
	assert_string_equal(tz_name(b->tz), "Asia/Tokyo");
	assert_int_equal(b->misfire, MISFIRE_ALL);
	assert_int_equal(b->max_late_ms, 3600000);
	assert_int_equal(b->max_catchup, 3);
	assert_int_equal(b->overlap, OVERLAP_QUEUE);
	assert_int_equal(b->timeout_ms, 60000);
	assert_int_equal(b->expires_ms, 7200000);
	assert_int_equal(b->dedupe, DEDUPE_SLOT);
	assert_string_equal(json_text(json_get(b->templates, "report")), "short");
	assert_true(b->dry_run && b->debug && b->log_message && !b->enabled);
	assert_int_equal(c->schedule_count, 0);
	assert_int_equal(c->place.line, 4);
}

static void jitter_delays_a_job_by_its_name_and_changes_no_phase(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "defaults: {jitter: 1h}\n"
	         "jobs: {a: {module: report, options: {source: p}},\n"
	         "       b: {module: report, options: {source: p}, jitter: 0s}}\n"
	         "sources: {p: 'sqlite:x'}");
	assert_non_null(f.conf);
	assert_int_equal(conf_job(f.conf, "a")->delay_s, 3218);
	assert_int_equal(conf_job(f.conf, "b")->delay_s, 0);
	assert_true(conf_job(f.conf, "a")->fingerprint == conf_job(f.conf, "b")->fingerprint);
}

static void what_a_module_brings_stands_between_the_defaults_and_the_job(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "defaults: {misfire: none, max_late: 1m, timeout: 1m, overlap: queue}\n"
	         "jobs:\n  brought: {module: bringer}\n"
	         "  said: {module: bringer, misfire: one, timeout: 9m, run_at_start: false, schedule: '5 * * * *'}\n"
	         "  plain: {module: plain}\n");
	assert_string_equal(problems(&f), "");
	const struct conf_job *brought = conf_job(f.conf, "brought");
	const struct conf_job *said = conf_job(f.conf, "said");
	const struct conf_job *plain = conf_job(f.conf, "plain");
	assert_int_equal(brought->misfire, MISFIRE_ALL);
	assert_int_equal(brought->max_late_ms, 24 * 3600 * 1000);
	assert_int_equal(brought->timeout_ms, 2 * 60 * 1000);
	assert_true(brought->run_at_start);
	assert_int_equal(brought->overlap, OVERLAP_QUEUE); /* of which it brings nothing */
	assert_int_equal(schedule_kind(brought->schedules[0]), SCHEDULE_MODULE);
	assert_int_equal(said->misfire, MISFIRE_ONE);
	assert_int_equal(said->max_late_ms, 24 * 3600 * 1000);
	assert_int_equal(said->timeout_ms, 9 * 60 * 1000);
	assert_false(said->run_at_start);
	assert_int_equal(schedule_kind(said->schedules[0]), SCHEDULE_CRON);
	assert_int_equal(plain->misfire, MISFIRE_NONE);
	assert_false(plain->run_at_start);
}

static void the_fingerprint_tells_what_the_phase_depends_on(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "jobs:\n  a: {module: plain, schedule: '5 * * * *'}\n"
	         "  same: {module: plain, schedule: ['5 * * * *'], timeout: 1s, about: x}\n"
	         "  time: {module: plain, schedule: '6 * * * *'}\n"
	         "  more: {module: plain, schedule: ['5 * * * *', '6 * * * *']}\n"
	         "  zone: {module: plain, schedule: '5 * * * *', timezone: Asia/Tokyo}\n"
	         "  rule: {module: plain, schedule: '5 * * * *', dst: both}\n"
	         "daemon: {timezone: UTC}\n");
	assert_string_equal(problems(&f), "");
	uint64_t a = conf_job(f.conf, "a")->fingerprint;
	assert_true(conf_job(f.conf, "same")->fingerprint == a);
	assert_true(conf_job(f.conf, "time")->fingerprint != a);
	assert_true(conf_job(f.conf, "more")->fingerprint != a);
	assert_true(conf_job(f.conf, "zone")->fingerprint != a);
	assert_true(conf_job(f.conf, "rule")->fingerprint != a);
}

/* -- what is refused -- */

static void an_api_is_read_by_its_type(void **state)
{
	struct fixture f = {0};

	(void)state;
	load(&f, "apis:\n"
	         "  .all: {type: tickets, base_url: 'https://a.example', retry_wait: 1s}\n"
	         "  one: {like: .all, client_secret: '${file:/dev/null}'}\n");
	assert_string_equal(problems(&f), "");
	const struct conf_api *api = conf_api(f.conf, "one");
	const struct tickets_options *own = api->options;
	assert_string_equal(own->base_url, "https://a.example");
	assert_string_equal(own->client_secret.hidden, "${file:/dev/null}");
	assert_int_equal(api->request_timeout_ms, 60000);
	assert_int_equal(api->retry_wait_ms, 1000);
	done(&f);
}

static void a_job_goes_by_the_daemons_on_failure_where_it_says_nothing(void **state)
{
	struct fixture f = {0};

	(void)state;
	load(&f, "daemon: {on_failure: {channels: [console], repeat: 2h}}\n"
	         "channels: {own: {type: hook, url: 'https://x.example'}}\n"
	         "jobs:\n"
	         "  plain: {module: plain}\n"
	         "  off: {module: plain, on_failure: false}\n"
	         "  often: {module: plain, on_failure: {repeat: 5m}}\n"
	         "  others: {module: plain, on_failure: {channels: own}}\n");
	assert_string_equal(problems(&f), "");
	const struct conf_on_failure *plain = &conf_job(f.conf, "plain")->on_failure;
	const struct conf_on_failure *often = &conf_job(f.conf, "often")->on_failure;
	const struct conf_on_failure *others = &conf_job(f.conf, "others")->on_failure;
	assert_false(plain->off);
	assert_string_equal(plain->channels.items[0], "console");
	assert_int_equal(plain->repeat_ms, 7200000);
	assert_true(conf_job(f.conf, "off")->on_failure.off);
	assert_string_equal(often->channels.items[0], "console");
	assert_int_equal(often->repeat_ms, 300000);
	assert_string_equal(others->channels.items[0], "own");
	assert_int_equal(others->repeat_ms, 7200000);
	done(&f);
}

static void each_mistake_is_told_at_its_place(void **state)
{
	static const struct {
		const char *yaml, *problem;
	} rows[] = {
	    {"job: {}", "1:1: error: unknown key 'job' in the configuration; did you mean 'jobs'?\n"},
	    {"[a]", "1:1: error: the configuration: expected a mapping of keys, not a list\n"},
	    {"jobs: x", "1:7: error: 'jobs': expected a mapping, not a text\n"},
	    {"apis: {b: {}}",
	        "1:8: error: 'type' in API 'b': an API is a mapping that says whose it is, such as {type: bruin, ...}\n"},
	    {"apis: {b: {type: ticket}}",
	        "1:18: error: 'type' in API 'b': there is no API type 'ticket'; did you mean 'tickets'?\n"},
	    {"apis: {b: {type: tickets, base_url: 'https://a.example'}}",
	        "1:8: error: the key 'client_secret' is missing in API 'b': the client's secret\n"},
	    {"daemon: {web: {listen: x}, on_failure: false}",
	        "1:10: error: key 'web' of daemon is not supported by this version yet\n"},
	    {"daemon: {store: 'postgresql://x/y'}",
	        "1:17: error: 'store' in daemon: expected sqlite:PATH, the only "
	        "kind of store in this version\n"},
	    {"daemon: {store: 'sqlite:'}",
	        "1:17: error: 'store' in daemon: expected sqlite:PATH, the only kind of "
	        "store in this version\n"},
	    {"daemon: {log: {level: loud}}", "1:23: error: 'level' in 'log' of daemon: expected one of "
	                                     "debug, info, warning, error, not 'loud'\n"},
	    {"daemon: {store: '${NOT_SET}'}", "1:17: error: 'store' in daemon: ${NOT_SET} does not resolve: "
	                                      "the environment variable is not set\n"},
	    {"sources: {a: 'mysql://x'}",
	        "1:14: error: 'url' in source 'a': expected one that begins with sqlite:\n"},
	    {"sources: {a: {}}",
	        "1:11: error: the key 'url' is missing in source 'a': where the database is: "
	        "sqlite:PATH or postgresql://USER@HOST/DATABASE\n"},
	    {"sources: {a: }", "1:11: error: the key 'url' is missing in source 'a': where the database is: "
	                       "sqlite:PATH or postgresql://USER@HOST/DATABASE\n"},
	    {"sources: {a: [x]}", "1:14: error: source 'a': expected a mapping of keys, not a list\n"},
	    {"sources: {'a b': 'sqlite:x'}",
	        "1:11: error: 'a b' is no name for a source: letters, digits, '_', '.' "
	        "and '-', at most 64, a letter or digit first\n"},
	    {"channels: {a: {type: hok, url: x}}",
	        "1:22: error: 'type' in channel 'a': there is no channel type 'hok'; did you mean 'hook'?\n"},
	    {"channels: {a: {url: x}}",
	        "1:12: error: the key 'type' is missing in channel 'a': what kind of channel "
	        "it is\n"},
	    {"channels: {a: https://x}",
	        "1:15: error: 'type' in channel 'a': a channel is a mapping such as {type: "
	        "webhook, ...}, not a text\n"},
	    {"channels: {a: {type: hook}}",
	        "1:12: error: the key 'url' is missing in channel 'a': the address\n"},
	    {"channels: {a: {type: hook, url: x, ulr: y}}",
	        "1:36: error: unknown key 'ulr' in channel 'a'; did you mean 'url'?\n"},
	    {"channels: {a: {type: hook, url: 'http://x'}}",
	        "1:33: error: channel 'a': url must begin with https://\n"},
	    {"jobs: {x: {schedul: a, module: plain}}",
	        "1:12: error: unknown key 'schedul' in job 'x'; did you mean 'schedule'?\n"},
	    {"jobs: {x: {}}",
	        "1:8: error: the key 'module' is missing in job 'x': the job module that runs\n"},
	    {"jobs: {x: {module: raport}}",
	        "1:20: error: 'module' in job 'x': there is no module 'raport'; did you mean 'report'?\n"},
	    {"jobs: {x: {module: plain, channels: [consol]}}",
	        "1:38: error: 'channels' in job 'x': there is no channel 'consol'; did you mean "
	        "'console'?\n"},
	    {"jobs: {x: {module: report, options: {source: plnt}}}\nsources: {plant: 'sqlite:x'}",
	        "1:46: error: 'source' in options of job 'x': there is no source 'plnt'; did you mean "
	        "'plant'?\n"},
	    {"jobs: {x: {module: report}}",
	        "1:8: error: the key 'source' is missing in options of job 'x': the database\n"},
	    {"jobs: {x: {module: report, options: {source: p, title: bad}}}\nsources: {p: 'sqlite:x'}",
	        "1:56: error: options of job 'x': title must be a good one\n"},
	    {"jobs: {x: {module: report, options: {source: p, grace: 13s}}}\nsources: {p: 'sqlite:x'}",
	        "1:8: error: options of job 'x': the number thirteen is refused\n"},
	    {"jobs: {x: {module: plain, options: {a: 1}}}",
	        "1:37: error: unknown key 'a' in options of job 'x'\n"},
	    {"jobs: {x: {module: plain, timezone: Asia/Tokio}}", "1:37: error: 'timezone' in job 'x': "},
	    {"jobs: {x: {module: plain, on_failure: {}}}",
	        "1:39: error: 'on_failure' in job 'x': names no channels, nor does daemon.on_failure\n"},
	    {"jobs: {x: {module: plain, on_failure: yes}}",
	        "1:39: error: 'on_failure' in job 'x': expected a mapping or false, not a text\n"},
	    {"daemon: {on_failure: {repeat: 1m}}",
	        "1:22: error: the key 'channels' is missing in 'on_failure' of daemon: who is told of failed "
	        "runs, missed slots, lost messages and channels that stand still\n"},
	    {"daemon: {on_failure: {channels: [ops], repeat: 10ms}}",
	        "1:34: error: 'channels' in 'on_failure' of daemon: there is no channel 'ops'\n"
	        "1:48: error: 'repeat' in 'on_failure' of daemon: '10ms' is out of range: expected a duration "
	        "such as 500ms, 90s, 15m, 1h30m or 7d\n"},
	    {"jobs: {x: {module: plain, templates: {report: [a]}}}",
	        "1:47: error: 'templates' in job 'x': expected the stem of a template for 'report'\n"},
	    {"jobs: {x: {module: plain, about: '${X}'}}",
	        "1:34: error: 'about' in job 'x': a reference '${...}' is not possible here, only in "
	        "options, vars, "
	        "sources and channels\n"},
	    {"defaults: {on_failure: {}}",
	        "1:12: error: unknown key 'on_failure' in defaults\n"},
	    {"defaults: {module: plain}", "1:12: error: unknown key 'module' in defaults\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		load(&f, rows[i].yaml);
		if (f.conf)
			fail_msg("%s\nis accepted", rows[i].yaml);
		if (strncmp(problems(&f), rows[i].problem, strlen(rows[i].problem)) != 0)
			fail_msg("%s\n%s\n%s", rows[i].yaml, rows[i].problem, buf_text(&f.printed));
	}
	(void)state;
}

static void a_bad_expression_is_placed_at_its_character(void **state)
{
	static const struct {
		const char *schedule, *place;
	} rows[] = {
	    {"'61 * * * *'", "3:16: error: 'schedule' in job 'x': column 1: "},
	    {"\"5 * * * nope\"", "3:24: error: 'schedule' in job 'x': column 9: "},
	    {"5 * * * nope", "3:23: error: 'schedule' in job 'x': column 9: "},
	    {"['5 * * * *', '5 25 * * *']", "3:32: error: 'schedule' in job 'x': column 3: "},
	    {"'@module'", "3:15: error: 'schedule' in job 'x': "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};
		cleanup(free_text) char *yaml =
		    mem_format("jobs:\n  x:\n    schedule: %s\n    module: plain\n", rows[i].schedule);

		load(&f, yaml);
		assert_null(f.conf);
		if (strncmp(problems(&f), rows[i].place, strlen(rows[i].place)) != 0)
			fail_msg("%s\n%s", yaml, buf_text(&f.printed));
	}
}

static void all_problems_come_at_once_in_the_order_of_the_file(void **state)
{
	cleanup(done) struct fixture f = {0};
	int line = 0;

	(void)state;
	load(&f,
	    "jobs:\n  a: {module: nope}\n  b: {module: plain, schedul: x, timeout: y}\nchannels:\n  c: {}\n"
	    "sources: {d: 5}\ndaemon: {workers: 0}\n");
	assert_null(f.conf);
	assert_int_equal(f.problems.errors, 6);
	for (size_t i = 0; i < f.problems.count; i++) {
		assert_true(f.problems.items[i].place.line >= line);
		line = f.problems.items[i].place.line;
	}
}

static void a_file_of_mistakes_is_told_in_time(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(buf_done) struct buf yaml = {0};

	(void)state;
	buf_add_text(&yaml, "jobs:\n");
	for (int i = 0; i < 4000; i++)
		buf_format(&yaml, "  j%d: {module: plain, channels: [chanel%d]}\n", i, i);
	buf_add_text(&yaml, "channels:\n");
	for (int i = 0; i < 4000; i++)
		buf_format(&yaml, "  channel%d: {type: console}\n", i);
	load(&f, yaml.text);
	assert_int_equal(f.problems.errors, 4000);
}

static void a_missing_configuration_names_the_places_and_the_demo(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(free_text) char *here = getcwd(NULL, 0);

	(void)state;
	assert_int_equal(chdir("/proc"), 0);
	f.conf = conf_load(&f.request, &f.problems);
	assert_int_equal(chdir(here), 0);
	if (access("/etc/bmad/bmad.yaml", F_OK) == 0)
		skip();
	conf_problems_print(&f.problems, &f.printed);
	assert_null(f.conf);
	assert_non_null(strstr(buf_text(&f.printed), "./bmad.yaml"));
	assert_non_null(strstr(buf_text(&f.printed), "/etc/bmad/bmad.yaml"));
	assert_non_null(strstr(buf_text(&f.printed), "make demo"));
}

static void the_environment_names_a_configuration(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	setenv("BMAD_CONFIG", "/nowhere/bmad.yaml", 1);
	f.conf = conf_load(&f.request, &f.problems);
	unsetenv("BMAD_CONFIG");
	conf_problems_print(&f.problems, &f.printed);
	assert_string_equal(
	    buf_text(&f.printed), "/nowhere/bmad.yaml: error: cannot open the file: No such file or directory\n");
}

static void a_job_whose_messages_have_nowhere_to_go_is_warned_of(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "jobs:\n  a: {module: plain}\n  b: {module: speaker}\n");
	assert_non_null(f.conf);
	assert_string_equal(
	    problems(&f), "3:3: warning: job 'b' lists no channels: its messages would go nowhere\n");
}

/* -- secrets and references -- */

static void secrets_in_a_file_that_others_read_are_warned_of(void **state)
{
	static const struct {
		const char *yaml;
		mode_t mode;
		size_t warnings;
	} rows[] = {
	    {"channels: {a: {type: hook, url: 'https://x/secret'}}", 0644, 1},
	    {"channels: {a: {type: hook, url: 'https://x/secret'}}", 0640, 0},
	    {"channels: {a: {type: hook, url: '${HOOK}'}}", 0644, 0},
	    {"sources: {a: 'sqlite:x'}", 0644, 0}, /* a url without a password is no secret */
	    {"sources: {a: {url: 'sqlite:x', password: y}}", 0644, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};
		char path[] = "/tmp/bmad-conf-XXXXXX";
		int fd = mkstemp(path);

		assert_int_equal(
		    write(fd, rows[i].yaml, strlen(rows[i].yaml)), (ssize_t)strlen(rows[i].yaml));
		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		close(fd);
		f.request.path = path;
		f.conf = conf_load(&f.request, &f.problems);
		unlink(path);
		assert_non_null(f.conf);
		assert_int_equal(f.problems.count, rows[i].warnings);
		assert_int_equal(f.problems.errors, 0);
	}
}

static void references_wait_until_they_are_used(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(arena_done) struct arena arena = {0};
	const void *resolved;
	struct conf_channel channel;
	struct conf_source source;

	(void)state;
	load(&f, "channels: {h: {type: hook, url: 'https://x/${HOOK_TOKEN}', dir: '${OUT}/x', proxy: "
	         "'${NOT_SET}'}}\n"
	         "sources: {p: '${PLANT_URL}'}\n"
	         "jobs: {j: {module: report, options: {source: p, title: 'of ${PLANT}', params: {a: "
	         "['${PLANT}']}}}}\n");
	assert_string_equal(problems(&f), "");
	assert_int_equal(f.conf->reference_count, 6);
	setenv("OUT", "rel", 1);
	setenv("PLANT", "north", 1);
	setenv("PLANT_URL", "sqlite:north.db", 1);
	const struct conf_job *job = conf_job(f.conf, "j");
	assert_null(conf_resolve(
	    f.conf, report_table, job->options, sizeof(struct report_options), &arena, &resolved));
	const struct report_options *options = resolved;
	assert_string_equal(options->title, "of north");
	assert_string_equal(json_text(json_first(json_get(options->params, "a"))), "north");
	assert_string_equal(((const struct report_options *)job->options)->title, "of ${PLANT}");
	assert_null(conf_resolve_source(f.conf, conf_source(f.conf, "p"), &arena, &source));
	assert_ptr_equal(source.type, &sqlite_type);
	assert_string_equal(source.url.hidden, "sqlite:/tmp/north.db");
	struct err *e = conf_resolve_channel(f.conf, conf_channel(f.conf, "h"), &arena, &channel);
	assert_string_equal(
	    err_message(e), "${NOT_SET} does not resolve: the environment variable is not set");
	err_destroy(e);
	setenv("NOT_SET", "http://proxy", 1);
	assert_null(conf_resolve_channel(f.conf, conf_channel(f.conf, "h"), &arena, &channel));
	unsetenv("NOT_SET");
	const struct hook_options *hook = channel.options;
	assert_string_equal(channel.proxy, "http://proxy");
	assert_string_equal(hook->url.hidden, "https://x/hush-hush-token");
	assert_string_equal(hook->dir, "/tmp/rel/x");
}

static void every_secret_that_was_resolved_is_redacted(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf log = {0};
	struct conf_channel channel;

	(void)state;
	load(&f, "channels: {h: {type: hook, url: 'https://x/literal-secret', keys: [first-key, "
	         "'${HOOK_TOKEN}-2']}}");
	assert_null(conf_resolve_channel(f.conf, conf_channel(f.conf, "h"), &arena, &channel));
	const struct hook_options *hook = channel.options;
	assert_string_equal(hook->keys.items[1], "hush-hush-token-2");
	buf_add_text(&log, "POST https://x/literal-secret with first-key failed");
	redact(&log);
	assert_string_equal(buf_text(&log), "POST *** with *** failed");
}

static void a_source_that_resolves_to_nonsense_is_refused(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(arena_done) struct arena arena = {0};
	struct conf_source source;

	(void)state;
	setenv("PLANT_URL", "mysql://user:hush@x", 1);
	load(&f, "sources: {p: '${PLANT_URL}'}");
	struct err *e = conf_resolve_source(f.conf, conf_source(f.conf, "p"), &arena, &source);
	assert_string_equal(err_message(e), "source 'p': 'url' must begin with sqlite:");
	err_destroy(e);
}

/* -- --set and look-up -- */

static void sets_override_options_and_are_typed_like_them(void **state)
{
	static const char *const sets[] = {"grace=5m", "title=No", "params.a.b=7", "params.list=[1, x]"};
	cleanup(done) struct fixture f = {
	    .request = {.set_job = "j.1", .sets = sets, .set_count = ARRAY_SIZE(sets)}};

	(void)state;
	load(&f, "sources: {p: 'sqlite:x'}\njobs:\n"
	         "  j.1: {module: report, options: &o {source: p, grace: 1s, params: {z: 1}}}\n"
	         "  other: {module: report, options: *o}\n");
	assert_string_equal(problems(&f), "");
	const struct report_options *j = conf_job(f.conf, "j.1")->options;
	const struct report_options *other = conf_job(f.conf, "other")->options;
	cleanup(free_text) char *params = json_print(j->params);
	assert_int_equal(j->grace_ms, 300000);
	assert_string_equal(j->title, "No");
	assert_string_equal(params, "{\"z\":1,\"a\":{\"b\":7},\"list\":[1,\"x\"]}");
	assert_int_equal(other->grace_ms, 1000);
	assert_null(other->title);
}

static void a_bad_set_is_told_without_its_value(void **state)
{
	static const struct {
		const char *set, *problem;
	} rows[] = {
	    {"grace=soon", "--set grace: error: 'grace' in options of job 'j': expected a duration"},
	    {"grce=5m",
	        "--set grce: error: unknown key 'grce' in options of job 'j'; did you mean 'grace'?\n"},
	    {"grace", "--set: error: expected KEY=VALUE"},
	    {"=x", "--set: error: expected KEY=VALUE"},
	    {"params=[", "--set params:"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {
		    .request = {.set_job = "j", .sets = &rows[i].set, .set_count = 1}};

		load(&f, "sources: {p: 'sqlite:x'}\njobs: {j: {module: report, options: {source: p}}}\n");
		assert_null(f.conf);
		if (strncmp(problems(&f), rows[i].problem, strlen(rows[i].problem)) != 0)
			fail_msg("%s -> %s", rows[i].set, buf_text(&f.printed));
	}
}

static void an_unknown_job_is_refused_with_a_near_name(void **state)
{
	cleanup(done) struct fixture f = {0};
	const struct conf_job *job = NULL;

	(void)state;
	load(&f, "jobs: {zone1-hourly: {module: plain}}");
	assert_null(conf_job_get(f.conf, "zone1-hourly", &job));
	assert_string_equal(job->name, "zone1-hourly");
	struct err *e = conf_job_get(f.conf, "zone1-horly", &job);
	assert_int_equal(err_kind(e), ERR_CONFIG);
	assert_non_null(strstr(err_message(e), "there is no job 'zone1-horly'"));
	assert_non_null(strstr(err_message(e), "did you mean 'zone1-hourly'?"));
	err_destroy(e);
}

static void an_environment_without_its_file_is_refused(void **state)
{
	cleanup(done) struct fixture f = {.request = {.environment = "staging"}};

	(void)state;
	load(&f, "");
	assert_null(f.conf);
	assert_non_null(strstr(buf_text(&f.printed), ".staging.yaml: error: there is no such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_configuration_has_all_defaults),
	    cmocka_unit_test(the_store_is_in_the_home_folder_where_no_service_manager_names_one),
	    cmocka_unit_test(the_daemons_keys_are_read),
	    cmocka_unit_test(sources_are_mappings_or_bare_urls),
	    cmocka_unit_test(channels_have_their_types_defaults),
	    cmocka_unit_test(a_named_console_stands_for_the_usual_one),
	    cmocka_unit_test(jobs_are_read_over_the_defaults),
	    cmocka_unit_test(jitter_delays_a_job_by_its_name_and_changes_no_phase),
	    cmocka_unit_test(the_fingerprint_tells_what_the_phase_depends_on),
	    cmocka_unit_test(an_api_is_read_by_its_type),
	    cmocka_unit_test(a_job_goes_by_the_daemons_on_failure_where_it_says_nothing),
	    cmocka_unit_test(each_mistake_is_told_at_its_place),
	    cmocka_unit_test(what_a_module_brings_stands_between_the_defaults_and_the_job),
	    cmocka_unit_test(a_bad_expression_is_placed_at_its_character),
	    cmocka_unit_test(all_problems_come_at_once_in_the_order_of_the_file),
	    cmocka_unit_test(a_file_of_mistakes_is_told_in_time),
	    cmocka_unit_test(a_missing_configuration_names_the_places_and_the_demo),
	    cmocka_unit_test(the_environment_names_a_configuration),
	    cmocka_unit_test(a_job_whose_messages_have_nowhere_to_go_is_warned_of),
	    cmocka_unit_test(secrets_in_a_file_that_others_read_are_warned_of),
	    cmocka_unit_test(references_wait_until_they_are_used),
	    cmocka_unit_test(every_secret_that_was_resolved_is_redacted),
	    cmocka_unit_test(a_source_that_resolves_to_nonsense_is_refused),
	    cmocka_unit_test(sets_override_options_and_are_typed_like_them),
	    cmocka_unit_test(a_bad_set_is_told_without_its_value),
	    cmocka_unit_test(an_unknown_job_is_refused_with_a_near_name),
	    cmocka_unit_test(an_environment_without_its_file_is_refused),
	};

	return cmocka_run_group_tests_name("conf", tests, set_up, NULL);
}
