/* SPDX-License-Identifier: MIT */
/* Memory for jobs: allocation that cannot fail, arenas, and the cleanup attribute. */
#ifndef BMAD_MEM_H
#define BMAD_MEM_H

#include "base/mem.h"

#endif
