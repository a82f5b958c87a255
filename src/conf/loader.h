/* SPDX-License-Identifier: MIT */
/* What the readers of the sections share while a configuration is loaded. Private to src/conf. */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf/conf.h"
#include "conf/entries.h"
#include "conf/names.h"
#include "conf/node.h"
#include "conf/options.h"

struct conf_index {
	struct names sources, apis, channels, jobs; /* number: index in the section's array */
};

/* The keys of a job as they are written, before names have become pointers. */
struct job_keys {
	struct conf_job job; /* what needs no more work is read right into it */
	const char *module;
	struct texts schedule, channels;
	const char *timezone;
	int dst; /* enum dst_rule */
};

struct loader {
	struct conf *conf;
	const struct conf_request *request;
	struct conf_problems *problems;
	struct arena *scratch; /* of the tree, gone when loading is over */
	struct option_reader reader;
	struct option_section sections[5];
	struct job_keys job_defaults;
};

/*
 * Each gets its section's node (NULL: not written) or entries and fills its part of conf. Names of all
 * sections are known before the first is read.
 */
void conf_read_daemon(struct loader *loader, const struct node *section);
void conf_read_defaults(struct loader *loader, const struct node *section);
void conf_read_sources(struct loader *loader, const struct entries *entries);
void conf_read_apis(struct loader *loader, const struct entries *entries);
void conf_read_channels(struct loader *loader, const struct entries *entries);
void conf_read_jobs(struct loader *loader, const struct entries *entries);

/* The channel that is there without being named. */
#define CONSOLE_CHANNEL "console"

/*
 * Makes the error that a check hook returned a problem, at the place of the key that its message begins with,
 * else at the owner's. Consumes E; NULL is no problem.
 */
void conf_report(struct loader *loader, const struct node *mapping, struct err *e);

#endif
