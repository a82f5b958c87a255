/* SPDX-License-Identifier: MIT */
/* Loading a configuration: the file found, its sections read one after the other, its entries looked up. */
#include "conf/conf.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/environment.h"
#include "conf/loader.h"
#include "conf/path.h"
#include "conf/yaml.h"
#include "send/channel.h"

/* -- the file -------------------------------------------------------------------------------------- */

static const char *const usual_places[] = {"./bmad.yaml", "/etc/bmad/bmad.yaml"};

static const char *find_file(const struct conf_request *request, struct conf_problems *problems)
{
	const char *named = request->path ? request->path : getenv("BMAD_CONFIG");

	if (named && *named)
		return named;
	for (size_t i = 0; i < ARRAY_SIZE(usual_places); i++)
		if (!access(usual_places[i], F_OK))
			return usual_places[i];
	conf_problem(problems, PROBLEM_ERROR, (struct conf_place){0},
	    "there is no configuration: $BMAD_CONFIG is not set, and neither %s nor %s is there; "
	    "name one with -c FILE, or see bmad at work with `make demo`",
	    usual_places[0], usual_places[1]);
	return NULL;
}

static const char *absolute(const char *path, struct arena *arena)
{
	cleanup(free_text) char *here = *path == '/' ? NULL : getcwd(NULL, 0);

	if (!strncmp(path, "./", 2))
		path += 2;
	return here ? arena_format(arena, "%s/%s", strcmp(here, "/") ? here : "", path)
	            : arena_copy(arena, path);
}

/* Where a secret stands in a file, that file. */
static void warn_of_readers(const struct option_reader *reader, struct conf_problems *problems)
{
	const char *path = reader->secret_place.file;
	struct stat status;

	if (!path || stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return;
	if (status.st_mode & S_IROTH)
		conf_problem(problems, PROBLEM_WARNING, reader->secret_place,
		    "a secret stands here and others may read the file (mode %03o): chmod o-r, or "
		    "write a reference such as ${cred:NAME}",
		    status.st_mode & 0777U);
}

/* -- --set ----------------------------------------------------------------------------------------- */

/* Puts KEY=VALUE into the options of the job's ENTRY, to be read like what stands in the file. */
static void set_option(struct loader *loader, const char *set, struct entry *entry)
{
	struct arena *arena = loader->scratch;
	const char *equals = strchr(set, '=');

	if (!equals || equals == set) {
		conf_problem(loader->problems, PROBLEM_ERROR, (struct conf_place){.file = "--set"},
		    "expected KEY=VALUE, a dotted path for a key in a mapping");
		return;
	}
	const char *key = arena_copy_n(arena, set, (size_t)(equals - set));
	const char *place = arena_format(arena, "--set %s", key); /* without the value: it may be a secret */
	const struct node *value = yaml_read_value(place, equals + 1, arena, loader->problems);
	if (!value || !entry || !entry->mapping)
		return; /* whoever asked for the job will be told that it is not there */
	const struct node *options = node_with(arena, node_find(entry->mapping, "options"), key, value);
	entry->mapping = node_with(arena, entry->mapping, "options", options);
}

static void set_options(struct loader *loader, const struct conf_request *request, struct entries *jobs)
{
	struct entry *entry = NULL;

	if (!request->set_job)
		return;
	for (size_t i = 0; i < jobs->count; i++)
		if (!strcmp(jobs->items[i].name, request->set_job))
			entry = &jobs->items[i];
	for (size_t i = 0; i < request->set_count; i++)
		set_option(loader, request->sets[i], entry);
}

/* -- the sections ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct option root_options[] = {
    {.name = "daemon", .type = OPT_GROUP},
    {.name = "defaults", .type = OPT_GROUP},
    {.name = "sources", .type = OPT_GROUP},
    {.name = "apis", .type = OPT_GROUP},
    {.name = "channels", .type = OPT_GROUP},
    {.name = "jobs", .type = OPT_GROUP},
    OPTION_END,
};
/* clang-format on */

/* Makes entries known by their names, in the order of the file. */
static void name_entries(struct loader *loader, const char *kind, const struct entries *entries,
    struct names *index,
    void (*create)(struct conf *conf, size_t number, const char *name, struct conf_place place))
{
	struct conf *conf = loader->conf;

	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = &entries->items[i];
		const char *name = arena_copy(&conf->arena, entry->name);
		size_t other;

		create(conf, i, name, entry->place);
		if (!names_add(index, name, i) && names_find(index, name, &other))
			conf_problem(loader->problems, PROBLEM_ERROR, entry->place,
			    "two %ss are named '%.100s': the other stands in line %d", kind, name,
			    entries->items[other].place.line);
	}
}

