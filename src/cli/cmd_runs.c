/* SPDX-License-Identifier: MIT */
/* `bmad runs`: the history of slots and runs, newest first, with error and traceback of failed ones. */
#include <string.h>

#include "base/columns.h"
#include "base/text.h"
#include "cli/store_access.h"
#include "store/error_json.h"

#define RUNS_SHOWN 20

struct runs_wish {
	struct runs_ask ask;
	bool json;
};

/* -- arguments ------------------------------------------------------------------------------------- */

static int read_since(const char *text, int64_t *out_ms)
{
	utc_t at;
	struct err *e = utc_parse(text, &at);

	if (e)
		return cli_fail(ERR_AT(e, "runs: --since"));
	*out_ms = at * 1000;
	return EXIT_OK;
}

static int read_argument(int argc, char **argv, int *i, struct runs_wish *wish)
{
	const char *value;

	if (!strcmp(argv[*i], "--json")) {
		wish->json = true;
		return EXIT_OK;
	}
	if (cli_option(argc, argv, i, "-n", &value))
		return cli_count("runs", value, &wish->ask.limit);
	if (cli_option(argc, argv, i, "--since", &value))
		return read_since(value, &wish->ask.since_ms);
	if (argv[*i][0] == '-')
		return cli_usage("runs: unknown or incomplete option '%s'", argv[*i]);
	if (wish->ask.job)
		return cli_usage("runs: one job at most, not '%s' too", argv[*i]);
	wish->ask.job = argv[*i];
	return EXIT_OK;
}

/* -- as JSON --------------------------------------------------------------------------------------- */

static struct json *describe(const struct run_row *row)
{
	struct json *object = json_object();

	json_set(object, "run", row->run ? json_int(row->run) : json_null());
	json_set_string(object, "job", row->job);
	json_set_time(object, "slot", row->slot);
	json_set_string(object, "key", row->key);
	json_set_string(object, "state", row->state);
	json_set_string(object, "reason", row->reason);
	json_set_string(object, "trigger", row->trigger);
	json_set_int(object, "attempt", row->attempt);
	json_set_time(object, "started", row->started_ms / 1000);
	json_set_int(object, "ms", row->ms);
	json_set_int(object, "messages", row->messages);
	json_set(object, "error", error_json(row->error));
	json_set(object, "values", values_json(row->values, row->value_count));
	return object;
}

static int show_json(const struct runs_reply *runs)
{
	struct json *rows = json_array();

	for (size_t i = 0; i < runs->count; i++)
		json_add(rows, describe(&runs->rows[i]));
	return cli_write_json(rows);
}

/* -- for people ------------------------------------------------------------------------------------ */

static void add_row(struct columns *columns, const struct run_row *row)
{
	struct arena *arena = &columns->arena;

	columns_row(columns, (const char *[]){
	                         row->run ? arena_format(arena, "%lld", (long long)row->run) : NULL,
	                         row->job,
	                         instant_text(row->slot, arena),
	                         row->state,
	                         row->trigger,
	                         instant_text(row->started_ms / 1000, arena),
	                         row->started_ms ? arena_format(arena, "%lld ms", (long long)row->ms) : NULL,
	                         row->run ? arena_format(arena, "%lld", (long long)row->messages) : NULL,
	                         row->reason ? one_line(row->reason, arena) : "",
	                     });
}

static void add_traceback(struct buf *out, const struct error_record *error)
{
	cleanup(arena_done) struct arena arena = {0};

	buf_format(out, "    %s: %s\n", error->kind, one_line(error->message, &arena));
	for (size_t i = 0; i < error->frame_count; i++) {
		const struct frame_record *frame = &error->frames[i];

		buf_format(
		    out, "      at %s (%s:%lld)", frame->function, frame->file, (long long)frame->line);
		if (!text_is_empty(frame->note) && !text_equal(frame->note, error->message))
			buf_format(out, ": %s", one_line(frame->note, &arena));
		buf_add_char(out, '\n');
	}
}

/* Each line of TABLE but the heading is a row's; what its run died of goes below it. */
static void add_lines(struct buf *out, const char *table, const struct runs_reply *runs)
{
	const char *line = table;

	for (size_t i = 0; *line; i++) {
		const char *end = strchr(line, '\n');
		size_t length = end ? (size_t)(end - line) + 1 : strlen(line);

		buf_add(out, line, length);
		if (i && i <= runs->count && runs->rows[i - 1].error)
			add_traceback(out, runs->rows[i - 1].error);
		line += length;
	}
}

static int show_table(const struct runs_reply *runs)
{
	cleanup(columns_done) struct columns columns = {.count = 9};
	cleanup(buf_done) struct buf table = {0}, out = {0};

	columns_row(&columns, (const char *[]){"RUN", "JOB", "SLOT", "STATE", "TRIGGER", "STARTED", "TOOK",
	                          "MESSAGES", "REASON"});
	for (size_t i = 0; i < runs->count; i++)
		add_row(&columns, &runs->rows[i]);
	columns_print(&columns, &table);
	add_lines(&out, buf_text(&table), runs);
	return cli_write(&out);
}

/* -- the command ----------------------------------------------------------------------------------- */

static struct err *ask_store(
    const struct conf *conf, const struct runs_ask *ask, struct arena *arena, struct runs_reply *runs)
{
	struct store_client *client;

	if (!store_access_there(conf))
		return NULL;
	PASS(store_access_read(conf, &client));
	struct err *e = store_call(client, REQ_RUNS, ask, arena, runs);
	store_client_destroy(client);
	return e;
}

/* A job that was taken out of the configuration keeps its history; one that has neither is a slip of the pen.
 */
static struct err *read_runs(
    const struct conf *conf, const struct runs_ask *ask, struct arena *arena, struct runs_reply *runs)
{
	const struct conf_job *job;

	PASS(ask_store(conf, ask, arena, runs));
	return runs->count || !ask->job ? NULL : conf_job_get(conf, ask->job, &job);
}

static int show(const struct conf *conf, const struct runs_wish *wish)
{
	cleanup(arena_done) struct arena arena = {0};
	struct runs_reply runs = {0};
	struct err *e = read_runs(conf, &wish->ask, &arena, &runs);

	if (e)
		return cli_fail(e);
	return wish->json ? show_json(&runs) : show_table(&runs);
}

int cmd_runs(int argc, char **argv)
{
	struct runs_wish wish = {.ask.limit = RUNS_SHOWN};
	struct conf *conf;
	int status;

	for (int i = 1; i < argc; i++) {
		status = read_argument(argc, argv, &i, &wish);
		if (status != EXIT_OK)
			return status;
	}
	conf = cli_load_conf();
	if (!conf)
		return EXIT_USAGE;
	status = show(conf, &wish);
	conf_destroy(conf);
	return status;
}
