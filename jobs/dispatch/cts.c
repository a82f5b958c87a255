/* SPDX-License-Identifier: MIT */
/*
 * The vendor CTS: a query by SOQL; the portal orders by e-mail, before there is a number, and so notes name a
 * dispatch by the portal's own, which stands in the description.
 */
#include <string.h>

#include "jobs/dispatch/note.h"
#include "jobs/dispatch/vendor.h"
#include "jobs/vendor/salesforce.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COLUMNS                                                                                              \
	"SELECT Id, Name, API_Resource_Name__c, Check_In_Date__c, Description__c, Ext_Ref_Num__c,"           \
	" Local_Site_Time__c, Lookup_Location_Owner__c, Open_Date__c, Resource_Phone_Number__c, Status__c,"  \
	" Street__c FROM Service__c"
#define OPEN                                                                                                 \
	COLUMNS " WHERE Status__c in ('Open', 'Scheduled', 'On Site', 'Completed', 'Complete Pending"        \
	        " Collateral', 'Canceled') and Open_Date__c >= LAST_MONTH"

static const char *const *const statuses[STATUSES] = {
    [STATUS_REQUESTED] = WORDS("Open"),
    [STATUS_CONFIRMED] = WORDS("Scheduled"),
    [STATUS_ON_SITE] = WORDS("On Site"),
    [STATUS_CANCELLED] = WORDS("Canceled"),
    [STATUS_COMPLETED] = WORDS("Completed", "Complete Pending Collateral"),
};

static struct err *cts_list(
    struct api *api, struct err *(*take)(void *arg, const struct json *record), void *arg)
{
	return salesforce_query(api, OPEN, take, arg);
}

static struct err *keep_first(void *arg, const struct json *record)
{
	struct json **kept = arg;

	if (!*kept)
		*kept = json_copy(record);
	return NULL;
}

/* NUMBER holds nothing that means something to SOQL: the command has seen to it. */
static struct err *cts_find(struct api *api, const char *number, struct json **out_record)
{
	cleanup(free_text) char *soql = mem_format(COLUMNS " WHERE Name = '%s'", number);
	struct json *record = NULL;
	struct err *e = salesforce_query(api, soql, keep_first, &record);

	if (!e && !record)
		e = ERR(ERR_PERMANENT, "the vendor has no dispatch %s", number);
	if (e)
		json_destroy(record);
	else
		*out_record = record;
	return e;
}

/* IGZ and what belongs to it; NULL: it was not ordered by the portal. */
static const char *reference_in(const char *description, struct arena *arena)
{
	const char *rest = after_label(description, "IGZ Dispatch Number:", arena);
	size_t length =
	    rest ? strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") : 0;

	return length ? arena_copy_n(arena, rest, length) : NULL;
}

static struct err *cts_read(const struct json *record, struct arena *arena, struct dispatch *d)
{
	const char *description, *phone;

	PASS(field_line(record, "API_Resource_Name__c", arena, &d->tech_name));
	PASS(field_line(record, "Resource_Phone_Number__c", arena, &d->tech_phone));
	PASS(field_line(record, "Lookup_Location_Owner__c", arena, &d->site));
	PASS(field_line(record, "Street__c", arena, &d->street));
	PASS(field_text(record, "Description__c", &description));
	PASS(field_text(record, "Resource_Phone_Number__c", &phone));
	d->reference = reference_in(description, arena);
	d->has_client = phone_read(after_label(description, "Contact #:", arena), d->client);
	d->has_tech = phone_read(phone, d->tech);
	d->has_start = when_instant(json_text(json_get(record, "Local_Site_Time__c")), &d->start);
	if (d->has_start)
		d->planned = arena_copy(arena, d->start.text);
	d->arrived = json_type(json_get(record, "Check_In_Date__c")) != JSON_NULL;
	return NULL;
}

const struct vendor vendor_cts = {
    .name = "CTS",
    .key = "cts",
    .statuses = statuses,
    .number_field = "Name",
    .ticket_field = "Ext_Ref_Num__c",
    .status_field = "Status__c",
    .list = cts_list,
    .find = cts_find,
    .read = cts_read,
    .own_reference = true,
};
