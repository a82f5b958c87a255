/* SPDX-License-Identifier: MIT */
/* The templates that a configuration's jobs use. */
#ifndef WORKER_TEMPLATES_H
#define WORKER_TEMPLATES_H

#include "conf/conf.h"
#include "render/templates.h"

/*
 * The set over `templates/` beside the configuration, $BMAD_TEMPLATES, the installed folder, and `templates/`
 * beside the binary, in this order. Nothing is read yet.
 */
struct template_set *worker_templates(const struct conf *conf);

#endif
