/* SPDX-License-Identifier: MIT */
/* parcel.c - a message with a file and an image, and a look at its source before anything runs. */
#include "tests/modules/test_modules.h"

#include <string.h>

#include <bmad/mem.h>

struct parcel_options {
	const char *source, *query;
	const char *name;
	int64_t bytes;
	const char *to;
};

static const struct option options[] = {
    OPTION(struct parcel_options, source, OPT_NAME, .section = "sources", .help = "where `query` must work"),
    OPTION(struct parcel_options, query, OPT_TEXT, .fallback = "select 1", .help = "what is tried there"),
    OPTION(struct parcel_options, name, OPT_TEXT, .fallback = "rows.csv", .help = "of the file"),
    OPTION(struct parcel_options, bytes, OPT_SIZE, .fallback = "10", .help = "how big the file is"),
    OPTION(struct parcel_options, to, OPT_TEXT, .help = "the one recipient"),
    OPTION_END,
};

static struct err *parcel_connect(struct run *run)
{
	const struct parcel_options *o = run_options(run);
	struct sql *db;
	struct sql_rows *rows;

	if (!o->source)
		return NULL;
	PASS(run_source(run, o->source, &db));
	PASS(sql_query(db, o->query, NULL, 0, NULL, 0, &rows));
	return sql_close(rows);
}

static struct err *parcel_run(struct run *run)
{
	const struct parcel_options *o = run_options(run);
	char *bytes = mem_alloc((size_t)o->bytes + 1);
	const struct attachment files[] = {
	    {o->name, "text/csv", memset(bytes, 'x', (size_t)o->bytes), (size_t)o->bytes, NULL},
	    {"chart.png", "image/png", "\x89PNG", 4, "chart"},
	};
	struct json *data = run_data(run);

	json_set_string(data, "text", "with a parcel");
	struct err *e = run_queue(run,
	    &(struct message){.kind = "report", .to = o->to, .attachments = files, .attachment_count = 2}, data);
	free(bytes);
	return e;
}

const struct job_module parcel_module = {
    .name = "parcel",
    .summary = "queues a message with attachments",
    .options = options,
    .options_size = sizeof(struct parcel_options),
    .restartable = true,
    .connect = parcel_connect,
    .run = parcel_run,
};
