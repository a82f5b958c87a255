/* SPDX-License-Identifier: MIT */
/*
 * `bmad rota`: the published rota as people ask for it, and changes of it by hand. Reading asks the store; a
 * change is a run of the rota's job, so that it is recorded, checked and written to calendars like any other.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include <bmad/job.h>

#include "base/columns.h"
#include "base/text.h"
#include "cli/by_hand.h"
#include "cli/own_options.h"
#include "cli/store_access.h"
#include "jobs/rota/published.h"

#define ROTA_MODULE "rota"
#define WORDS_MAX   4

struct rota_command {
	const char *job_name, *role;
	const char *words[WORDS_MAX + 1]; /* the verb first */
	int count;
	bool json;
	struct json *given;
	const struct conf *conf;
	const struct conf_job *job;
};

/* -- the command line ------------------------------------------------------------------------------- */

static struct err *take_word(struct rota_command *command, int argc, char **argv, int *i)
{
	bool taken;

	if (cli_option(argc, argv, i, "--job", &command->job_name) ||
	    cli_option(argc, argv, i, "--role", &command->role))
		return NULL;
	if (!strcmp(argv[*i], "--json")) {
		command->json = true;
		return NULL;
	}
	PASS(own_option_take(command->given, argc, argv, i, &taken));
	if (taken)
		return NULL;
	if (argv[*i][0] == '-')
		return ERR(ERR_CONFIG, "unknown option '%s' of rota", argv[*i]);
	if (command->count > WORDS_MAX - 1)
		return ERR(ERR_CONFIG, "'%s' is one word too many", argv[*i]);
	command->words[command->count++] = argv[*i];
	return NULL;
}

/* The one that is named, else the only one there is. */
static struct err *find_job(struct rota_command *command)
{
	const struct conf *conf = command->conf;

	if (command->job_name) {
		PASS(conf_job_get(conf, command->job_name, &command->job));
		if (strcmp(command->job->module->name, ROTA_MODULE) != 0)
			return ERR(ERR_CONFIG, "job '%s' is no rota: its module is '%s'", command->job_name,
			    command->job->module->name);
		return NULL;
	}
	for (size_t i = 0; i < conf->job_count; i++) {
		if (strcmp(conf->jobs[i].module->name, ROTA_MODULE) != 0)
			continue;
		if (command->job)
			return ERR(ERR_CONFIG, "there are several rotas: say which with --job, as --job %s",
			    command->job->name);
		command->job = &conf->jobs[i];
	}
	return command->job ? NULL : ERR(ERR_CONFIG, "no job has the module '" ROTA_MODULE "'");
}

/* -- reading ---------------------------------------------------------------------------------------- */

static struct err *read_published(const struct rota_command *command, struct json **out_value)
{
	cleanup(arena_done) struct arena arena = {0};
	struct state_ask ask = {.job = command->job->name, .key = ROTA_STATE, .now = cli_now()};
	struct state_reply reply = {0};
	struct store_client *client;

	*out_value = NULL;
	if (!store_access_there(command->conf))
		return NULL;
	PASS(store_access_read(command->conf, &client));
	struct err *e = store_call(client, REQ_STATE, &ask, &arena, &reply);
	if (!e && reply.value)
		e = json_parse(reply.value, strlen(reply.value), out_value);
	store_client_destroy(client);
	return ERR_AT(e, "read the published rota of %s", command->job->name);
}

static const char *text_at(const struct json *item, const char *key)
{
	const char *text = json_text(json_get(item, key));

	return text ? text : "";
}

static const char *weekday_of(const char *date)
{
	static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	int64_t day;
	struct err *e = date_parse(date, &day);

	err_ignore(e);
	return e ? "" : names[weekday_of_days(day)];
}

static void add_day(struct json *out, const struct json *item)
{
	static const char *const keys[] = {"date", "lead", "assist"};
	struct json *day = json_add_object(out);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_set_string(day, keys[i], text_at(item, keys[i]));
}

static int print_days(const struct rota_command *command, struct json *days, const char *none)
{
	cleanup(buf_done) struct buf out = {0};
	struct columns columns = {.count = 4};

	if (command->json)
		return cli_write_json(days);
	json_each(day, days)
		columns_row(&columns,
		    (const char *[]){one_line(text_at(day, "date"), &columns.arena),
		        weekday_of(text_at(day, "date")), one_line(text_at(day, "lead"), &columns.arena),
		        one_line(text_at(day, "assist"), &columns.arena)});
	if (json_length(days))
		columns_print(&columns, &out);
	else
		buf_format(&out, "%s\n", none);
	columns_done(&columns);
	json_destroy(days);
	return cli_write(&out);
}

static bool is_of(const struct json *day, const char *name)
{
	return !name || !strcmp(text_at(day, "lead"), name) || !strcmp(text_at(day, "assist"), name);
}

static int show(struct rota_command *command)
{
	const char *name = command->words[1];
	struct json *value, *days = json_array();
	struct err *e = read_published(command, &value);

	json_each(day, json_get(value, "rota"))
		if (is_of(day, name))
			add_day(days, day);
	if (!e && name && value && !json_length(days))
		e = ERR(ERR_CONFIG, "'%s' is not in the published rota", name);
	json_destroy(value);
	if (!e)
		return print_days(command, days, "no rota is published yet");
	json_destroy(days);
	return cli_fail(e);
}

