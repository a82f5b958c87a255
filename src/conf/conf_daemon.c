/* SPDX-License-Identifier: MIT */
/* The section `daemon`: what there is one of. Everything in it has a default. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/loader.h"
#include "conf/path.h"

const char *const conf_log_targets[] = {
    [TARGET_AUTO] = "auto", [TARGET_SYSLOG] = "syslog", [TARGET_STDERR] = "stderr", NULL};
static const char *const levels[] = {[LEVEL_DEBUG] = "debug",
    [LEVEL_INFO] = "info",
    [LEVEL_WARNING] = "warning",
    [LEVEL_ERROR] = "error",
    NULL};
static const char *const formats[] = {[FORMAT_KV] = "kv", [FORMAT_JSON] = "json", NULL};
static const char *const facilities[] = {"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
    "uucp", "cron", "authpriv", "ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7", NULL};

/* Read as a choice, kept as a name. */
struct daemon_keys {
	struct conf_daemon daemon;
	int facility;
};

/* clang-format off */
static const struct option log_options[] = {
    {.name = "target", .type = OPT_CHOICE, .offset = offsetof(struct daemon_keys, daemon.log_target),
        .choices = conf_log_targets, .fallback = "auto",
        .help = "where log lines go; auto: standard error on a terminal, else syslog"},
    {.name = "facility", .type = OPT_CHOICE, .offset = offsetof(struct daemon_keys, facility),
        .choices = facilities, .fallback = "daemon", .help = "the syslog facility"},
    {.name = "level", .type = OPT_CHOICE, .offset = offsetof(struct daemon_keys, daemon.log_level),
        .choices = levels, .fallback = "info", .help = "the least important lines that are logged"},
    {.name = "format", .type = OPT_CHOICE, .offset = offsetof(struct daemon_keys, daemon.log_format),
        .choices = formats, .fallback = "kv", .help = "key=value pairs or JSON objects"},
    OPTION_END,
};

static const struct option retention_options[] = {
    {.name = "runs", .type = OPT_DURATION, .offset = offsetof(struct daemon_keys, daemon.keep_runs_ms),
        .fallback = "90d", .min = 1000,
        .help = "how long runs and slots are kept; of each job also at most the newest 1,000 runs"},
    {.name = "messages", .type = OPT_DURATION, .offset = offsetof(struct daemon_keys, daemon.keep_messages_ms),
        .fallback = "30d", .min = 1000,
        .help = "how long messages are kept after they ended; their keys stay 30 days longer"},
    OPTION_END,
};

static const struct option on_failure_options[] = {
    {.name = "channels", .type = OPT_NAMES, .section = "channels", .required = true,
        .offset = offsetof(struct daemon_keys, daemon.on_failure.channels),
        .help = "who is told of failed runs, missed slots, lost messages and channels that stand still"},
    {.name = "repeat", .type = OPT_DURATION, .offset = offsetof(struct daemon_keys, daemon.on_failure.repeat_ms),
        .fallback = "1h", .min = 1000, .help = "how often they are told again while it lasts"},
    OPTION_END,
};

const struct option conf_daemon_options[] = {
    {.name = "store", .type = OPT_TEXT, .offset = offsetof(struct daemon_keys, daemon.store),
        .help = "sqlite:PATH of the store; $STATE_DIRECTORY/bmad.db, else ~/.local/state/bmad/bmad.db"},
    {.name = "workers", .type = OPT_INT, .offset = offsetof(struct daemon_keys, daemon.workers),
        .fallback = "4", .min = 1, .max = 256, .help = "how many runs go on at the same time"},
    {.name = "timezone", .type = OPT_TEXT, .offset = offsetof(struct daemon_keys, daemon.timezone),
        .help = "the zone of jobs that name none; the system's own"},
    {.name = "log", .type = OPT_GROUP, .group = log_options, .help = "the log"},
    {.name = "control", .type = OPT_PATH, .offset = offsetof(struct daemon_keys, daemon.control),
        .help = "the control socket; $RUNTIME_DIRECTORY/control.sock, else beside the store"},
    {.name = "stop_timeout", .type = OPT_DURATION,
        .offset = offsetof(struct daemon_keys, daemon.stop_timeout_ms), .fallback = "30s",
        .help = "how long runs and requests may take to end when the daemon stops"},
    {.name = "retention", .type = OPT_GROUP, .group = retention_options, .help = "how long the store keeps what is over"},
    {.name = "on_failure", .type = OPT_GROUP, .group = on_failure_options, .can_be_false = true,
        .offset = offsetof(struct daemon_keys, daemon.on_failure.off),
        .help = "alarms about what goes wrong; false: none"},
    {.name = "allow_channels", .type = OPT_NAMES, .section = "channels",
        .offset = offsetof(struct daemon_keys, daemon.allow_channels),
        .help = "messages to any other channel are suppressed; left out: none is"},
    {.name = "redirect_to", .type = OPT_NAME, .section = "channels",
        .offset = offsetof(struct daemon_keys, daemon.redirect_to),
        .help = "all messages go to this channel, saying where they would have gone"},
    OPTION_END,
};
/* clang-format on */