static void create_source(struct conf *conf, size_t number, const char *name, struct conf_place place)
{
	conf->sources[number] = (struct conf_source){.name = name, .place = place};
}

static void create_api(struct conf *conf, size_t number, const char *name, struct conf_place place)
{
	conf->apis[number] = (struct conf_api){.name = name, .place = place};
}

static void create_channel(struct conf *conf, size_t number, const char *name, struct conf_place place)
{
	conf->channels[number] = (struct conf_channel){.name = name, .place = place};
}

static void create_job(struct conf *conf, size_t number, const char *name, struct conf_place place)
{
	conf->jobs[number] = (struct conf_job){.name = name, .conf = conf, .place = place};
}

/* The section's mapping, or NULL with a problem where it is something else. */
static const struct node *find_section(struct loader *loader, const struct node *root, const char *name)
{
	const struct node *section = node_find(root, name);

	if (!section || node_is_null(section))
		return NULL;
	if (section->kind == NODE_MAPPING)
		return section;
	conf_problem(loader->problems, PROBLEM_ERROR, node_place(section), "'%s': expected a mapping, not %s",
	    name, node_describe(section));
	return NULL;
}

static void add_console(struct conf *conf)
{
	if (!channel_type_find(CONSOLE_CHANNEL) || names_has(&conf->index->channels, CONSOLE_CHANNEL))
		return;
	create_channel(conf, conf->channel_count, CONSOLE_CHANNEL, (struct conf_place){.file = conf->path});
	names_add(&conf->index->channels, CONSOLE_CHANNEL, conf->channel_count++);
}

/* The sections that hold entries. */
enum { SOURCES, APIS, CHANNELS, JOBS, SECTIONS };

static const struct {
	const char *name;
	struct entry_kind kind;
} sections[SECTIONS] = {
    [SOURCES] = {"sources", {.name = "source", .bare = "url"}},
    [APIS] = {"apis", {.name = "API"}},
    [CHANNELS] = {"channels", {.name = "channel"}},
    [JOBS] = {"jobs", {.name = "job"}},
};

/* Names first: options may refer to entries that stand further down. */
static void name_all(struct loader *loader, const struct entries *entries)
{
	struct conf *conf = loader->conf;
	struct arena *arena = &conf->arena;

	conf->source_count = entries[SOURCES].count;
	conf->api_count = entries[APIS].count;
	conf->channel_count = entries[CHANNELS].count;
	conf->job_count = entries[JOBS].count;
	conf->sources = arena_alloc(arena, conf->source_count * sizeof(*conf->sources));
	conf->apis = arena_alloc(arena, conf->api_count * sizeof(*conf->apis));
	conf->channels = arena_alloc(arena, (conf->channel_count + 1) * sizeof(*conf->channels));
	conf->jobs = arena_alloc(arena, conf->job_count * sizeof(*conf->jobs));
	name_entries(loader, "source", &entries[SOURCES], &conf->index->sources, create_source);
	name_entries(loader, "API", &entries[APIS], &conf->index->apis, create_api);
	name_entries(loader, "channel", &entries[CHANNELS], &conf->index->channels, create_channel);
	name_entries(loader, "job", &entries[JOBS], &conf->index->jobs, create_job);
	add_console(conf);
}

