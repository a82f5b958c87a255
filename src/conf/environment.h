/* SPDX-License-Identifier: MIT */
/*
 * Environments: the same configuration for testing, staging, production. `bmad.staging.yaml` beside
 * `bmad.yaml` is laid over it for `--env staging`.
 */
#ifndef CONF_ENVIRONMENT_H
#define CONF_ENVIRONMENT_H

#include "conf/yaml.h"

/*
 * The tree ROOT of the file PATH with that of the environment NAME laid over it: mappings are merged, a null
 * removes a key, anything else is replaced. A file that is missing or wrong is among the problems; it is
 * read as READING has it.
 */
const struct node *environment_lay(const char *name, const char *path, const struct node *root,
    struct arena *arena, struct conf_problems *problems, struct yaml_reading *reading);

#endif