static const char *const later_keys[] = {
    "web", NULL};

/* systemd gives a list of folders where a unit names several. */
static const char *first_folder(const char *variable, struct arena *arena)
{
	const char *folders = getenv(variable);

	if (!folders || *folders != '/')
		return NULL;
	return arena_copy_n(arena, folders, strcspn(folders, ":"));
}

static const char *home_folder(void)
{
	const char *home = getenv("HOME");

	if (home && *home == '/')
		return home;
	const struct passwd *user = getpwuid(getuid());
	return user && user->pw_dir && *user->pw_dir == '/' ? user->pw_dir : "/var/lib";
}

static const char *default_store(struct arena *arena)
{
	const char *folder = first_folder("STATE_DIRECTORY", arena);

	if (folder)
		return arena_format(arena, "sqlite:%s/bmad.db", folder);
	return arena_format(arena, "sqlite:%s/.local/state/bmad/bmad.db", home_folder());
}

static const char *default_control(const char *store, struct arena *arena)
{
	const char *folder = first_folder("RUNTIME_DIRECTORY", arena);

	if (folder)
		return arena_format(arena, "%s/control.sock", folder);
	return arena_format(arena, "%s.control", store + strlen("sqlite:"));
}

static struct conf_place place_of(const struct loader *loader, const struct node *section, const char *key)
{
	const struct node *value = node_find(section, key);

	return value ? node_place(value) : loader->reader.owner.place;
}

static void settle_store(struct loader *loader, const struct node *section)
{
	struct conf_daemon *daemon = &loader->conf->daemon;
	struct arena *arena = &loader->conf->arena;

	if (!daemon->store)
		daemon->store = default_store(arena);
	if (!strncmp(daemon->store, "sqlite:/", 8) ||
	    (!strncmp(daemon->store, "sqlite:", 7) && daemon->store[7])) {
		daemon->store = conf_path_of_url(loader->reader.folder, daemon->store, arena);
		return;
	}
	option_problem(&loader->reader, place_of(loader, section, "store"), "store",
	    "expected sqlite:PATH, the only kind of store in this version");
	daemon->store = default_store(arena);
}

static void settle_timezone(struct loader *loader, const struct node *section)
{
	struct conf_daemon *daemon = &loader->conf->daemon;
	const struct tz *tz;
	struct err *e;

	if (!daemon->timezone)
		daemon->timezone = arena_copy(&loader->conf->arena, tz_system_name());
	e = tz_get(daemon->timezone, &tz);
	if (!e)
		return;
	option_problem(
	    &loader->reader, place_of(loader, section, "timezone"), "timezone", "%s", err_message(e));
	err_destroy(e);
	daemon->timezone = "UTC";
}

static void settle_control(struct loader *loader)
{
	struct conf_daemon *daemon = &loader->conf->daemon;

	if (!daemon->control)
		daemon->control = default_control(daemon->store, &loader->conf->arena);
}

/* Nothing goes anywhere but to the allowed, and so nothing would go anywhere. */
static void settle_destinations(struct loader *loader, const struct node *section)
{
	struct conf_daemon *daemon = &loader->conf->daemon;
	const struct node *written = node_find(section, "allow_channels");
	const struct conf_channel to = {.name = daemon->redirect_to};

	daemon->restricted = written && !node_is_null(written);
	if (daemon->redirect_to && !conf_allows(loader->conf, &to))
		option_problem(&loader->reader, place_of(loader, section, "redirect_to"), "redirect_to",
		    "'%s' is not among 'allow_channels'", daemon->redirect_to);
}

void conf_read_daemon(struct loader *loader, const struct node *section)
{
	struct daemon_keys keys = {0};
	struct option_reader *reader = &loader->reader;

	reader->owner = (struct option_owner){.kind = "daemon", .place = {.file = loader->conf->path}};
	if (section)
		reader->owner.place = node_place(section);
	reader->use = REFERENCES_NOW; /* main and the store need these before anything else runs */
	reader->later = later_keys;
	options_default(reader, conf_daemon_options, &keys);
	options_read(reader, section, &(struct option_part){conf_daemon_options, &keys}, 1);
	loader->conf->daemon = keys.daemon;
	loader->conf->daemon.log_facility = facilities[keys.facility];
	settle_store(loader, section);
	settle_timezone(loader, section);
	settle_control(loader);
	settle_destinations(loader, section);
}
