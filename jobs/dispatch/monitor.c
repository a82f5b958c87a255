/* SPDX-License-Identifier: MIT */
/* A cycle: the vendor's list, each number once, in rounds that hold a ticket at most once. */
#include "jobs/dispatch/monitor.h"

#include <string.h>

/* clang-format off */
static const struct option cancel_options[] = {
    {.name = "channel", .type = OPT_NAME, .offset = offsetof(struct dispatch_options, cancel_channel), .section = "channels",
        .help = "the mail channel of requests to cancel (`bmad dispatch-cancel`)"},
    {.name = "to", .type = OPT_TEXT, .offset = offsetof(struct dispatch_options, cancel_to),
        .help = "the vendor's address for them"},
    OPTION_END,
};

const struct option dispatch_options[] = {
    OPTION(struct dispatch_options, vendor, OPT_NAME, .section = "apis", .required = true,
        .help = "the vendor's API (type salesforce)"),
    OPTION(struct dispatch_options, bruin, OPT_NAME, .section = "apis",
        .help = "the API of the tickets; left out: that of the notes' channel"),
    OPTION(struct dispatch_options, notes, OPT_NAME, .section = "channels", .required = true,
        .help = "the channel of notes (type bruin_note)"),
    OPTION(struct dispatch_options, sms, OPT_NAME, .section = "channels", .required = true,
        .help = "the channel of texts (type sms)"),
    OPTION(struct dispatch_options, chat, OPT_NAMES, .section = "channels", .help = "the channels of operators"),
    {.name = "operator", .type = OPT_TEXT, .offset = offsetof(struct dispatch_options, operator_name),
        .help = "whose automated messages the texts are, as they say; left out: the service desk's"},
    OPTION(struct dispatch_options, concurrency, OPT_INT, .fallback = "8", .min = 1, .max = 64,
        .help = "tickets that are read at a time"),
    {.name = "state_ttl", .type = OPT_DURATION, .offset = offsetof(struct dispatch_options, state_ttl_ms),
        .fallback = "3d", .min = 1000, .help = "how long a dispatch stays in the index after it was last seen"},
    {.name = "ledger_ttl", .type = OPT_DURATION, .offset = offsetof(struct dispatch_options, ledger_ttl_ms),
        .fallback = "30d", .min = 1000, .help = "how long a text is remembered as sent"},
    {.name = "cancel", .type = OPT_GROUP, .group = cancel_options, .help = "requests to cancel a dispatch"},
    OPTION_END,
};
/* clang-format on */

/* -- the list --------------------------------------------------------------------------------------- */

/* One bad record is that record's trouble. */
static struct err *take_record(void *arg, const struct json *record)
{
	struct monitor *monitor = arg;
	struct dispatch dispatch;
	struct err *e = dispatch_read(monitor->vendor, record, &monitor->arena, &dispatch);

	if (e) {
		monitor->malformed++;
		run_warn(
		    monitor->run, "vendor=%s: a record is malformed: %s", monitor->vendor->name, err_text(e));
		err_destroy(e);
		return NULL;
	}
	mem_grow(monitor->items, monitor->count, monitor->capacity);
	monitor->items[monitor->count++] = dispatch;
	return NULL;
}

typedef int compare(const void *a, const void *b);

static int by_place(const struct dispatch *a, const struct dispatch *b)
{
	return a < b ? -1 : a > b;
}

static int by_number(const void *a, const void *b)
{
	const struct dispatch *first = *(struct dispatch *const *)a, *second = *(struct dispatch *const *)b;
	int order = strcmp(first->number, second->number);

	return order ? order : by_place(first, second);
}

static int by_ticket(const void *a, const void *b)
{
	const struct dispatch *first = *(struct dispatch *const *)a, *second = *(struct dispatch *const *)b;
	int order = strcmp(first->ticket, second->ticket);

	return order ? order : by_place(first, second);
}

static int in_order(const void *a, const void *b)
{
	return by_place(*(struct dispatch *const *)a, *(struct dispatch *const *)b);
}

/* Drops rows with a number that came before. */
static size_t drop_repeated(struct dispatch **sorted, size_t count)
{
	size_t kept = 0;

	qsort(sorted, count, sizeof(*sorted), by_number);
	for (size_t i = 0; i < count; i++)
		if (!kept || strcmp(sorted[kept - 1]->number, sorted[i]->number) != 0)
			sorted[kept++] = sorted[i];
	return kept;
}