static void read_sections(struct loader *loader, const struct conf_request *request, const struct node *root)
{
	struct option_reader *reader = &loader->reader;
	struct entry_maker maker = {.arena = loader->scratch, .problems = loader->problems};
	struct entries entries[SECTIONS] = {0};

	reader->owner =
	    (struct option_owner){.kind = "the configuration", .place = {.file = loader->conf->path}};
	options_read(reader, root, &(struct option_part){root_options, NULL}, 1);
	for (size_t i = 0; i < SECTIONS; i++)
		entries_make(
		    &maker, &sections[i].kind, find_section(loader, root, sections[i].name), &entries[i]);
	set_options(loader, request, &entries[JOBS]);
	name_all(loader, entries);
	conf_read_daemon(loader, find_section(loader, root, "daemon"));
	conf_read_defaults(loader, find_section(loader, root, "defaults"));
	conf_read_sources(loader, &entries[SOURCES]);
	conf_read_apis(loader, &entries[APIS]);
	conf_read_channels(loader, &entries[CHANNELS]);
	conf_read_jobs(loader, &entries[JOBS]);
	loader->problems->subject = NULL;
	for (size_t i = 0; i < SECTIONS; i++)
		entries_done(&entries[i]);
}

void conf_report(struct loader *loader, const struct node *mapping, struct err *e)
{
	if (!e)
		return;
	const char *message = err_message(e);
	size_t length = strspn(message, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	cleanup(free_text) char *key = mem_copy_n(message, length);
	const struct node *value = node_find_path(mapping, key);
	conf_problem(loader->problems, PROBLEM_ERROR, value ? node_place(value) : loader->reader.owner.place,
	    "%s: %s", option_where(&loader->reader), message);
	err_destroy(e);
}

/* -- loading --------------------------------------------------------------------------------------- */

/* The name of the environment, or NULL. */
static const char *find_environment(const struct conf_request *request)
{
	const char *environment = request->environment ? request->environment : getenv("BMAD_ENV");

	return environment && *environment ? environment : NULL;
}

static const struct node *read_tree(
    struct conf *conf, const char *path, bool torn, struct arena *arena, struct conf_problems *problems)
{
	struct yaml_reading reading = {.torn = torn, .digest = FNV_START};
	const struct node *root = yaml_read_file(path, arena, problems, &reading);

	if (root && conf->environment)
		root = environment_lay(conf->environment, path, root, arena, problems, &reading);
	conf->digest = reading.digest;
	return root;
}

static void prepare_reader(struct loader *loader)
{
	struct conf *conf = loader->conf;

	loader->sections[0] = (struct option_section){"sources", "source", &conf->index->sources};
	loader->sections[1] = (struct option_section){"channels", "channel", &conf->index->channels};
	loader->sections[2] = (struct option_section){"jobs", "job", &conf->index->jobs};
	loader->sections[3] = (struct option_section){"apis", "API", &conf->index->apis};
	loader->reader = (struct option_reader){
	    .arena = &conf->arena,
	    .problems = loader->problems,
	    .folder = conf->folder,
	    .sections = loader->sections,
	};
}

static void keep_references(struct loader *loader)
{
	struct option_reader *reader = &loader->reader;

	loader->conf->reference_count = reader->reference_count;
	loader->conf->references = arena_take(&loader->conf->arena, reader->references,
	    reader->reference_count * sizeof(*reader->references));
}

#define JOBS_MANY 1000

static void load_tree(struct conf *conf, const struct conf_request *request, const struct node *root,
    struct arena *arena, struct conf_problems *problems)
{
	struct loader loader = {.conf = conf, .request = request, .problems = problems, .scratch = arena};

	prepare_reader(&loader);
	read_sections(&loader, request, root);
	warn_of_readers(&loader.reader, problems);
	keep_references(&loader);
}

struct conf *conf_load(const struct conf_request *request, struct conf_problems *problems)
{
	struct arena arena = {0};
	const char *path = find_file(request, problems);

	if (!path)
		return NULL;
	struct conf *conf = mem_alloc(sizeof(*conf));
	conf->index = arena_alloc(&conf->arena, sizeof(*conf->index));
	conf->holders = arena_alloc(&conf->arena, sizeof(*conf->holders));
	*conf->holders = 1;
	conf->path = absolute(path, &conf->arena);
	conf->folder = conf_folder_of(conf->path, &conf->arena);
	conf->environment = arena_copy(&conf->arena, find_environment(request));
	const struct node *root =
	    read_tree(conf, arena_copy(&conf->arena, path), request->torn, &arena, problems);
	if (root)
		load_tree(conf, request, root, &arena, problems);
	arena_done(&arena);
	if (conf->job_count >= JOBS_MANY)
		malloc_trim(0); /* the tree was larger than what came of it: give it back before forks */
	conf_problems_sort(problems);
	if (!problems->errors || (request->keep && root))
		return conf;
	conf_destroy(conf);
	return NULL;
}

void conf_destroy(struct conf *conf)
{
	if (!conf)
		return;
	names_done(&conf->index->sources);
	names_done(&conf->index->apis);
	names_done(&conf->index->channels);
	names_done(&conf->index->jobs);
	arena_done(&conf->arena);
	free(conf);
}

const struct conf_job *conf_add_job(struct conf *conf, const struct conf_job *job)
{
	struct conf_job *jobs = arena_alloc(&conf->arena, (conf->job_count + 1) * sizeof(*jobs));

	if (conf->job_count)
		memcpy(jobs, conf->jobs, conf->job_count * sizeof(*jobs));
	jobs[conf->job_count] = *job;
	jobs[conf->job_count].conf = conf;
	names_add(&conf->index->jobs, job->name, conf->job_count);
	conf->jobs = jobs;
	return &jobs[conf->job_count++];
}

const struct conf *conf_ref(const struct conf *conf)
{
	if (conf)
		++*conf->holders;
	return conf;
}

void conf_unref(const struct conf *conf)
{
	if (conf && !--*conf->holders)
		conf_destroy((struct conf *)(uintptr_t)conf);
}

/* -- looking up ------------------------------------------------------------------------------------ */

const struct conf_job *conf_job(const struct conf *conf, const char *name)
{
	size_t number;

	return names_find(&conf->index->jobs, name, &number) ? &conf->jobs[number] : NULL;
}

const struct conf_channel *conf_channel(const struct conf *conf, const char *name)
{
	size_t number;

	return names_find(&conf->index->channels, name, &number) ? &conf->channels[number] : NULL;
}

const struct conf_source *conf_source(const struct conf *conf, const char *name)
{
	size_t number;

	return names_find(&conf->index->sources, name, &number) ? &conf->sources[number] : NULL;
}

const struct conf_api *conf_api(const struct conf *conf, const char *name)
{
	size_t number;

	return names_find(&conf->index->apis, name, &number) ? &conf->apis[number] : NULL;
}

const struct conf_channel *conf_destination(const struct conf *conf, const struct conf_channel *channel)
{
	return conf->daemon.redirect_to ? conf_channel(conf, conf->daemon.redirect_to) : channel;
}

bool conf_allows(const struct conf *conf, const struct conf_channel *channel)
{
	const struct texts *allowed = &conf->daemon.allow_channels;

	for (size_t i = 0; i < allowed->count; i++)
		if (!strcmp(allowed->items[i], channel->name))
			return true;
	return !conf->daemon.restricted;
}

static struct err *unknown(
    const struct conf *conf, const char *kind, const struct names *names, const char *name)
{
	const char *near = names_near(names, name);

	return ERR(ERR_CONFIG, "there is no %s '%.100s' in %s%s%s%s", kind, name, conf->path,
	    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

struct err *conf_job_get(const struct conf *conf, const char *name, const struct conf_job **out_job)
{
	const struct conf_job *job = conf_job(conf, name);

	if (!job)
		return unknown(conf, "job", &conf->index->jobs, name);
	*out_job = job;
	return NULL;
}

struct err *conf_channel_get(
    const struct conf *conf, const char *name, const struct conf_channel **out_channel)
{
	const struct conf_channel *channel = conf_channel(conf, name);

	if (!channel)
		return unknown(conf, "channel", &conf->index->channels, name);
	*out_channel = channel;
	return NULL;
}