static int today(struct rota_command *command)
{
	struct json *value, *days = json_array();
	struct err *e = read_published(command, &value);
	struct tz_local local;
	char date[TIME_TEXT];

	tz_to_local(command->job->tz, cli_now(), &local);
	date_format(days_from_civil(local.civil.year, local.civil.month, local.civil.day), date);
	json_each(day, json_get(value, "rota"))
		if (!strcmp(text_at(day, "date"), date))
			add_day(days, day);
	json_destroy(value);
	if (!e)
		return print_days(command, days, "nobody is on duty today");
	json_destroy(days);
	return cli_fail(e);
}

/* -- changing --------------------------------------------------------------------------------------- */

struct change {
	struct rules rules;
	struct published published;
	int64_t days[2]; /* that it changes */
	size_t day_count;
};

static void change_done(struct change *change)
{
	published_done(&change->published);
	rules_done(&change->rules);
}

/* Mistakes are told before a run begins: they are the command line's, and no failure of the job. */
static struct err *load(const struct rota_command *command, struct change *change)
{
	struct json *value = NULL;
	struct err *e = rules_read(command->job->options, &change->rules);

	if (!e)
		e = read_published(command, &value);
	if (!e && !value)
		e = ERR(ERR_CONFIG, "no rota is published yet: bmad --once %s", command->job->name);
	if (!e)
		e = published_read(value, &change->rules, &change->published);
	json_destroy(value);
	return e;
}

static int print_changed(const struct rota_command *command, const struct change *change)
{
	struct json *value, *days = json_array();
	char date[TIME_TEXT];
	struct err *e = read_published(command, &value);

	json_each(day, json_get(value, "rota"))
		for (size_t i = 0; i < change->day_count; i++)
			if (!strcmp(text_at(day, "date"), date_format(change->days[i], date)))
				add_day(days, day);
	json_destroy(value);
	if (!e)
		return print_days(command, days, "the rota has no such day any more");
	json_destroy(days);
	return cli_fail(e);
}

static int run_change(
    struct rota_command *command, const struct change *change, const char *verb, struct json *order)
{
	json_set(command->given, verb, order);
	cleanup(free_text) char *given = json_print(command->given);
	struct by_hand by_hand = {
	    .request = {.deliver_timeout_ms = DELIVER_TIMEOUT_MS, .given = given},
	    .json = command->json,
	};
	int status = by_hand_run(&by_hand, command->conf, command->job);

	return status || command->json ? status : print_changed(command, change);
}

static bool is_forced(const struct rota_command *command)
{
	return json_true(json_get(command->given, "force"));
}

static struct err *try_swap(const struct rota_command *command, struct change *change)
{
	change->day_count = 2;
	for (size_t i = 0; i < 2; i++)
		PASS(date_parse(command->words[1 + i], &change->days[i]));
	PASS(load(command, change));
	return published_swap(&change->published, &change->rules, change->days[0], change->days[1],
	    command->role, is_forced(command));
}

static int swap(struct rota_command *command)
{
	cleanup(change_done) struct change change = {0};
	struct err *e = try_swap(command, &change);

	if (e)
		return cli_fail(e);
	struct json *order = json_object();
	json_set_string(order, "date1", command->words[1]);
	json_set_string(order, "date2", command->words[2]);
	json_set_string(order, "role", command->role);
	return run_change(command, &change, "swap", order);
}

static struct err *try_cover(const struct rota_command *command, struct change *change)
{
	change->day_count = 1;
	PASS(date_parse(command->words[1], &change->days[0]));
	PASS(load(command, change));
	return published_cover(&change->published, &change->rules, change->days[0], command->words[2],
	    command->words[3], is_forced(command));
}

static int cover(struct rota_command *command)
{
	cleanup(change_done) struct change change = {0};
	struct err *e = try_cover(command, &change);

	if (e)
		return cli_fail(e);
	struct json *order = json_object();
	json_set_string(order, "date", command->words[1]);
	json_set_string(order, "role", command->words[2]);
	json_set_string(order, "name", command->words[3]);
	return run_change(command, &change, "cover", order);
}

/* -- verbs ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name, *usage;
	int least, most; /* words after the verb */
	bool changes;
	int (*run)(struct rota_command *command);
} verbs[] = {
    {"show", "show [NAME]", 0, 1, false, show},
    {"today", "today", 0, 0, false, today},
    {"swap", "swap DATE1 DATE2 [--role lead|assist] [--force]", 2, 2, true, swap},
    {"cover", "cover DATE lead|assist NAME [--force]", 3, 3, true, cover},
};

static int run_verb(struct rota_command *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, command->words[0]))
			continue;
		if (command->count - 1 < verbs[i].least || command->count - 1 > verbs[i].most)
			return cli_usage("usage: bmad rota [--job JOB] %s", verbs[i].usage);
		if (!verbs[i].changes && (json_length(command->given) || command->role))
			return cli_usage(
			    "rota %s only reads: it takes no option that changes", verbs[i].name);
		return verbs[i].run(command);
	}
	return cli_usage("rota has no verb '%s': there are show, today, swap and cover", command->words[0]);
}

static int run_with_conf(struct rota_command *command)
{
	struct conf *conf = cli_load_conf();

	if (!conf)
		return EXIT_USAGE;
	command->conf = conf;
	struct err *e = find_job(command);
	int status = e ? cli_fail(e) : run_verb(command);
	conf_destroy(conf);
	return status;
}

int cmd_rota(int argc, char **argv)
{
	struct rota_command command = {.given = json_object()};
	struct err *e = NULL;
	int status;

	for (int i = 1; !e && i < argc; i++)
		e = take_word(&command, argc, argv, &i);
	if (e)
		status = cli_fail(e);
	else if (!command.count)
		status = cli_usage("rota needs a verb: show, today, swap or cover");
	else
		status = run_with_conf(&command);
	json_destroy(command.given);
	return status;
}
