/* SPDX-License-Identifier: MIT */
/* A run by hand: as whom, how its outcome is shown, and what exit status it gives. */
#include "cli/by_hand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/store_access.h"
#include "daemon/stage.h"

/* -- showing --------------------------------------------------------------------------------------- */

static const char *member(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "";
}

/* The text itself where a person would read it; what goes over a wire only as JSON. */
static void show_payload(const struct json *message)
{
	const struct json *payload = json_get(message, "payload");

	if (json_text(payload)) {
		printf("%s%s", json_text(payload), text_is_empty(json_text(payload)) ? "" : "\n");
		return;
	}
	cleanup(free_text) char *text = json_print_pretty(payload);
	puts(text);
}

static void show_message(const struct json *message, bool dry_run)
{
	bool console = text_equal(member(message, "type"), "console");
	const char *detail = member(message, "detail");
	int64_t attempts = 0;

	if (!text_equal(member(message, "outcome"), "suppressed") && (console || dry_run))
		show_payload(message);
	json_int64(json_get(message, "attempts"), &attempts);
	printf("%s: %s %s: %s", member(message, "channel"), member(message, "kind"), member(message, "key"),
	    member(message, "outcome"));
	if (attempts > 1)
		printf(" after %lld attempts", (long long)attempts);
	printf("%s%s\n", detail[0] ? ": " : "", detail);
}

static void show_error(const struct json *error)
{
	json_each(frame, json_get(error, "frames")) {
		int64_t line = 0;

		json_int64(json_get(frame, "line"), &line);
		printf("  %s:%lld %s%s%s\n", member(frame, "file"), (long long)line,
		    member(frame, "function"), member(frame, "note")[0] ? ": " : "", member(frame, "note"));
	}
	printf("%s error: %s\n", member(error, "kind"), member(error, "message"));
}

static void show(const struct json *report)
{
	const struct json *error = json_get(report, "error");

	json_each(message, json_get(report, "messages"))
		show_message(message, json_true(json_get(report, "dry_run")));
	if (json_is(error, JSON_OBJECT))
		show_error(error);
	printf("%s: %s%s%s\n", member(report, "job"), member(report, "result"),
	    json_true(json_get(report, "dry_run")) ? " (dry run: nothing sent, nothing stored)" : "",
	    json_length(json_get(report, "messages")) || json_is(error, JSON_OBJECT) ? "" : ", no message");
}

/* -- the exit status ------------------------------------------------------------------------------- */

static int status_of(const struct json *report)
{
	int status = EXIT_OK;

	if (!text_equal(member(report, "result"), "ok"))
		return EXIT_FAILED;
	json_each(message, json_get(report, "messages")) {
		const char *outcome = member(message, "outcome");

		if (text_equal(outcome, "rejected") || text_equal(outcome, "expired") ||
		    text_equal(outcome, "ambiguous"))
			return EXIT_FAILED;
		if (text_equal(outcome, "queued"))
			status = EXIT_QUEUED;
	}
	return status;
}

/* -- running --------------------------------------------------------------------------------------- */

static int print_report(const struct by_hand *by_hand, const struct json *report)
{
	bool json = by_hand->json || (by_hand->request.dry_run && !isatty(STDOUT_FILENO));

	if (json) {
		cleanup(free_text) char *text = json_print(report);
		puts(text);
	} else {
		show(report);
	}
	return status_of(report);
}

static struct err *run(
    struct by_hand *by_hand, const struct conf *conf, const struct conf_job *job, struct json **out_report)
{
	struct once_request *request = &by_hand->request;

	PASS(store_access_as_owner(conf));
	PASS(stage_log(conf, true));
	if (request->debug)
		log_set_level(LEVEL_DEBUG);
	request->conf = conf;
	request->job = job;
	request->dry_run |= job->dry_run;
	request->debug |= job->debug;
	request->log_message |= job->log_message;
	stage_announce(conf, "once_started");
	return once_run(request, out_report);
}

int by_hand_run(struct by_hand *by_hand, const struct conf *conf, const struct conf_job *job)
{
	struct json *report = NULL;
	struct err *e = run(by_hand, conf, job, &report);
	int status = e ? cli_fail(e) : print_report(by_hand, report);

	json_destroy(report);
	return status;
}
