/* SPDX-License-Identifier: MIT */
/* What a rota is made of: groups, dates and absences, judged before anything is drawn. */
#ifndef JOBS_ROTA_RULES_H
#define JOBS_ROTA_RULES_H

#include <bmad/json.h>
#include <bmad/mem.h>
#include <bmad/option.h>

#define ROTA_SEED_MAX ((INT64_C(1) << 53) - 1)
#define ROTA_DAYS_MAX 100000

enum rota_replace { REPLACE_OWN, REPLACE_ALL };
enum rota_output { OUTPUT_ICS = 1, OUTPUT_GOOGLE = 2 };

/* As the configuration has them. */
struct rota_options {
	const char *id;
	const struct json *groups;
	const char *start_group, *start_date;
	int64_t cycles, seed; /* seed -1: none */
	bool carry_on;
	struct texts holidays;
	const struct json *leave;
	const char *summary_template;
	struct texts output;
	const char *ics_path, *ics_per_person;
	const char *google_api, *google_env;
	const struct json *google_calendars;
	int google_replace;
	int64_t google_max_deletes;
};

struct group {
	const char *name;
	const char **members;
	size_t count;
};

/* NAME is away from FROM to TO, both included (days since 1970). */
struct absence {
	const char *name;
	int64_t from, to;
};

struct rules {
	struct arena arena;
	struct group groups[2]; /* in configured order */
	size_t start;           /* the one that leads the first block */
	int64_t start_date, cycles;
	struct absence *absences;
	size_t absence_count;
	unsigned int outputs; /* enum rota_output, or'ed */
};

/* CONFIG error that names the option and its fault. OUT is cleared; rules_done() in any case. */
struct err *rules_read(const struct rota_options *options, struct rules *out) MUST_CHECK;
void rules_done(struct rules *rules);

/* The group that NAME is in; 2: none. */
size_t rules_group_of(const struct rules *rules, const char *name);
bool rules_away(const struct rules *rules, const char *name, int64_t day);

#endif
