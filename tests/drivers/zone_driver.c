/* SPDX-License-Identifier: MIT */
/*
 * Runs the module zone_hourly many times in one process, without daemon, store and worker: a run of its
 * own stands in for the real one.
 *
 * Reads lines `DATABASE ZONE SLOT GRACE_S` and answers each with one line of JSON:
 * {"data": object | null, "key": text | null, "view": object | null, "error": text | null}.
 * With `-n COUNT` each line is run COUNT times and the CPU time of one goes to standard error.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bmad/job.h>

#include "base/mem.h"
#include "jobs/zone/report.h"
#include "source/source.h"

extern const struct job_module zone_hourly_module;

/* As in jobs/zone_hourly.c: what its option table describes. */
struct zone_hourly_options {
	struct zone_choice choice;
	bool post_unscheduled;
};

struct run {
	struct zone_hourly_options options;
	struct sql *db;
	utc_t slot;
	struct json *data;
	char *key;
};

const void *run_options(const struct run *run)
{
	return &run->options;
}

utc_t run_slot(const struct run *run)
{
	return run->slot;
}

struct err *run_source(struct run *run, const char *name, struct sql **out_db)
{
	(void)name;
	*out_db = run->db;
	return NULL;
}

struct json *run_data(struct run *run)
{
	return run->data = json_object();
}

struct err *run_queue(struct run *run, const struct message *message, struct json *data)
{
	(void)data;
	run->key = mem_copy(message->key);
	return NULL;
}

void run_value(struct run *run, const char *name, double value)
{
	(void)run, (void)name, (void)value;
}

void run_step(struct run *run, const char *fmt, ...)
{
	(void)run, (void)fmt;
}

void run_decide(struct run *run, const char *fmt, ...)
{
	(void)run, (void)fmt;
}

void run_name_slot(struct run *run, const char *key, utc_t at)
{
	(void)run, (void)key, (void)at;
}

static struct sql *connect_to(const char *path)
{
	char url[4200];
	struct conf_source source = {.name = "plant", .url = {url}};
	struct sql *db;

	snprintf(url, sizeof(url), "sqlite:%s", path);
	source.type = source_type_of(url);
	struct err *e = sql_open(&source, &db);
	if (e) {
		fprintf(stderr, "%s\n", err_text(e));
		exit(1);
	}
	return db;
}

static void answer(struct run *run, struct err *e)
{
	struct json *line = json_object();

	json_set(line, "data", run->data ? json_copy(run->data) : json_null());
	json_set_string(line, "key", run->key);
	json_set(line, "view", run->data ? zone_hourly_module.view(run->data) : json_null());
	json_set_string(line, "error", e ? err_text(e) : NULL);
	cleanup(free_text) char *text = json_print(line);
	puts(text);
	fflush(stdout); /* whoever asks line by line waits for it */
	json_destroy(line);
}

static void forget(struct run *run)
{
	json_destroy(run->data);
	free(run->key);
	run->data = NULL;
	run->key = NULL;
}

static void run_line(char *line, long times)
{
	char path[4096], zone[256], slot[64];
	long long grace;

	if (sscanf(line, "%4095s %255s %63s %lld", path, zone, slot, &grace) != 4) {
		fprintf(stderr, "expected DATABASE ZONE SLOT GRACE_S, found: %s", line);
		exit(2);
	}
	struct run run = {
	    .options = {.choice = {.source = "plant", .zone = zone, .grace_ms = grace * 1000},
	        .post_unscheduled = true},
	    .db = connect_to(path),
	};
	struct err *e = utc_parse(slot, &run.slot);
	clock_t start = clock();
	for (long i = 0; !e && i < times; i++) {
		forget(&run);
		e = zone_hourly_module.run(&run);
	}
	if (times > 1)
		fprintf(
		    stderr, "%.1f us\n", 1e6 * (double)(clock() - start) / CLOCKS_PER_SEC / (double)times);
	answer(&run, e);
	err_destroy(e);
	forget(&run);
	sql_disconnect(run.db);
}

int main(int argc, char **argv)
{
	long times = argc == 3 && !strcmp(argv[1], "-n") ? strtol(argv[2], NULL, 10) : 1;
	char line[4600];

	while (fgets(line, sizeof(line), stdin))
		run_line(line, times);
	return 0;
}
