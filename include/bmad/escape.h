/* SPDX-License-Identifier: MIT */
/* Escaping, for jobs that write a file themselves; templates escape what they show. */
#ifndef BMAD_ESCAPE_H
#define BMAD_ESCAPE_H

#include "render/escape.h"

#endif
