/* SPDX-License-Identifier: MIT */
/* caller.c - calls an API and tells how each call ended. */
#include "tests/modules/test_modules.h"

#include <string.h>

struct caller_options {
	const char *api, *method, *body;
	struct texts paths;
	int64_t limit;
};

static const char *const methods[] = {"GET", "POST", NULL};

static const struct option options[] = {
    OPTION(struct caller_options, api, OPT_NAME, .section = "apis", .required = true, .help = "which one"),
    OPTION(struct caller_options, method, OPT_TEXT, .fallback = "GET", .help = "the method of each call"),
    OPTION(struct caller_options, body, OPT_TEXT, .help = "what each call carries"),
    OPTION(struct caller_options, paths, OPT_TEXTS, .required = true, .help = "what is called"),
    OPTION(struct caller_options, limit, OPT_INT, .fallback = "1", .min = 1, .max = 64,
        .help = "how many at a time"),
    OPTION_END,
};

static struct err *check(const void *values)
{
	const struct caller_options *own = values;

	for (size_t i = 0; methods[i]; i++)
		if (!strcmp(methods[i], own->method))
			return NULL;
	return ERR(ERR_CONFIG, "method: expected GET or POST");
}

/* In the order in which they end. */
static struct err *on_ended(void *arg, size_t index, const struct api_answer *answer, struct err *why)
{
	struct json *call = json_add_object(arg);

	json_set_int(call, "index", (int64_t)index);
	if (why) {
		json_set_string(call, "kind", err_kind_name(err_kind(why)));
		json_set_string(call, "why", err_text(why));
		err_destroy(why);
		return NULL;
	}
	json_set_int(call, "status", answer->status);
	json_set_int(call, "tries", answer->tries);
	json_set(call, "body", json_string_n(answer->body, answer->length < 100 ? answer->length : 100));
	json_set_int(call, "length", (int64_t)answer->length);
	return NULL;
}

static struct err *caller_run(struct run *run)
{
	const struct caller_options *own = run_options(run);
	struct json *data = run_data(run);
	struct api_request requests[64] = {0};
	struct api *api;

	PASS(run_api(run, own->api, &api));
	for (size_t i = 0; i < own->paths.count && i < 64; i++)
		requests[i] = (struct api_request){.method = own->method,
		    .url = own->paths.items[i],
		    .body = own->body,
		    .length = own->body ? strlen(own->body) : 0};
	TRY(api_call_all(
	        api, requests, own->paths.count, (size_t)own->limit, on_ended, json_set_array(data, "calls")),
	    "call them all");
	return run_queue(run, &(struct message){.kind = "report"}, data);
}

const struct job_module caller_module = {
    .name = "caller",
    .summary = "calls an API",
    .options = options,
    .options_size = sizeof(struct caller_options),
    .check = check,
    .run = caller_run,
};
