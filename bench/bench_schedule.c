/* SPDX-License-Identifier: MIT */
/*
 * CPU time to find the next fire, over a mixed corpus: dense, daily, sparse and day-of-month against
 * day-of-week expressions in four zones, 1000 fires each from 2026 on. The mean is over all of them, the
 * maximum that of the expression and zone with the highest mean. Median of several rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "schedule/schedule.h"

#define FIRES  1000
#define ROUNDS 5
#define START  INT64_C(1767225600) /* 2026-01-01 */

static const char *const expressions[] = {
    "* * * * *",
    "*/10 * * * * *",
    "*/15 9-17 * * mon-fri",
    "5 * * * *",
    "0 0 * * *",
    "30 2 * * *",
    "0 6,18 * * *",
    "0 9 * * mon",
    "0 0 1 * *",
    "0 0 L * *",
    "0 12 15W * *",
    "0 0 * * fri#2",
    "0 0 13 * 5",
    "0 0 */2 * 1",
    "0 0 1 jan *",
    "0 0 29 2 *",
};

static const char *const zones[] = {"UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"};

#define CASES (ARRAY_SIZE(expressions) * ARRAY_SIZE(zones))

struct round {
	double mean_us, max_us;
};

static double cpu_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static void fail(struct err *e)
{
	fprintf(stderr, "bench_schedule: %s\n", err_text(e));
	exit(1);
}

static struct schedule *make_case(size_t n)
{
	const struct tz *tz;
	struct schedule *schedule = NULL;
	struct err *e = tz_get(zones[n % ARRAY_SIZE(zones)], &tz);

	if (!e)
		e = schedule_parse(
		    expressions[n / ARRAY_SIZE(zones)], tz, "bench", DST_VIXIE, &schedule, NULL);
	if (e)
		fail(e);
	return schedule;
}

/* An expression whose fires have left the century begins anew, so that all are measured in the same time. */
static double time_case(const struct schedule *schedule)
{
	double start = cpu_us();
	utc_t at = START;

	for (int i = 0; i < FIRES; i++) {
		utc_t next = schedule_next(schedule, at);

		if (next <= at) {
			fprintf(stderr, "bench_schedule: '%s' went back\n", schedule_text(schedule));
			exit(1);
		}
		at = next < 2 * START ? next : START;
	}
	return (cpu_us() - start) / FIRES;
}

static struct round run_round(struct schedule *const *schedules)
{
	struct round round = {0, 0};
	size_t cases = CASES;

	for (size_t i = 0; i < cases; i++) {
		double us = time_case(schedules[i]);

		round.mean_us += us / (double)cases;
		round.max_us = us > round.max_us ? us : round.max_us;
	}
	return round;
}

static int compare_means(const void *a, const void *b)
{
	const struct round *x = a, *y = b;

	return (x->mean_us > y->mean_us) - (x->mean_us < y->mean_us);
}

int main(void)
{
	struct schedule *schedules[CASES];
	struct round rounds[ROUNDS];

	for (size_t i = 0; i < CASES; i++)
		schedules[i] = make_case(i);
	for (size_t i = 0; i < ROUNDS; i++)
		rounds[i] = run_round(schedules);
	qsort(rounds, ROUNDS, sizeof(*rounds), compare_means);
	printf("schedule: next fire %.3f us mean, %.3f us max over %zu expressions and zones, %d fires each "
	       "(means %.3f to %.3f us)\n",
	    rounds[ROUNDS / 2].mean_us, rounds[ROUNDS / 2].max_us, CASES, FIRES, rounds[0].mean_us,
	    rounds[ROUNDS - 1].mean_us);
	for (size_t i = 0; i < CASES; i++)
		schedule_destroy(schedules[i]);
	return 0;
}
