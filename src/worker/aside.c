/* SPDX-License-Identifier: MIT */
/* A module asked outside the daemon's workers. */
#include "worker/aside.h"

#include <unistd.h>

#include "worker/apis.h"
#include "worker/sources.h"

struct err *run_aside(const struct conf *conf, const struct conf_job *job, const struct run_order *order,
    struct err *(*ask)(struct run *run, void *arg), void *arg)
{
	const volatile int cancelled = 0;
	struct worker_page *page = mem_alloc(sizeof(*page));
	char node[256] = "localhost";
	struct run run;

	gethostname(node, sizeof(node) - 1);
	struct tools tools = {
	    .conf = conf,
	    .node = node,
	    .templates = worker_templates(conf),
	    .sources = sources_create(conf),
	    .apis = apis_create(conf),
	    .page = page,
	};
	run_init(&run, &tools, order, job, &cancelled);
	struct err *e = run_resolve(&run);
	if (!e)
		e = ask(&run, arg);
	run_done(&run);
	sources_destroy(tools.sources);
	apis_destroy(tools.apis);
	template_set_destroy(tools.templates);
	free(page);
	return e;
}
