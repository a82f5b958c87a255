/* SPDX-License-Identifier: MIT */
/* What a person probably meant where YAML's scanner stumbled. */
#ifndef CONF_YAML_HINT_H
#define CONF_YAML_HINT_H

#include <stddef.h>

/*
 * Pure. PROBLEM is libyaml's message, AT the byte of TEXT[0..LENGTH-1] where it stopped. A sentence that
 * begins with "; ", or "" where nothing is known.
 */
const char *yaml_hint(const char *problem, const char *text, size_t length, size_t at);

#endif
