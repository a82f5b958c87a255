/* SPDX-License-Identifier: MIT */
/*
 * Renders a table of 100 rows and 8 columns (names, whole numbers, tenths; some to be escaped) to HTML from
 * a compiled template, and prints the median of several rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "render/escape.h"
#include "render/mustache.h"

#define ROWS   100
#define ROUNDS 9
#define TIMES  500

static const char text[] =
    "<table>\n"
    "{{#rows}}\n"
    "<tr><td>{{station}}</td><td>{{zone}}</td><td>{{made}}</td><td>{{target}}</td>"
    "<td>{{attainment}}</td><td>{{down_min}}</td><td>{{cause}}</td><td>{{note}}</td></tr>\n"
    "{{/rows}}\n"
    "</table>\n";

static struct json *make_data(void)
{
	static const char *const causes[] = {
	    "starved", "blocked", "Tool change <T4 & T5>", "waits for \"QA\""};
	struct json *data = json_object(), *rows = json_set_array(data, "rows");

	for (int i = 0; i < ROWS; i++) {
		struct json *row = json_add_object(rows);
		cleanup(free_text) char *station = mem_format("ST-%03d", i);

		json_set_string(row, "station", station);
		json_set_string(row, "zone", i % 2 ? "Zone 1" : "Chassis & Trim");
		json_set_int(row, "made", 40 + i % 17);
		json_set_int(row, "target", 52);
		json_set_tenths(row, "attainment", 700 + 13 * (i % 23));
		json_set_tenths(row, "down_min", 7 * i % 120);
		json_set_string(row, "cause", causes[i % 4]);
		json_set_string(row, "note", i % 5 ? "" : "second shift carries on");
	}
	return data;
}

static double now_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static double measure(const struct template *template, const struct json *data)
{
	const struct escaping *html = escaping_find("html", NULL);
	double start = now_us();

	for (int i = 0; i < TIMES; i++) {
		struct buf out = {0};
		struct err *e = template_render(template, &data, 1, html, 1 << 20, &out);

		if (e || out.length < 4000) {
			fprintf(stderr, "bench_render: %s\n", e ? err_text(e) : "the table is not there");
			exit(1);
		}
		buf_done(&out);
	}
	return (now_us() - start) / TIMES;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	struct json *data = make_data();
	struct template *template;
	struct err *e = template_compile("bench", text, strlen(text), NULL, NULL, &template);
	double us[ROUNDS];

	if (e) {
		fprintf(stderr, "bench_render: %s\n", err_text(e));
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++)
		us[i] = measure(template, data);
	qsort(us, ROUNDS, sizeof(us[0]), by_size);
	printf("render: 100x8 table %.1f us (min %.1f, max %.1f)\n", us[ROUNDS / 2], us[0], us[ROUNDS - 1]);
	template_destroy(template);
	json_destroy(data);
	return 0;
}