/* Keeps those that some step may concern: with a status, a ticket and a reference of ours. */
static size_t keep_concerned(const struct monitor *monitor, struct dispatch **items, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct dispatch *d = items[i];

		if (d->ticket && d->reference)
			items[kept++] = items[i];
		else if (d->status != STATUS_REQUESTED && d->status < STATUS_COMPLETED)
			run_decide(monitor->run, "dispatch %s: no ticket or reference of ours", d->number);
	}
	return kept;
}

static void count_statuses(struct monitor *monitor, struct dispatch *const *items, size_t count)
{
	int64_t counts[STATUSES] = {0};

	for (size_t i = 0; i < count; i++)
		counts[items[i]->status]++;
	for (int status = 0; status < STATUSES; status++)
		run_value(monitor->run, status_name((enum status)status), (double)counts[status]);
}

/* -- rounds ----------------------------------------------------------------------------------------- */

/*
 * Moves the next dispatch of each ticket from REST, sorted by ticket, to ROUND: what one visit notes, the
 * next one of the same ticket must find.
 */
static size_t take_round(struct dispatch **rest, size_t *count, struct dispatch **round)
{
	size_t taken = 0, left = 0;

	for (size_t i = 0; i < *count; i++) {
		if (!taken || strcmp(round[taken - 1]->ticket, rest[i]->ticket) != 0)
			round[taken++] = rest[i];
		else
			rest[left++] = rest[i];
	}
	*count = left;
	qsort(round, taken, sizeof(*round), in_order);
	return taken;
}

static struct err *visit_all(struct monitor *monitor, struct dispatch **items, size_t count)
{
	struct dispatch **round = arena_alloc(&monitor->arena, (count + 1) * sizeof(*round));

	qsort(items, count, sizeof(*items), by_ticket);
	while (count) {
		size_t taken = take_round(items, &count, round);

		PASS(details_visit(monitor, round, taken));
	}
	return NULL;
}

/* -- the cycle -------------------------------------------------------------------------------------- */

static struct err *list(struct monitor *monitor)
{
	run_step(monitor->run, "list the dispatches of %s", monitor->vendor->name);
	struct err *e = monitor->vendor->list(monitor->vendor_api, take_record, monitor);

	if (!e)
		return NULL;
	e = ERR_AT(e, "list the dispatches of %s", monitor->vendor->name);
	say_last_words(monitor, "list_failed", err_text(e));
	return e;
}

static struct err *tell_rest(struct monitor *monitor)
{
	if (monitor->details_failed > UNREAD_TOLD) {
		cleanup(free_text) char *text =
		    mem_format("%lld tickets in all", (long long)monitor->details_failed);
		return say_event(monitor, NULL, "ticket_details_failed", text);
	}
	return NULL;
}

static void report_values(struct monitor *monitor)
{
	run_value(monitor->run, "listed", (double)monitor->count);
	run_value(monitor->run, "ours", (double)monitor->ours);
	run_value(monitor->run, "malformed", (double)monitor->malformed);
	run_value(monitor->run, "actions", (double)monitor->actions);
	run_value(monitor->run, "failures", (double)monitor->failures);
}

static struct err *cycle(struct monitor *monitor)
{
	PASS(list(monitor));
	struct dispatch **items = arena_alloc(&monitor->arena, (monitor->count + 1) * sizeof(*items));
	for (size_t i = 0; i < monitor->count; i++)
		items[i] = &monitor->items[i];
	size_t count = drop_repeated(items, monitor->count);
	count_statuses(monitor, items, count);
	count = keep_concerned(monitor, items, count);
	struct err *e = visit_all(monitor, items, count);
	return e ? e : tell_rest(monitor);
}

static struct err *find_apis(struct monitor *monitor)
{
	const struct dispatch_options *own = monitor->own;

	PASS(run_api(monitor->run, own->vendor, &monitor->vendor_api));
	if (own->bruin)
		return run_api(monitor->run, own->bruin, &monitor->bruin);
	return ERR_AT(run_channel_api(monitor->run, own->notes, &monitor->bruin),
	    "`bruin` is left out, and `notes` names no API");
}

struct err *monitor_run(struct run *run, const struct vendor *vendor)
{
	struct monitor monitor = {.run = run, .own = run_options(run), .vendor = vendor};
	const char *number = json_text(json_get(run_given(run), "cancel"));
	struct err *e = find_apis(&monitor);

	if (!e)
		e = number ? cancel_run(&monitor, number) : cycle(&monitor);
	report_values(&monitor);
	free(monitor.items);
	arena_done(&monitor.arena);
	return e;
}
