/* SPDX-License-Identifier: MIT */
/* probe.c - queues numbered messages, slowly if told so; what the crash tests count. */
#include "tests/modules/test_modules.h"

#include <stdio.h>
#include <time.h>

struct probe_options {
	int64_t messages;
	int64_t sleep_ms;
	bool wait;
};

static const struct option options[] = {
    OPTION(struct probe_options, messages, OPT_INT, .fallback = "1", .max = 10000, .help = "messages a run queues"),
    {.name = "sleep", .type = OPT_DURATION, .offset = offsetof(struct probe_options, sleep_ms), .fallback = "0s",
        .help = "how long a run takes"},
    OPTION(struct probe_options, wait, OPT_BOOL, .fallback = "false", .help = "send and wait instead of queue"),
    OPTION_END,
};

static void pause_ms(int64_t ms)
{
	struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	/* At its deadline a run is first asked where it stands, and that wakes it: TERM follows within this. */
	if (nanosleep(&nap, NULL))
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

static struct err *emit(struct run *run, int64_t number, bool wait)
{
	struct json *data = run_data(run);
	char slot[TIME_TEXT], key[96];
	enum outcome outcome;

	snprintf(key, sizeof(key), "%s|%s|%lld", run_job(run), utc_format(run_slot(run), slot), (long long)number);
	json_set_string(data, "key", key);
	json_set_int(data, "number", number);
	json_set_instant(data, "now", run_now(run));
	struct message message = {.kind = "report", .key = key};
	if (!wait)
		return run_queue(run, &message, data);
	message.channel = "counter";
	message.expires = run_now(run) + 20;
	TRY(run_send(run, &message, data, &outcome), "send %s", key);
	run_value(run, "outcome", outcome);
	return NULL;
}

static struct err *probe_run(struct run *run)
{
	const struct probe_options *own = run_options(run);

	run_step(run, "sleeping");
	pause_ms(own->sleep_ms);
	run_step(run, "queueing");
	for (int64_t number = 0; number < own->messages; number++)
		TRY(emit(run, number, own->wait), "message %lld", (long long)number);
	run_value(run, "probes", (double)own->messages);
	return NULL;
}

const struct job_module probe_module = {
    .name = "probe",
    .summary = "queues numbered messages",
    .options = options,
    .options_size = sizeof(struct probe_options),
    .restartable = true,
    .run = probe_run,
};

static struct err *noop_run(struct run *run)
{
	(void)run;
	return NULL;
}

const struct job_module noop_module = {
    .name = "noop",
    .summary = "does nothing",
    .restartable = true,
    .names_channels = true,
    .run = noop_run,
};
