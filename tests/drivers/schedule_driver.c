/* SPDX-License-Identifier: MIT */
/*
 * Answers many schedule questions in one process, for tests that compare with an implementation of their
 * own. A question is a line of tab-separated fields: expression, zone, DST rule, from (seconds since
 * 1970), count. The answer is a line: the fires after `from` in seconds, fewer than `count` if there are
 * no more (a negative count: those before it, newest first), or `error` and the message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "schedule/schedule.h"

enum { EXPRESSION, ZONE, RULE, FROM, COUNT, FIELDS };

static bool split(char *line, char *fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		fields[i] = line;
		line += strcspn(line, "\t\n");
		if (*line)
			*line++ = '\0';
		else if (i + 1 < FIELDS)
			return false;
	}
	return true;
}

static struct err *parse(char *fields[FIELDS], struct schedule **out_schedule)
{
	const struct tz *tz;
	enum dst_rule rule;

	PASS(tz_get(fields[ZONE], &tz));
	PASS(dst_rule_parse(fields[RULE], &rule));
	return schedule_parse(fields[EXPRESSION], tz, "job", rule, out_schedule, NULL);
}

static void print_fires(const struct schedule *schedule, utc_t at, long count)
{
	bool back = count < 0;

	for (long i = 0; i < labs(count); i++) {
		at = back ? schedule_prev(schedule, at) : schedule_next(schedule, at);
		if (at == UTC_NEVER || at < 0)
			break;
		printf(i ? " %lld" : "%lld", (long long)at);
	}
	printf("\n");
}

int main(void)
{
	char *fields[FIELDS], line[1000];

	while (fgets(line, sizeof(line), stdin)) {
		struct schedule *schedule = NULL;

		if (!split(line, fields)) {
			fprintf(stderr, "schedule_driver: expected %d fields\n", FIELDS);
			return 2;
		}
		struct err *e = parse(fields, &schedule);
		if (e)
			printf("error %s\n", err_message(e));
		else
			print_fires(schedule, atoll(fields[FROM]), atol(fields[COUNT]));
		err_destroy(e);
		schedule_destroy(schedule);
	}
	return 0;
}
