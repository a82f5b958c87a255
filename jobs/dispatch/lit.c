/* SPDX-License-Identifier: MIT */
/* The vendor LIT: a list of open dispatches by Apex REST; notes name a dispatch by its number. */
#include <string.h>

#include <bmad/text.h>

#include "jobs/dispatch/note.h"
#include "jobs/dispatch/vendor.h"
#include "jobs/vendor/salesforce.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const *const statuses[STATUSES] = {
    [STATUS_REQUESTED] = WORDS("New Dispatch"),
    [STATUS_CONFIRMED] = WORDS("Request Confirmed"),
    [STATUS_ON_SITE] = WORDS("Tech Arrived"),
    [STATUS_CANCELLED] = WORDS("Cancelled"),
    [STATUS_COMPLETED] = WORDS("Close Out"),
};

static const struct api_header headers[] = {
    {"Cache-control", "no-cache, no-store, no-transform, max-age=0, only-if-cached"},
    {NULL, NULL},
};

/* An answer that says `Success`: its status alone means nothing. */
static struct err *ask(struct api *api, const char *path, struct json **out_answer)
{
	struct json *answer;

	PASS(salesforce_get(api, path, headers, &answer));
	const char *status = json_text(json_get(answer, "Status")),
	           *text = json_text(json_get(answer, "Message"));
	struct err *e = text_equal(status, "Success")
	                    ? NULL
	                    : ERR(ERR_PERMANENT, "the vendor answers '%.100s'%s%.200s",
	                          status ? status : "nothing", text ? ": " : "", text ? text : "");
	if (e)
		json_destroy(answer);
	else
		*out_answer = answer;
	return e;
}

static struct err *take_all(
    const struct json *list, struct err *(*take)(void *arg, const struct json *record), void *arg)
{
	if (!json_is(list, JSON_ARRAY))
		return ERR(ERR_PERMANENT, "the answer has no 'DispatchList'");
	json_each(record, list)
		PASS(take(arg, record));
	return NULL;
}

static struct err *lit_list(
    struct api *api, struct err *(*take)(void *arg, const struct json *record), void *arg)
{
	struct json *answer;

	PASS(ask(api, "/services/apexrest/GetOpenDispatchList", &answer));
	struct err *e = take_all(json_get(answer, "DispatchList"), take, arg);
	json_destroy(answer);
	return e;
}

static struct err *lit_find(struct api *api, const char *number, struct json **out_record)
{
	cleanup(free_text) char *path = mem_format("/services/apexrest/GetDispatch/%s", number);
	struct json *answer;

	PASS(ask(api, path, &answer));
	*out_record = json_copy(json_get(answer, "Dispatch"));
	json_destroy(answer);
	return *out_record ? NULL : ERR(ERR_PERMANENT, "the vendor has no dispatch %s", number);
}

static const char *words(const struct json *record, const char *field)
{
	return json_text(json_get(record, field));
}

static struct err *lit_read(const struct json *record, struct arena *arena, struct dispatch *d)
{
	const char *date = words(record, "Date_of_Dispatch"),
	           *time = words(record, "Hard_Time_of_Dispatch_Local"),
	           *zone = words(record, "Hard_Time_of_Dispatch_Time_Zone_Local"), *contact, *phone;

	d->reference = d->number;
	PASS(field_line(record, "Tech_First_Name", arena, &d->tech_name));
	PASS(field_line(record, "Tech_Mobile_Number", arena, &d->tech_phone));
	PASS(field_line(record, "Job_Site", arena, &d->site));
	PASS(field_line(record, "Job_Site_Street", arena, &d->street));
	PASS(field_text(record, "Job_Site_Contact_Name_and_Phone_Number", &contact));
	PASS(field_text(record, "Tech_Mobile_Number", &phone));
	d->has_client = phone_read(contact, d->client);
	d->has_tech = phone_read(phone, d->tech);
	d->has_start = when_local(date, time, zone, &d->start);
	if (d->has_start)
		d->planned = on_one_line(arena_format(arena, "%s %s %s", date, time, zone), arena);
	d->arrived = json_true(json_get(record, "Tech_Arrived_On_Site")) &&
	             json_type(json_get(record, "Time_of_Check_In")) != JSON_NULL;
	return NULL;
}

const struct vendor vendor_lit = {
    .name = "LIT",
    .key = "lit",
    .statuses = statuses,
    .number_field = "Dispatch_Number",
    .ticket_field = "MetTel_Bruin_TicketID",
    .status_field = "Dispatch_Status",
    .list = lit_list,
    .find = lit_find,
    .read = lit_read,
};
